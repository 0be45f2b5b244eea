package disk

import (
	"errors"
	"os"
	"syscall"
)

// Allocate has the disk give blocks for a part of f.
func Allocate(f *os.File, from, to int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, from, to-from)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
			return Zeros(f, from, to)
		}
		return err
	}
}

// SyncData makes what was written to f durable, but not its times.
func SyncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
