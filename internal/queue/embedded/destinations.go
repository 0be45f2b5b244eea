package embedded

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// Destinations implements [queue.Queue].
func (e *Store) Destinations(ctx context.Context) (list []queue.Info, err error) {
	err = e.view(ctx, func(tx *bolt.Tx) error {
		return eachDestination(tx, func(d *destination) error {
			info := queue.Info{Dest: d.Dest, Backlog: d.backlog, Dead: d.dead, State: d.state}
			if b := tx.Bucket(bucketName(nil, entryBucket, d.num)); b != nil {
				if _, value := b.Cursor().First(); value != nil {
					found, err := e.txn.content(unstamped(value))
					if err != nil {
						return err
					}
					h, _, err := found.decode()
					if err != nil {
						return err
					}
					info.OldestAt = h.QueuedAt
				}
			}
			list = append(list, info)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("listing destinations: %w", err)
	}
	return list, nil
}

// SetState implements [queue.Queue].
func (e *Store) SetState(ctx context.Context, d queue.Dest, s queue.State) error {
	err := e.do(ctx, 0, func(t *txn) error {
		found, err := t.need(d)
		if err != nil {
			return err
		}
		found.state = s
		t.wake[d] = struct{}{}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing state of %s: %w", d.Name, err)
	}
	return nil
}

// Move implements [queue.Queue]. It goes in steps: after a crash in the middle, what
// was moved is there, and the rest is where it was. Attempts start anew.
func (e *Store) Move(ctx context.Context, from, to queue.Dest) (int, error) {
	if from.Tenant != to.Tenant {
		return 0, fmt.Errorf("moving %s: %s is another tenant's", from.Name, to.Name)
	}
	if from == to {
		return 0, fmt.Errorf("moving %s: it can't be moved to itself", from.Name)
	}
	total := 0
	for more := true; more; {
		n := 0
		err := e.do(ctx, 0, func(t *txn) (err error) {
			n, more, err = t.move(from, to)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("moving %s: %w", from.Name, err)
		}
		total += n
	}
	return total, nil
}

// move moves some entries and dead letters, oldest first.
func (t *txn) move(from, to queue.Dest) (n int, more bool, err error) {
	src, err := t.find(from)
	if err != nil {
		return 0, false, err
	}
	if src == nil {
		return 0, false, queue.ErrNotFound
	}
	dst, err := t.need(to)
	if err != nil {
		return 0, false, err
	}
	t.moved[from] = struct{}{}
	if n, more, err = t.pour(src, dst, false); err != nil || more {
		return n, more, err
	}
	return n, false, t.removeDestination(src)
}

// pour puts some entries and dead letters of a destination behind those of
// another, oldest first, with what is known of their attempts or without. What may have
// arrived still may. more says that some are left.
func (t *txn) pour(src, dst *destination, attempts bool) (n int, more bool, err error) {
	size := 0
	take := func(kind byte, move func(b *table, key, value []byte) error) error {
		b := t.bucket(kind, src.num)
		for b != nil && !more {
			key, value := b.b.Cursor().First()
			if key == nil {
				return nil
			}
			if more = n >= viewLetters || size > 0 && size+len(value) > deathBatch; more {
				return nil
			}
			n, size = n+1, size+len(value)
			key, value = bytes.Clone(key), bytes.Clone(unstamped(value))
			if err := move(b, key, value); err != nil {
				return err
			}
		}
		return nil
	}
	retries := t.bucket(retryBucket, src.num)
	departed, err := t.departed(src)
	if err != nil {
		return 0, false, err
	}
	err = take(entryBucket, func(b *table, key, value []byte) error {
		var retry []byte
		if attempts && retries != nil {
			retry = bytes.Clone(retries.get(key))
		}
		if err := t.takeEntry(src, b, retries, key, value); err != nil {
			return err
		}
		at, err := t.addEntry(dst, value)
		if when, doubtful := departed[number(key)]; doubtful && err == nil {
			err = t.departAnew(dst, at, when)
		}
		if err != nil || retry == nil {
			return err
		}
		theirs, err := t.needBucket(retryBucket, dst.num)
		if err != nil {
			return err
		}
		return t.put(theirs, at, retry)
	})
	if err != nil {
		return 0, false, err
	}
	err = take(deadBucket, func(b *table, key, value []byte) error {
		if err := t.takeDead(src, b, key, value); err != nil {
			return err
		}
		letters, err := t.needBucket(deadBucket, dst.num)
		if err != nil {
			return err
		}
		// Its number stays, and with it its place among all others.
		letters.b.FillPercent = 0.5
		dst.dead++
		dst.changed = true
		t.bytes += cost(value)
		return t.putStamped(letters, key, value)
	})
	return n, more, err
}

// Drop implements [queue.Queue]. It goes in steps, as Move does.
func (e *Store) Drop(ctx context.Context, d queue.Dest) (int, error) {
	total := 0
	for more := true; more; {
		n := 0
		err := e.do(ctx, 0, func(t *txn) (err error) {
			n, more, err = t.drop(d)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("dropping %s: %w", d.Name, err)
		}
		total += n
	}
	return total, nil
}

// drop discards some entries and dead letters, oldest first, and the destination with
// the last. more says that some are left.
func (t *txn) drop(d queue.Dest) (n int, more bool, err error) {
	found, err := t.find(d)
	if err != nil {
		return 0, false, err
	}
	if found == nil {
		return 0, false, queue.ErrNotFound
	}
	t.moved[d] = struct{}{}
	retries := t.bucket(retryBucket, found.num)
	remove := map[byte]func(b *table, key, value []byte) error{
		entryBucket: func(b *table, key, value []byte) error { return t.removeEntry(found, b, retries, key, value) },
		deadBucket:  func(b *table, key, value []byte) error { return t.removeDead(found, b, key, value) },
	}
	for _, kind := range []byte{entryBucket, deadBucket} {
		b := t.bucket(kind, found.num)
		if b == nil {
			continue
		}
		for _, r := range firstRecords(b, sweepBatch-n) {
			if err := remove[kind](b, r.key, r.value); err != nil {
				return 0, false, err
			}
			n++
		}
		if n == sweepBatch {
			return n, true, nil
		}
	}
	return n, false, t.removeDestination(found)
}

// keyed is a record with its key.
type keyed struct{ key, value []byte }

// firstRecords returns up to n of a table's records, their keys copied.
func firstRecords(tb *table, n int) (list []keyed) {
	c := tb.b.Cursor()
	for key, value := c.First(); key != nil && len(list) < n; key, value = c.Next() {
		list = append(list, keyed{bytes.Clone(key), unstamped(value)})
	}
	return list
}

// removeDestination deletes a destination's record and buckets. A later one of
// the same name has another number.
func (t *txn) removeDestination(d *destination) error {
	t.writes++
	d.gone = true
	for _, kind := range []byte{entryBucket, retryBucket, departBucket, deadBucket} {
		if err := t.removeBucket(kind, d.num); err != nil {
			return err
		}
	}
	return t.delete(t.table(destsBucket), destKey(d.Dest))
}
