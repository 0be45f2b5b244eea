package embedded

import (
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// unit is a change that is made whole or not at all, beside others in one
// transaction. run may be called several times. It looks before it writes: if
// it fails before its first write, it alone has failed; if it fails later, the
// transaction is rolled back and made again without it.
type unit struct {
	run    func(*txn) error // nil: append group
	group  *queue.Group
	result *queue.Result
	adds   int64 // about how many bytes it brings
	ack    bool  // says what became of entries that were sent
	err    error
}

func (u *unit) make(t *txn) error {
	if u.run != nil {
		return u.run(t)
	}
	return t.append(u.group, u.result)
}

var errRollback = errors.New("a change failed half-way")

// commit makes the requests' changes and has them durable. It runs in the writer
// alone.
func (e *Store) commit(batch []*request) {
	t := &e.txn
	units := t.units[:0]
	for _, r := range batch {
		for i := range r.units {
			r.units[i].err = nil
			units = append(units, &r.units[i])
		}
	}
	e.mu.Lock()
	reopened := false
	err := guard(func() error { reopened = e.store(units); return nil })
	if err != nil {
		e.txn.reset()
		e.fault(units, err)
	}
	e.mu.Unlock()
	if reopened {
		e.restart()
	}
	e.publish()
	clear(units[:cap(units)])
	t.units = units[:0]
	t.reset()
}

// store makes the units' changes: in the open transaction, and then in the
// journal, or by a checkpoint. It reports whether the file was opened again.
func (e *Store) store(units []*unit) (reopened bool) {
	for len(units) > 0 {
		if e.broken.Load() {
			if err := e.reopen(); err != nil {
				fail(units, err)
				return reopened
			}
			reopened = true
		}
		bad, err := e.apply(units)
		if err == nil {
			err = e.settle(units)
		}
		if err == nil {
			e.confirm(units)
			return reopened
		}
		e.txn.reset() // nobody is woken for what is not there
		switch {
		case errors.Is(err, errRollback):
			units = without(units, func(u *unit) bool { return u == bad })
		case disk.IsFull(err) && disk.WasRefused(err):
			// Nothing was stored. What only deletes may have room by itself.
			adding := func(u *unit) bool { return u.adds > 0 }
			rest := without(units, adding)
			if len(rest) == len(units) {
				rest = nil
			}
			for _, u := range units {
				if rest == nil || adding(u) {
					u.err = fmt.Errorf("%w: %w", queue.ErrFull, err)
				}
			}
			units = rest
		default:
			e.fault(units, err)
			return e.reopen() == nil || reopened // failing that, the next change or the janitor tries
		}
		if err := e.rebuild(); err != nil {
			e.fault(units, err)
			return e.reopen() == nil || reopened
		}
	}
	return reopened
}

// fault gives the open file up: what is in memory may not be what is on disk.
func (e *Store) fault(units []*unit, err error) {
	e.cfg.Logger.Error("the queue's file could not be written; it is opened again", zap.Error(err))
	e.broken.Store(true)
	fail(units, fmt.Errorf("%w: committing: %w", queue.ErrUnavailable, err))
}

// apply runs the units in the open transaction. bad is set with errRollback.
func (e *Store) apply(units []*unit) (bad *unit, err error) {
	t := &e.txn
	var need int64
	for _, u := range units {
		need += u.adds
	}
	noRoom := e.takes()
	if noRoom == nil {
		noRoom = e.room(need)
	} else {
		need = 0
	}
	if need > 0 && noRoom != nil && len(t.log) > 0 {
		// What was drained since the last checkpoint is room after the next.
		t.start = len(t.log)
		if err := e.checkpoint(); err != nil {
			return nil, err
		}
		noRoom = e.room(need)
	}
	t.begin(e.cfg.Now(), *e.opts.Load())
	if noRoom == nil && need > journal.Size {
		// bbolt keeps what lies in a log that was outgrown.
		t.log = slices.Grow(t.log, int(need+need/8))
	}
	for _, u := range units {
		if u.adds > 0 && noRoom != nil {
			u.err = noRoom
			continue
		}
		before := t.writes
		if u.err = u.make(t); u.err != nil && t.writes != before {
			return u, errRollback
		}
		if t.writes != before { // else it was stored before, and takes no room
			t.added += u.adds
		}
	}
	return nil, t.flush()
}

// room makes sure that a batch which brings need bytes fits on the disk.
func (e *Store) room(need int64) error {
	if need == 0 {
		return nil
	}
	return e.space.room(e.db, e.txn.tx, e.txn.added+need, e.txn.nodes())
}

// checkpointNodes is how many pages a transaction may change before it is
// committed: they are held in memory.
const checkpointNodes = 512

// due reports whether the transaction must be committed: it changes all that the
// journal can hold, or what memory should, or half of the pages that there is
// room for. Each takes a new one, or a full disk could not be drained.
func (e *Store) due() bool {
	t := &e.txn
	nodes := t.nodes()
	return t.whole || len(t.log) > e.journal.Size || nodes > checkpointNodes ||
		2*int64(nodes)*pageSize > e.space.left(e.db, t.tx)
}

// settle makes the batch durable: in the journal while there is room, else by
// a checkpoint, which is durable by itself.
func (e *Store) settle(units []*unit) error {
	t := &e.txn
	if t.writes == 0 {
		t.log = t.log[:t.start]
		return nil
	}
	if e.due() {
		return e.checkpoint()
	}
	if err := e.journal.Write(t.log, t.start); err != nil {
		return err
	}
	if e.mayWait(units) {
		return nil
	}
	e.syncedAt = t.now
	return e.journal.Sync(len(t.log))
}

// syncAcks is how long acks wait for an fsync while nothing else is written.
const syncAcks = 100 // ms

// mayWait reports whether the batch need not be synced yet: it is acks of
// forwards. A crash of the process forgets none of them, since they are written.
// Should the machine crash, what was delivered in the last syncAcks of a drain is
// delivered again, as what was in flight is. Syncing each batch of acks would
// have the senders wait for the disk four hundred times a second. The next batch
// that is synced takes them along: they stand before it in the same file.
func (e *Store) mayWait(units []*unit) bool {
	if e.txn.urgent {
		return false
	}
	for _, u := range units {
		if !u.ack {
			return false
		}
	}
	since := e.txn.now - e.syncedAt
	return since >= 0 && since < syncAcks
}

// checkpoint commits the open transaction, which makes the journal void, and
// begins the next one.
func (e *Store) checkpoint() error {
	t := &e.txn
	generation := e.journal.Head.Generation + 1
	if err := e.journal.Announce(generation); err != nil {
		return err
	}
	p := pair{id: e.id, generation: generation, base: e.journal.Headed}
	if err := p.store(t.tx); err != nil {
		return err
	}
	if err := t.seen.store(t.tx); err != nil {
		return err
	}
	if err := t.tx.Commit(); err != nil {
		return err
	}
	if err := e.journal.Next(generation); err != nil {
		return err
	}
	t.log, t.added = t.log[:0], 0
	return e.begin()
}

// resume goes on with a file that was opened.
func (e *Store) resume() error {
	e.txn.log, e.txn.added = e.txn.log[:0], 0
	if err := e.begin(); err != nil {
		return err
	}
	e.txn.fillNames()
	e.txn.fillJournals()
	e.txn.fillMessages()
	e.txn.fillIDs()
	_ = e.space.room(e.db, e.txn.tx, 0, 0) // so that it knows what is there
	return nil
}

// begin begins the transaction in which changes gather until a checkpoint.
func (e *Store) begin() error {
	tx, err := e.db.Begin(true)
	if err != nil {
		return fmt.Errorf("beginning transaction: %w", err)
	}
	return e.txn.open(tx)
}

// rebuild makes the open transaction anew from what is durable.
func (e *Store) rebuild() error {
	t := &e.txn
	t.log = t.log[:t.start]
	t.abandon()
	if err := e.begin(); err != nil || !t.dropped {
		return err
	}
	t.fillNames() // something may be in them again
	t.fillJournals()
	return nil
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
