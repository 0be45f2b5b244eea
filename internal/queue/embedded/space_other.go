//go:build !linux

package embedded

import (
	"os"
	"runtime"
)

// allocate has the disk give blocks for a part of f. On Windows bbolt has
// already given the file the size of its memory map.
func allocate(f *os.File, from, to int64) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return zeros(f, from, to)
}

// syncData makes what was written to f durable.
func syncData(f *os.File) error { return f.Sync() }
