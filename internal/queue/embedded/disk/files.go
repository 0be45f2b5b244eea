package disk

import (
	"errors"
	"io/fs"
	"os"
)

// Name gives a file its name, unless there is one of that name.
func Name(made, path string) error {
	err := os.Link(made, path)
	switch {
	case err == nil || errors.Is(err, fs.ErrExist):
		if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	case errors.Is(err, fs.ErrNotExist): // removed by another process, which makes one too
		_, err := os.Stat(path)
		return err
	}
	// A file system without links.
	if _, err := os.Stat(path); err == nil {
		return os.Remove(made)
	}
	return os.Rename(made, path)
}

// IsNamed reports whether path is the name of the open file f.
func IsNamed(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	at, err := os.Stat(path)
	return err == nil && os.SameFile(ours, at)
}

// Keep gives a file a second name, so that the first never lacks; where the file system
// has no links, a copy.
func Keep(path, kept string) error {
	if err := os.Link(path, kept); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(kept, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = to.ReadFrom(from)
	return errors.Join(err, to.Sync(), to.Close())
}

// IsFolder reports whether a path leads to a folder.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// SyncFolder makes a rename in a folder durable. Where folders can't be synced
// (Windows) the rename is as durable as the system makes it.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
