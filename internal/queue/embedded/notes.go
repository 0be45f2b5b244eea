package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// A contact's journal stands under its key, whether it has clicks or not; one under a key
// that becomes another name of a contact is merged into that one's, see link. A new one
// begins in the newest slice, and one that is written again long after is moved there, as
// clicks are, see names. The index has it by the day on which it is gone, so that it seldom
// moves.

// fillJournals reads where there are journals.
func (t *txn) fillJournals() {
	t.journals = names{}
	t.journals.fill(t.placesOf(notesIndex, 8))
}

// findJournal finds a contact's journal as it is stored, nil if there is none.
func (t *txn) findJournal(contact codec.KeyHash) (at place, value []byte) {
	b := t.table(notesBucket)
	var buf [placeSize]byte
	t.journals.find(contact, func(p place) bool {
		at, value = p, unstamped(b.get(p.key(buf[:0])))
		return value != nil
	})
	return at, value
}

// journal reads a contact's journal, which is lent, and until when it is kept.
func (t *txn) journal(contact codec.KeyHash, now int64) (queue.Journal, int64, error) {
	_, value := t.findJournal(contact)
	if value == nil {
		return nil, 0, nil
	}
	j, till, err := codec.DecodeJournal(value)
	if err != nil || till <= now {
		return nil, 0, err
	}
	return j, till, nil
}

// writeNotes writes those of a group.
func (t *txn) writeNotes(g *queue.Group, r *queue.Result) error {
	for i := range g.Notes {
		n := &g.Notes[i]
		if !n.Written(g, r) {
			continue
		}
		contact, _, err := t.contact(codec.HashKey(g.Tenant, n.Contact))
		if err != nil {
			return err
		}
		j, till, err := t.journal(contact, t.now)
		if err != nil {
			return err
		}
		if j, changed := j.Add(n, t.now); changed {
			if err := t.putJournal(contact, j, max(till, t.now+t.opts.RememberClicks.Milliseconds())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *txn) putJournal(contact codec.KeyHash, j queue.Journal, till int64) error {
	at, value := t.findJournal(contact)
	was, day := indexedTill(value), tillDay(till)
	t.scratch = codec.AppendJournal(t.scratch[:0], j, till) // of what the file has j may be lent
	if value == nil || t.journals.old(at.slice) {
		if value != nil {
			if err := t.removeJournal(contact); err != nil {
				return err
			}
		}
		at, was = place{t.journals.next(), contact}, 0
		t.journals.put(at)
	}
	var buf [placeSize]byte
	key, x := at.key(buf[:0]), t.table(notesIndex)
	if day != was {
		if was != 0 {
			if err := t.delete(x, timeKey(was, key)); err != nil {
				return err
			}
		}
		if err := t.put(x, timeKey(day, key), nil); err != nil {
			return err
		}
	}
	return t.putStamped(t.table(notesBucket), key, t.scratch)
}

// tillDay is the end of the day of a time.
func tillDay(till int64) int64 { return (till/queue.DayMS + 1) * queue.DayMS }

// indexedTill is where a journal stands in the index, 0 for none.
func indexedTill(record []byte) int64 {
	if record == nil {
		return 0
	}
	_, till, err := codec.DecodeJournal(record)
	if err != nil {
		return 0
	}
	return tillDay(till)
}

// moveNotes has what stands under another name stand under the contact's.
func (t *txn) moveNotes(contact, name codec.KeyHash) error {
	theirs, until, err := t.journal(name, t.now)
	if err != nil || len(theirs) == 0 {
		return err
	}
	mine, till, err := t.journal(contact, t.now)
	if err != nil {
		return err
	}
	if err := t.putJournal(contact, mine.Merge(theirs), max(till, until)); err != nil {
		return err
	}
	return t.removeJournal(name)
}

func (t *txn) removeJournal(contact codec.KeyHash) error {
	at, value := t.findJournal(contact)
	if value == nil {
		return nil
	}
	var buf [placeSize]byte
	key := at.key(buf[:0])
	if was := indexedTill(value); was != 0 {
		if err := t.delete(t.table(notesIndex), timeKey(was, key)); err != nil {
			return err
		}
	}
	return t.delete(t.table(notesBucket), key)
}

// eraseNotes removes the journals of these names, and reports whether there was one.
func (t *txn) eraseNotes(names map[codec.KeyHash]bool) (any bool, err error) {
	for name := range names {
		j, _, err := t.journal(name, t.now)
		if err == nil {
			any = any || len(j) > 0
			err = t.removeJournal(name)
		}
		if err != nil {
			return false, err
		}
	}
	return any, nil
}

func (t *txn) sweepNotes() (int, error) {
	x := t.table(notesIndex)
	keys := before(x, timeKey(t.now+1, nil), sweepBatch)
	for _, key := range keys {
		if err := t.delete(t.table(notesBucket), key[8:]); err != nil {
			return 0, err
		}
		if err := t.delete(x, key); err != nil {
			return 0, err
		}
	}
	t.dropSlices(&t.journals, notesBucket)
	return len(keys), nil
}

// Notes implements [queue.Queue].
func (e *Store) Notes(ctx context.Context, tenant string, keys []string) ([]queue.Note, error) {
	var found []queue.Note
	now, opts := e.cfg.Now().UnixMilli(), *e.opts.Load()
	err := e.view(ctx, func(*bolt.Tx) error {
		journals := make([]queue.Journal, 0, len(keys))
		for _, key := range keys {
			at := codec.HashKey(tenant, key)
			contact, rec, err := e.txn.lookUp(at, now)
			if err != nil {
				return err
			}
			if rec != nil && !rec.expired(now, opts) {
				at = contact
			}
			j, _, err := e.txn.journal(at, now)
			if err != nil {
				return err
			}
			journals = append(journals, j)
		}
		found = queue.NewestFirst(journals...)
		for i := range found {
			found[i].Data, found[i].Outcome = bytes.Clone(found[i].Data), bytes.Clone(found[i].Outcome)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading journal: %w", err)
	}
	return found, nil
}

// indexNotes makes the index of journals that were saved.
func (r *repair) indexNotes() error {
	x := r.tx.Bucket(notesIndex)
	return r.tx.Bucket(notesBucket).ForEach(func(key, value []byte) error {
		return x.Put(timeKey(indexedTill(unstamped(value)), key), nil)
	})
}

// noteSum finds out whether each journal stands once in the index, and nothing else does:
// as codeSum does.
type noteSum struct{ left uint64 }

func (s *noteSum) add(bucket, key, value []byte) {
	switch string(bucket) {
	case string(notesBucket):
		s.left += pairSum(timeKey(indexedTill(unstamped(value)), key), nil)
	case string(notesIndex):
		s.left -= pairSum(key, nil)
	}
}

func (s *noteSum) compare() error {
	if s.left != 0 {
		return errors.New("what leads to the journals of contacts is not what is stored of them")
	}
	return nil
}
