package embedded

import (
	"context"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// sweepBatch is how much one transaction throws away, so that appends wait for
// a few milliseconds at most.
const sweepBatch = 2000

// Sweep throws away what has expired: remembered ids, once keys, clicks and
// their aliases, message ids, codes of links, dead letters, counters. Entries never expire. The store
// calls it by itself; what has expired is not shown before either.
func (e *Store) Sweep(ctx context.Context) error {
	steps := []struct {
		what string
		step func(*txn) (int, error)
	}{
		{"remembered ids", (*txn).sweepIDs},
		{"ids remembered by an older Leadgate", (*txn).sweepOldIDs},
		{"once keys", (*txn).sweepOnce},
		{"message ids", (*txn).sweepMessages},
		{"clicks", (*txn).sweepClicks},
		{"codes", (*txn).sweepCodes},
		{"journals of contacts", (*txn).sweepNotes},
		{"facts", e.sweepFacts},
		{"counters", (*txn).sweepCounters},
		{"dead letters", (*txn).sweepDead},
	}
	for _, s := range steps {
		for n := sweepBatch; n >= sweepBatch; {
			err := e.do(ctx, 0, func(t *txn) (err error) { n, err = s.step(t); return err })
			if err != nil {
				return fmt.Errorf("removing expired %s: %w", s.what, err)
			}
		}
	}
	return nil
}

// before returns up to n of a table's keys that are smaller than end, copied.
func before(tb *table, end []byte, n int) [][]byte {
	var keys [][]byte
	c := tb.b.Cursor()
	for key, _ := c.First(); key != nil && len(keys) < n && string(key) < string(end); key, _ = c.Next() {
		keys = append(keys, append([]byte(nil), key...))
	}
	return keys
}

func (t *txn) sweepOnce() (int, error) {
	b, x := t.table(onceBucket), t.table(onceIndex)
	keys := before(x, timeKey(t.now+1, nil), sweepBatch)
	for _, key := range keys {
		if err := t.delete(b, key[8:]); err != nil {
			return 0, err
		}
		if err := t.delete(x, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

func (t *txn) sweepClicks() (int, error) {
	x, clicks := t.table(clicksIndex), t.table(clicksBucket)
	keys := before(x, timeKey(t.now-t.opts.RememberClicks.Milliseconds()+1, nil), sweepBatch)
	for _, key := range keys {
		rec, err := t.loaded(placeOf(key[8:]), unstamped(clicks.get(key[8:]))) // removes what has expired
		if err != nil {
			return 0, err
		}
		if rec == nil || rec.seen != int64(number(key[:8])) {
			if err := t.delete(x, key); err != nil {
				return 0, err
			}
		}
	}
	t.dropSlices(&t.names, clicksBucket)
	return len(keys), nil
}

// sweepDead removes dead letters older than KeepDead. They are looked at from
// the oldest on, up to the first that is kept: after a jump of the clock some
// stay longer, never shorter.
func (t *txn) sweepDead() (int, error) {
	if t.opts.KeepDead <= 0 {
		return 0, nil
	}
	end := t.now - t.opts.KeepDead.Milliseconds()
	var dests []queue.Dest
	if err := eachDestination(t.tx, func(d *destination) error {
		if d.dead > 0 {
			dests = append(dests, d.Dest)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	n := 0
	for _, name := range dests {
		d, err := t.find(name)
		if err != nil {
			return 0, err
		}
		if d == nil {
			continue
		}
		letters := t.bucket(deadBucket, d.num)
		for letters != nil && n < sweepBatch {
			key, value := letters.b.Cursor().First()
			if key == nil {
				break
			}
			value = unstamped(value)
			letter, _, err := codec.DecodeDeath(value)
			if err != nil {
				return 0, err
			}
			if letter.DiedAt > end {
				break
			}
			if err := t.removeDead(d, letters, append([]byte(nil), key...), value); err != nil {
				return 0, err
			}
			t.whole = true // as in changeDead
			n++
		}
	}
	return n, nil
}
