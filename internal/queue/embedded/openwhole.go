package embedded

import (
	"errors"
	"os"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
)

// openWhole opens the bbolt file, after it was looked at under its lock.
func (e *Store) openWhole() (*bolt.DB, *os.File, error) {
	for attempt := 0; ; attempt++ {
		if err := e.verifyLocked(); err != nil {
			return nil, nil, err
		}
		db, file, err := openFile(e.path, e.cfg.LockTimeout)
		// While we waited for the lock, the file may have been replaced by its
		// compacted copy: then ours has no name any more.
		if err != nil || attempt == 3 || disk.IsNamed(file, e.path) {
			return db, file, err
		}
		_ = db.Close()
	}
}

// verifyLocked is verify, while nobody else writes.
func (e *Store) verifyLocked() error {
	file, err := os.OpenFile(e.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = disk.Lock(file, e.cfg.LockTimeout)
	if err == nil {
		err = verify(e.path, file)
	}
	return errors.Join(err, file.Close())
}
