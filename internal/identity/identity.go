// Package identity says who a process is, beyond its death: a name that it keeps in a
// folder, and has for as long as it lives. Nobody else can have it meanwhile, so whoever
// has it next knows that the one before is dead, and takes what that one had without
// waiting. Begin with [Claim].
//
// The proof is a lock on a file, which the system gives free when the process ends,
// however it ends, and not when it is merely stopped. It holds between processes of one
// running system: the name is made of the system's boot, of the file's place on its disk,
// and of what is written in it, so that a copy of the folder, or the same folder seen
// from another host or after a restart of the machine, is another name.
//
// The package knows no store, and imports nothing of Leadgate.
package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Identity is who a process is.
type Identity struct {
	Edge    string // 16 hex digits: this process's alone, and that of those before it in its folder
	Process string // 16 hex digits: another for each process
}

// FileName is the file in the folder.
const FileName = "edge.id"

// Why a folder gives no identity.
var (
	// ErrTaken is of a folder whose identity another living process has.
	ErrTaken = errors.New("another process that runs has the identity of this folder")
	// ErrUnproven is of a folder, or a system, where a lock proves nothing.
	ErrUnproven = errors.New("no lock here proves that a process is dead")
)

var (
	mu      sync.Mutex
	claimed = map[string]*claim{}
	process = sync.OnceValue(random)
)

// claim is what this process holds until it ends.
type claim struct {
	lock *os.File
	edge string
}

// Claim takes the identity of a folder, which it makes if need be, for the rest of this
// process's life. Who claims it again in this process gets the same. The error says why
// there is none, and may be [ErrTaken] or [ErrUnproven]: then this process must do
// without, for as long as it lives.
func Claim(folder string) (Identity, error) {
	mu.Lock()
	defer mu.Unlock()
	path, err := filepath.Abs(folder)
	if err != nil {
		return Identity{}, fmt.Errorf("finding folder: %w", err)
	}
	c := claimed[path]
	if c == nil {
		if c, err = take(path); err != nil {
			return Identity{}, err
		}
		claimed[path] = c
	}
	return Identity{Edge: c.edge, Process: process()}, nil
}

// take locks the folder's file and reads what it says. The lock is held until the
// process ends.
func take(folder string) (*claim, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, FileName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening file: %w", err)
	}
	place, err := hold(f)
	var word string
	if err == nil {
		word, err = wordOf(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	sum := sha256.Sum256([]byte(word + " " + place))
	return &claim{lock: f, edge: hex.EncodeToString(sum[:8])}, nil
}

// about is what the file says to who looks into it, behind the word.
const about = "who this edge is: see docs/operations.md"

// wordOf reads the random word in a file, or writes one.
func wordOf(f *os.File) (string, error) {
	b := make([]byte, 256)
	n, _ := f.ReadAt(b, 0) // what is short is written anew
	if word, rest, ok := strings.Cut(string(b[:n]), " "); ok && len(word) == 16 && strings.HasPrefix(rest, about) {
		return word, nil
	}
	word := random()
	if err := f.Truncate(0); err != nil {
		return "", fmt.Errorf("writing file: %w", err)
	}
	if _, err := f.WriteAt([]byte(word+" "+about+"\n"), 0); err != nil {
		return "", fmt.Errorf("writing file: %w", err)
	}
	return word, nil
}

func random() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
