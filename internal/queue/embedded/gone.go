package embedded

import (
	"fmt"
	"os"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// A folder may be removed, moved or hidden by another file system while its files are
// open: what is written then is in files without a name, and gone with the process. So
// before anything that came is answered for, the journal's name must still lead to the
// open file, and every second both names. While they don't, nothing is taken; what waits
// is delivered all the same, from the files that are open. Once they do again, all goes on.

// lost is why nothing is taken: an error of [queue.ErrUnavailable] and an alert.
type lost struct{ what string }

func (l *lost) Error() string {
	return fmt.Sprintf("%s: %s: nothing is taken until it is back (what waits is delivered from the files that are still open); "+
		"if it is gone for good, restart the edge", queue.ErrUnavailable, l.what)
}

func (l *lost) Unwrap() error { return queue.ErrUnavailable }

// Alerts implements [queue.Watched].
func (e *Store) Alerts() []queue.Alert {
	if why := e.lost.Load(); why != nil {
		return []queue.Alert{{Reason: queue.AlertGone, Text: (*why).Error()}}
	}
	return nil
}

// lose notes why nothing is taken from now on, nil that it is again. It is said once.
func (e *Store) lose(why error) {
	was := e.lost.Load()
	switch {
	case why == nil && was != nil:
		e.lost.Store(nil)
		e.cfg.Logger.Info("the queue's files are there again, and it takes webhooks")
	case why != nil && was == nil:
		e.lost.Store(&why)
		e.cfg.Logger.Error("the queue takes nothing, and webhooks are answered 503", zap.Error(why))
	}
}

// takes is why nothing is taken now.
func (e *Store) takes() error {
	if why := e.lost.Load(); why != nil {
		return *why
	}
	return nil
}

// watch looks at both names, with mu held. On a file system where they did not lead to
// the files when these were opened, as on some of a network, nothing is watched.
func (e *Store) watch() {
	if e.db == nil || !e.followed {
		return
	}
	why := e.intact(e.space.file, e.path, e.txn.tx.Size())
	if why == nil && e.journal.File != nil {
		why = e.intact(e.journal.File, e.journalPath(), journal.FileSize)
	}
	e.lose(why)
}

// intact is why an open file is not the one of its name, or has not the size that it needs.
func (e *Store) intact(file *os.File, path string, size int64) error {
	why := e.named(file, path)
	if info, err := file.Stat(); why == nil && err == nil && info.Size() < size {
		why = &lost{path + " was cut while it was open"}
	}
	return why
}

// named is why a name does not lead to an open file.
func (e *Store) named(file *os.File, path string) error {
	if disk.IsNamed(file, path) {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return &lost{path + " was removed or moved while it was open"}
	}
	return &lost{path + " was replaced by another file while it was open"}
}

// confirm makes sure that what the units brought is in a file that has a name.
func (e *Store) confirm(units []*unit) {
	brings := false
	for _, u := range units {
		brings = brings || u.adds > 0 && u.err == nil
	}
	if !brings || !e.followed {
		return
	}
	file, path := e.journal.File, e.journalPath()
	if file == nil {
		file, path = e.space.file, e.path
	}
	why := e.named(file, path)
	if why == nil {
		return
	}
	e.lose(why)
	for _, u := range units {
		if u.adds > 0 && u.err == nil {
			u.err = why
		}
	}
}

// guard runs f, and makes an error of what bbolt does where its file is not what it was:
// it panics, and where the file was cut reading its map is a fault.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the file is damaged, or a mistake in this program: %v\n%s", queue.ErrUnavailable, p, debug.Stack())
		}
	}()
	return f()
}
