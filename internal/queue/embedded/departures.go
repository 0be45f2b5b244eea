package embedded

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// departures are what a drain noted. A note's key is eight bytes of the drain's own and
// a number, so that it knows its own notes, and those that a process left that has died.
type departures struct {
	by   [8]byte
	last atomic.Uint64
}

const departKey = 8 + 8

func (d *departures) init() { rand.Read(d.by[:]) } // never fails

func (d *departures) next() []byte { return binary.BigEndian.AppendUint64(d.by[:8:8], d.last.Add(1)) }

// Depart implements [queue.Drain]. The note is synced, with what else is written then.
func (d *drain) Depart(ctx context.Context, at []queue.Pos) (id string, err error) {
	key := d.departures.next()
	err = d.e.doUnit(ctx, unit{run: func(t *txn) error {
		found, err := t.find(d.dest)
		if err != nil {
			return err
		}
		if found == nil || !d.ready.Load() {
			return queue.ErrLost // it was dropped or moved meanwhile
		}
		return t.depart(found, key, t.now, at)
	}})
	if err != nil {
		return "", fmt.Errorf("noting what is sent to %s: %w", d.dest.Name, err)
	}
	return string(key), nil
}

func (t *txn) depart(dest *destination, key []byte, when int64, at []queue.Pos) error {
	notes, err := t.needBucket(departBucket, dest.num)
	if err != nil {
		return err
	}
	t.scratch = codec.AppendDeparture(t.scratch[:0], when, at)
	return t.putStamped(notes, key, t.scratch)
}

// Departures implements [queue.Drain].
func (d *drain) Departures(ctx context.Context) (list []queue.Departure, err error) {
	err = d.view(ctx, departBucket, func(name []byte, b *bolt.Bucket) error {
		return b.ForEach(func(key, value []byte) error {
			if strings.HasPrefix(string(key), string(d.departures.by[:])) {
				return nil
			}
			left, err := departureOf(name, key, value)
			list = append(list, left)
			return err
		})
	})
	return list, err
}

func departureOf(bucket, key, value []byte) (left queue.Departure, err error) {
	record, err := checked(bucket, key, value)
	if err == nil {
		left, err = codec.DecodeDeparture(record)
	}
	left.ID = string(key)
	return left, err
}

// Forget implements [queue.Drain]. It need not be synced: what comes back is judged by
// whether its entries are still there.
func (d *drain) Forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	err := d.e.doUnit(ctx, unit{ack: true, run: func(t *txn) error {
		found, err := t.find(d.dest)
		if found == nil || err != nil {
			return err
		}
		notes := t.bucket(departBucket, found.num)
		if notes == nil {
			return nil
		}
		for _, id := range ids {
			if err := t.delete(notes, []byte(id)); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("forgetting what was sent to %s: %w", d.dest.Name, err)
	}
	return nil
}

// departed is what stands in a destination's departures, and when it departed last.
func (t *txn) departed(dest *destination) (map[uint64]int64, error) {
	notes := t.bucket(departBucket, dest.num)
	if notes == nil {
		return nil, nil
	}
	all := map[uint64]int64{}
	err := notes.b.ForEach(func(key, value []byte) error {
		left, err := departureOf(notes.name, key, value)
		for _, pos := range left.Entries {
			all[pos.Seq] = max(all[pos.Seq], left.At)
		}
		return err
	})
	return all, err
}

// departAnew notes of an entry that came to another place that it may have arrived.
func (t *txn) departAnew(dest *destination, at []byte, when int64) error {
	notes, err := t.needBucket(departBucket, dest.num)
	if err != nil {
		return err
	}
	n, err := t.next(notes)
	if err != nil {
		return err
	}
	key := binary.BigEndian.AppendUint64(make([]byte, 8, departKey), n) // no drain's own
	t.moved[dest.Dest] = struct{}{}                                     // who drains it must look
	return t.depart(dest, key, when, []queue.Pos{{Seq: number(at)}})
}
