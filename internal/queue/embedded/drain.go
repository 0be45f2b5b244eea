package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// drain is a [queue.Drain] of the embedded store. The right to drain is there
// as soon as what stands under its name belongs to it, see adopt: the file belongs
// to one process.
type drain struct {
	e     *Store
	dest  queue.Dest
	epoch atomic.Uint64
	ready atomic.Bool

	departures departures

	mu     sync.Mutex // held while wake runs, so that nothing comes after Close
	wake   func()
	closed bool
}

// Drain implements [queue.Queue]. wake must not close the Drain.
func (e *Store) Drain(d queue.Dest, wake func()) queue.Drain {
	reader := &drain{e: e, dest: d, wake: wake}
	reader.epoch.Store(1)
	reader.departures.init()
	e.drainsMu.Lock()
	if e.drains[d] == nil {
		e.drains[d] = map[*drain]struct{}{}
	}
	e.drains[d][reader] = struct{}{}
	e.drainsMu.Unlock()
	e.adopt(d) // the writer says when the right is won, as it does everything else
	return reader
}

func (d *drain) call() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.wake()
	}
}

// Close implements [queue.Drain].
func (d *drain) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.e.drainsMu.Lock()
	delete(d.e.drains[d.dest], d)
	var heirs []queue.Dest
	if len(d.e.drains[d.dest]) == 0 {
		delete(d.e.drains, d.dest)
		heirs = d.e.namesakes(d.dest)
	}
	d.e.drainsMu.Unlock()
	for _, heir := range heirs {
		d.e.adopt(heir)
	}
}

// Epoch implements [queue.Drain].
func (d *drain) Epoch() (uint64, bool) {
	return d.epoch.Load(), d.ready.Load() && !d.e.broken.Load()
}

