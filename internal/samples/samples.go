// Package samples has webhooks to try things out with, one of each kind and
// provider, made anew each time. Begin with [Render]. It is a leaf.
//
// A new one is a file webhooks/<name>.<provider>.<extension>, with the
// placeholders %time% (seconds), %time_ms%, %id% (random letters and digits),
// %number% (16 random digits) and %hex% (32 random hex digits).
package samples

import (
	"crypto/rand"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed webhooks
var webhooks embed.FS

// Names lists the samples, sorted.
func Names() []string {
	entries, _ := webhooks.ReadDir("webhooks") // embedded, so that it cannot fail
	var names []string
	for _, e := range entries {
		names = append(names, nameOf(e.Name()))
	}
	slices.Sort(names)
	return names
}

func nameOf(file string) string {
	name, _, _ := strings.Cut(file, ".")
	return name
}

// find is a sample's file.
func find(name string) (string, error) {
	entries, err := webhooks.ReadDir("webhooks")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if nameOf(e.Name()) == name {
			return e.Name(), nil
		}
	}
	return "", fmt.Errorf("sample '%s' is unknown: it is one of %s", name, strings.Join(Names(), ", "))
}

// Provider is who posts a sample; meta for an unknown one.
func Provider(name string) string {
	if file, err := find(name); err == nil {
		return strings.Split(file, ".")[1]
	}
	return "meta"
}

// Render makes a sample an event of now. The error is a sentence to the user.
func Render(name string, now time.Time) ([]byte, error) {
	file, err := find(name)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(webhooks, "webhooks/"+file)
	if err != nil {
		return nil, err
	}
	var sid [16]byte
	_, _ = rand.Read(sid[:]) // never fails
	replacer := strings.NewReplacer(
		"%time%", strconv.FormatInt(now.Unix(), 10),
		"%time_ms%", strconv.FormatInt(now.UnixMilli(), 10),
		"%id%", rand.Text(),
		"%number%", strconv.FormatUint(1e15+binary.BigEndian.Uint64(sid[:])%9e15, 10),
		"%hex%", hex.EncodeToString(sid[:]),
	)
	return []byte(strings.TrimSuffix(replacer.Replace(string(text)), "\n")), nil
}
