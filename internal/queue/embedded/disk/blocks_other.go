//go:build !linux

package disk

import (
	"os"
	"runtime"
)

// Allocate has the disk give blocks for a part of f. On Windows bbolt has
// already given the file the size of its memory map.
func Allocate(f *os.File, from, to int64) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return Zeros(f, from, to)
}

// SyncData makes what was written to f durable.
func SyncData(f *os.File) error { return f.Sync() }
