package caddymodule

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// samples are webhooks named <name>.<provider>.<extension>, with the
// placeholders %time% (seconds), %time_ms%, %id% (random letters and digits) and
// %hex% (32 random hex digits).
//
//go:embed samples
var samples embed.FS

func sampleName(file string) string {
	name, _, _ := strings.Cut(file, ".")
	return name
}

func sampleFile(name string) (string, error) {
	entries, err := samples.ReadDir("samples")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if sampleName(e.Name()) == name {
			return e.Name(), nil
		}
	}
	return "", fmt.Errorf("sample '%s' is unknown: it is one of %s", name, strings.Join(sampleNames(), ", "))
}

// sampleProvider is who posts a sample; meta for none.
func sampleProvider(name string) string {
	if file, err := sampleFile(name); err == nil {
		return strings.Split(file, ".")[1]
	}
	return "meta"
}

// renderSample makes a sample an event of now.
func renderSample(name string, now time.Time) ([]byte, error) {
	file, err := sampleFile(name)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(samples, "samples/"+file)
	if err != nil {
		return nil, err
	}
	var sid [16]byte
	_, _ = rand.Read(sid[:]) // never fails
	replacer := strings.NewReplacer(
		"%time%", strconv.FormatInt(now.Unix(), 10),
		"%time_ms%", strconv.FormatInt(now.UnixMilli(), 10),
		"%id%", rand.Text(),
		"%hex%", hex.EncodeToString(sid[:]),
	)
	return []byte(strings.TrimSuffix(replacer.Replace(string(text)), "\n")), nil
}

// compactJSON takes the white space out, so that an event is one line.
func compactJSON(b []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
