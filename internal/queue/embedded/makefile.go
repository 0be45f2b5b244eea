package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
)

// makeFile makes a bbolt file of an id and a generation of its own, with what fill puts
// in, and gives it its name when it is whole. If somebody else has made one meanwhile,
// that one stays.
func makeFile(path string, timeout time.Duration, fill func(*bolt.Tx) error) (err error) {
	made := path + ".new"
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an unfinished file: %w", err)
	}
	db, _, err := openFile(made, timeout)
	if err != nil {
		return fmt.Errorf("making %s: %w", made, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if _, err := prepare(tx, path); err != nil {
			return err
		}
		return fill(tx)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("making %s: %w", made, errors.Join(err, os.Remove(made)))
	}
	if err := disk.Name(made, path); err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	return disk.SyncFolder(filepath.Dir(path))
}
