package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Zeros allocates by writing, where the system has no better way. Nothing of
// the file in use lies there.
func Zeros(f *os.File, from, to int64) error {
	buf := make([]byte, min(to-from, 1<<20))
	for from < to {
		n, err := f.WriteAt(buf[:min(to-from, int64(len(buf)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// IsFull reports whether an error is a full disk's, a quota's or a size limit's.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// WasRefused reports whether a write was refused, and not the fsync after it: then
// nothing in memory differs from what is on disk. Linux's fdatasync gives a bare
// error, what is used elsewhere (File.Sync) a PathError as a write does.
func WasRefused(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && path.Op != "sync"
}
