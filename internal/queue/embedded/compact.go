package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
)

// A file is compacted at open when it is this large, and this part is free.
const (
	compactFrom = 128 << 20
	compactFree = 0.75
)

// compact copies a large and mostly free file into a small one. The copy is
// complete and synced before it takes the old one's name, and both are locked
// until then, so that a crash leaves one or the other.
func (e *Store) compact() (err error) {
	copyPath := e.path + ".compact"
	if err := os.Remove(copyPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing an unfinished copy: %w", err)
	}
	info, err := os.Stat(e.path)
	if err != nil {
		return fmt.Errorf("reading size of the queue's file: %w", err)
	}
	var pages int64
	if err := e.db.View(func(tx *bolt.Tx) error { pages = tx.Size() / pageSize; return nil }); err != nil {
		return fmt.Errorf("reading size of the queue's file: %w", err)
	}
	if info.Size() < compactFrom || float64(freePages(e.db)) < compactFree*float64(pages) {
		return nil
	}
	db, file, err := openFile(copyPath, e.cfg.LockTimeout)
	if err != nil {
		return fmt.Errorf("compacting the queue's file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = db.Close()
			_ = os.Remove(copyPath)
		}
	}()
	db.NoSync = true
	if err := bolt.Compact(db, e.db, 16<<20); err != nil {
		return fmt.Errorf("compacting the queue's file: %w", err)
	}
	db.NoSync = false
	if err := db.Sync(); err != nil {
		return fmt.Errorf("syncing the compacted file: %w", err)
	}
	if err := os.Rename(copyPath, e.path); err != nil {
		return fmt.Errorf("replacing the queue's file: %w", err)
	}
	// From here on the copy is the queue: nothing may fail any more.
	if err := disk.SyncFolder(filepath.Dir(e.path)); err != nil {
		e.cfg.Logger.Warn("the queue's folder could not be synced", zap.Error(err))
	}
	old := e.db
	e.attach(db, file)
	if err := old.Close(); err != nil {
		e.cfg.Logger.Warn("the queue's old file could not be closed", zap.Error(err))
	}
	e.cfg.Logger.Info("compacted the queue's file", zap.Int64("bytes_before", info.Size()))
	return nil
}

func freePages(db *bolt.DB) int64 {
	s := db.Stats()
	return int64(s.FreePageN + s.PendingPageN)
}
