package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/zap"
)

// unit is a change that is made whole or not at all, beside others in one
// transaction. run may be called several times. It looks before it writes: if
// it fails before its first write, it alone has failed; if it fails later, the
// transaction is rolled back and made again without it.
type unit struct {
	run  func(*txn) error
	adds int64 // about how many bytes it brings
	err  error
}

// request is what one caller waits for.
type request struct {
	units []unit
	done  chan struct{}
}

// commitBytes bounds what one transaction brings: it is held in memory twice.
const commitBytes = 32 << 20

// writer hands changes to one goroutine, which commits whatever waits. There
// is no timer: who arrives while a commit runs goes with the next one.
type writer struct {
	commit func([]*request)

	mu     sync.Mutex
	queue  []*request
	wake   chan struct{}
	closed bool
	owner  sync.WaitGroup
}

func newWriter(commit func([]*request)) *writer {
	w := &writer{commit: commit, wake: make(chan struct{}, 1)}
	w.owner.Go(w.run)
	return w
}

// do has units committed, and waits for that or for ctx; their own errors are
// in the units, which after an error of do still belong to the writer.
func (w *writer) do(ctx context.Context, units []unit) error {
	r := &request{units: units, done: make(chan struct{})}
	if !w.start(r) {
		return fmt.Errorf("%w: it is closed", ErrUnavailable)
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// start queues a request without waiting; false if the writer is closed.
func (w *writer) start(r *request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.queue = append(w.queue, r)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

func (w *writer) run() {
	var batch []*request
	for range w.wake {
		for batch = w.take(batch[:0]); len(batch) > 0; batch = w.take(batch[:0]) {
			w.commit(batch)
			for _, r := range batch {
				close(r.done)
			}
			clear(batch)
		}
	}
}

// take moves what waits to batch, up to commitBytes.
func (w *writer) take(batch []*request) []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var bytes int64
	n := 0
	for ; n < len(w.queue) && bytes < commitBytes; n++ {
		for i := range w.queue[n].units {
			bytes += w.queue[n].units[i].adds
		}
	}
	batch = append(batch, w.queue[:n]...)
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	return batch
}

// close waits for what was accepted; later requests are refused.
func (w *writer) close() {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.mu.Unlock()
	if !already {
		close(w.wake)
	}
	w.owner.Wait()
}

var (
	errNothing  = errors.New("nothing was written")
	errRollback = errors.New("a change failed half-way")
)

// commit makes the requests' changes in one transaction. It runs in the writer
// alone.
func (e *Embedded) commit(batch []*request) {
	units := e.txn.units[:0]
	for _, r := range batch {
		for i := range r.units {
			r.units[i].err = nil
			units = append(units, &r.units[i])
		}
	}
	for len(units) > 0 {
		if e.broken.Load() {
			if err := e.reopen(); err != nil {
				fail(units, err)
				break
			}
		}
		var bad *unit
		e.mu.RLock()
		db := e.db // only this goroutine swaps it
		e.mu.RUnlock()
		err := db.Update(func(tx *bolt.Tx) (err error) {
			bad, err = e.apply(db, tx, units)
			return err
		})
		switch {
		case err == nil:
			e.publish()
		case errors.Is(err, errNothing):
			e.publish()
		case errors.Is(err, errRollback):
			units = without(units, func(u *unit) bool { return u == bad })
			continue
		case full(err) && refused(err):
			// Nothing was stored. What only deletes may have room by itself.
			adding := func(u *unit) bool { return u.adds > 0 }
			if rest := without(units, adding); len(rest) < len(units) {
				for _, u := range units {
					if adding(u) {
						u.err = fmt.Errorf("%w: %w", ErrFull, err)
					}
				}
				units = rest
				continue
			}
			fail(units, fmt.Errorf("%w: %w", ErrFull, err))
		default:
			e.cfg.Logger.Error("the queue's file could not be written; it is opened again", zap.Error(err))
			e.broken.Store(true)
			fail(units, fmt.Errorf("%w: committing: %w", ErrUnavailable, err))
			_ = e.reopen() // failing that, the next change or the janitor tries
		}
		break
	}
	clear(units[:cap(units)])
	e.txn.units = units[:0]
	e.txn.reset()
}

// apply runs the units in one transaction. bad is set with errRollback.
func (e *Embedded) apply(db *bolt.DB, tx *bolt.Tx, units []*unit) (bad *unit, err error) {
	t := &e.txn
	t.begin(tx, e.cfg.Now(), *e.opts.Load())
	var need int64
	for _, u := range units {
		need += u.adds
	}
	var noRoom error
	if need > 0 {
		noRoom = e.space.room(db, tx, need)
	}
	for _, u := range units {
		if u.adds > 0 && noRoom != nil {
			u.err = noRoom
			continue
		}
		before := t.writes
		if u.err = u.run(t); u.err != nil && t.writes != before {
			return u, errRollback
		}
	}
	if t.writes == 0 {
		return nil, errNothing
	}
	return nil, t.flush()
}

// refused says that a write was refused, and not the fsync after it: then
// nothing in memory differs from what is on disk.
func refused(err error) bool {
	var write *fs.PathError
	return errors.As(err, &write)
}

func fail(units []*unit, err error) {
	for _, u := range units {
		u.err = err
	}
}

func without(units []*unit, drop func(*unit) bool) []*unit {
	kept := make([]*unit, 0, len(units))
	for _, u := range units {
		if !drop(u) {
			kept = append(kept, u)
		}
	}
	return kept
}