// view reads the destination's bucket of a kind; f is not called where there
// is none.
func (d *drain) view(ctx context.Context, kind byte, f func(name []byte, b *bolt.Bucket) error) error {
	err := d.e.view(ctx, func(tx *bolt.Tx) error {
		found, err := findDestination(tx, d.dest)
		if found == nil || err != nil {
			return err
		}
		name := bucketName(nil, kind, found.num)
		if b := tx.Bucket(name); b != nil {
			return f(name, b)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading queue of %s: %w", d.dest.Name, err)
	}
	return nil
}

// State implements [queue.Drain].
func (d *drain) State(ctx context.Context) (s queue.State, err error) {
	err = d.e.view(ctx, func(tx *bolt.Tx) error {
		found, err := findDestination(tx, d.dest)
		if found != nil {
			s = found.state
		}
		return err
	})
	if err != nil {
		return queue.State{}, fmt.Errorf("reading state of %s: %w", d.dest.Name, err)
	}
	return s, nil
}

// Retries implements [queue.Drain].
func (d *drain) Retries(ctx context.Context) (list []queue.Retry, err error) {
	err = d.view(ctx, retryBucket, func(_ []byte, b *bolt.Bucket) error {
		return b.ForEach(func(key, value []byte) error {
			r, err := codec.DecodeRetry(value)
			r.Pos = queue.Pos{Seq: number(key)}
			list = append(list, r)
			return err
		})
	})
	return list, err
}

// Read implements [queue.Drain].
func (d *drain) Read(ctx context.Context, after queue.Pos, n, maxBytes int) (list []queue.Entry, err error) {
	if after.Ms > 0 || after.Seq == 1<<64-1 {
		return nil, nil // nothing comes later
	}
	err = d.view(ctx, entryBucket, func(name []byte, b *bolt.Bucket) error {
		c := b.Cursor()
		size := 0
		for key, value := c.Seek(sequence(after.Seq + 1)); key != nil && len(list) < n; key, value = c.Next() {
			found, err := d.e.txn.checkedContent(name, key, value)
			if err != nil {
				return err
			}
			if size += found.size(); size > maxBytes && len(list) > 0 {
				break
			}
			entry, err := found.entry(key)
			if err != nil {
				return err
			}
			list = append(list, entry)
		}
		return nil
	})
	return list, err
}

// Get implements [queue.Drain].
func (d *drain) Get(ctx context.Context, at []queue.Pos) (list []queue.Entry, err error) {
	if len(at) == 0 {
		return nil, nil
	}
	err = d.view(ctx, entryBucket, func(name []byte, b *bolt.Bucket) error {
		var buf [8]byte
		for _, pos := range at {
			key := binary.BigEndian.AppendUint64(buf[:0], pos.Seq)
			value := b.Get(key)
			if value == nil {
				continue
			}
			found, err := d.e.txn.checkedContent(name, key, value)
			if err != nil {
				return err
			}
			entry, err := found.entry(key)
			if err != nil {
				return err
			}
			list = append(list, entry)
		}
		return nil
	})
	return list, err
}

// entry copies what it returns: the file's pages are only lent.
func (c *content) entry(key []byte) (queue.Entry, error) {
	h, payload, err := c.decode()
	if err != nil {
		return queue.Entry{}, err
	}
	return queue.Entry{Pos: queue.Pos{Seq: number(key)}, Header: h, Payload: bytes.Clone(payload)}, nil
}

// change has the writer change entries of the destination that are still
// there. f gets each with its key and its record. begin, if given, is called
// before the first: the writer may have to make the change again.
func (d *drain) change(ctx context.Context, n int, pos func(int) queue.Pos, begin func(),
	f func(t *txn, dest *destination, entries, retries *table, i int, key, value []byte) error) error {
	if n == 0 {
		return nil
	}
	return d.e.doUnit(ctx, unit{ack: true, run: func(t *txn) error {
		if begin != nil {
			begin()
		}
		found, err := t.find(d.dest)
		if found == nil || err != nil {
			return err
		}
		entries := t.bucket(entryBucket, found.num)
		if entries == nil {
			return nil
		}
		retries := t.bucket(retryBucket, found.num)
		var buf [8]byte
		for i := range n {
			key := binary.BigEndian.AppendUint64(buf[:0], pos(i).Seq)
			value := unstamped(entries.get(key))
			if value == nil {
				continue
			}
			// Meta would count a conversion twice.
			t.urgent = t.urgent || formatOf(value) == queue.FormatConversion
			if err := f(t, found, entries, retries, i, key, value); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Done implements [queue.Drain].
func (d *drain) Done(ctx context.Context, at []queue.Pos) error {
	err := d.change(ctx, len(at), func(i int) queue.Pos { return at[i] }, nil,
		func(t *txn, dest *destination, entries, retries *table, _ int, key, value []byte) error {
			return t.removeEntry(dest, entries, retries, key, value)
		})
	if err != nil {
		return fmt.Errorf("removing delivered entries of %s: %w", d.dest.Name, err)
	}
	return nil
}

// Retry implements [queue.Drain].
func (d *drain) Retry(ctx context.Context, list []queue.Retry) error {
	err := d.change(ctx, len(list), func(i int) queue.Pos { return list[i].Pos }, nil,
		func(t *txn, dest *destination, _, retries *table, i int, key, _ []byte) (err error) {
			if retries == nil {
				if retries, err = t.needBucket(retryBucket, dest.num); err != nil {
					return err
				}
			}
			t.scratch = codec.AppendRetry(t.scratch[:0], &list[i])
			return t.put(retries, key, t.scratch)
		})
	if err != nil {
		return fmt.Errorf("storing retries of %s: %w", d.dest.Name, err)
	}
	return nil
}

// deathBatch is how many bytes are moved to the dead letters in one
// transaction: on a full disk they must fit into the reserve.
const deathBatch = spaceReserve / 4

// Dead implements [queue.Drain].
func (d *drain) Dead(ctx context.Context, list []queue.Death) error {
	for len(list) > 0 {
		n, size := 0, 0
		err := d.change(ctx, len(list), func(i int) queue.Pos { return list[i].Pos }, func() { n, size = 0, 0 },
			func(t *txn, dest *destination, entries, retries *table, i int, key, value []byte) error {
				if size > 0 && size+len(value) > deathBatch {
					return nil
				}
				n, size = i+1, size+len(value)
				death := &list[i]
				letter := t.deathOf(value, death)
				if err := t.takeEntry(dest, entries, retries, key, value); err != nil {
					return err
				}
				return t.addDead(dest, letter)
			})
		if err != nil {
			return fmt.Errorf("storing dead letters of %s: %w", d.dest.Name, err)
		}
		if n == 0 {
			return nil // the rest is gone
		}
		list = list[n:]
	}
	return nil
}

// deathOf turns an entry's record into a dead letter's.
func (t *txn) deathOf(entry []byte, d *queue.Death) []byte {
	t.scratch = codec.AppendDeath(t.scratch[:0], d.Attempts, d.FirstAt, t.now, &d.Reason)
	return append(bytes.Clone(t.scratch), entry...)
}
