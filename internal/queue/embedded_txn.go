package queue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// txn is the writer's transaction: bbolt's, with the destinations' counters,
// which are written at its end.
type txn struct {
	tx     *bolt.Tx
	now    int64 // ms
	opts   Options
	writes int // how many writes were made; so a unit's first write shows

	dests  map[Dest]*destination
	bytes  int64 // of what waits and of dead letters
	stored int64 // bytes as it stands in the file

	wake  map[Dest]struct{} // entries came, or the state changed
	moved map[Dest]struct{} // entries went away other than by their reader

	// Scratch.
	units []*unit
	plan  plan
	arena []byte
	name  []byte
}

// destination is a record of the bucket dests.
type destination struct {
	Dest
	num     uint32
	backlog int
	dead    int
	state   State
	changed bool
	gone    bool
}

const destVersion = 1

func (t *txn) begin(tx *bolt.Tx, now time.Time, o Options) {
	t.reset()
	t.tx, t.now, t.opts, t.writes = tx, now.UnixMilli(), o, 0
	t.bytes = int64(number(tx.Bucket(metaBucket).Get(bytesKey)))
	t.stored = t.bytes
	if t.dests == nil {
		t.dests, t.wake, t.moved = map[Dest]*destination{}, map[Dest]struct{}{}, map[Dest]struct{}{}
	}
}

// reset forgets the transaction; what it allocated is used again.
func (t *txn) reset() {
	t.tx = nil
	clear(t.dests)
	clear(t.wake)
	clear(t.moved)
	t.arena = t.arena[:0]
	t.plan.reset()
}

// flush writes the counters.
func (t *txn) flush() error {
	dests := t.tx.Bucket(destsBucket)
	for _, d := range t.dests {
		if !d.changed || d.gone {
			continue
		}
		if err := dests.Put(destKey(d.Dest), appendDestination(nil, d)); err != nil {
			return fmt.Errorf("storing counters of %s: %w", d.Name, err)
		}
	}
	if t.bytes == t.stored {
		return nil
	}
	return t.tx.Bucket(metaBucket).Put(bytesKey, binary.BigEndian.AppendUint64(nil, uint64(max(t.bytes, 0))))
}

// alloc returns n bytes that are good until the transaction ends: bbolt keeps
// values, and does not copy them, until then.
func (t *txn) alloc(n int) []byte {
	const chunk = 1 << 20
	if n > chunk/4 {
		return make([]byte, n)
	}
	if len(t.arena)+n > cap(t.arena) {
		t.arena = make([]byte, 0, chunk)
	}
	at := len(t.arena)
	t.arena = t.arena[:at+n]
	return t.arena[at : at+n : at+n]
}

func (t *txn) put(b *bolt.Bucket, key, value []byte) error {
	t.writes++
	return b.Put(key, value)
}

func (t *txn) delete(b *bolt.Bucket, key []byte) error {
	t.writes++
	return b.Delete(key)
}

// find returns d's record, nil if it has none.
func (t *txn) find(d Dest) (*destination, error) {
	if known := t.dests[d]; known != nil {
		if known.gone {
			return nil, nil
		}
		return known, nil
	}
	found, err := findDestination(t.tx, d)
	if found != nil {
		t.dests[d] = found
	}
	return found, err
}

// need returns d's record, made if need be. The caller changes it.
func (t *txn) need(d Dest) (*destination, error) {
	t.writes++
	found, err := t.find(d)
	if err != nil {
		return nil, err
	}
	if found == nil {
		num, err := t.tx.Bucket(destsBucket).NextSequence()
		if err != nil {
			return nil, err
		}
		if num > 1<<32-1 {
			return nil, fmt.Errorf("making destination %s: numbers are used up", d.Name)
		}
		found = &destination{Dest: d, num: uint32(num)}
		t.dests[d] = found
	}
	found.changed = true
	return found, nil
}

// The kinds of a destination's buckets.
const (
	entryBucket = 'e'
	retryBucket = 'r'
	deadBucket  = 'x'
)

func bucketName(dst []byte, kind byte, num uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst[:0], kind), num)
}

// bucket returns one of a destination's buckets, nil if it isn't there.
func (t *txn) bucket(kind byte, num uint32) *bolt.Bucket {
	t.name = bucketName(t.name, kind, num)
	b := t.tx.Bucket(t.name)
	if b != nil {
		b.FillPercent = 1 // keys only grow
	}
	return b
}

// needBucket is like bucket, but makes it.
func (t *txn) needBucket(kind byte, num uint32) (*bolt.Bucket, error) {
	if b := t.bucket(kind, num); b != nil {
		return b, nil
	}
	t.writes++
	b, err := t.tx.CreateBucket(bytes.Clone(t.name))
	if err != nil {
		return nil, fmt.Errorf("making bucket: %w", err)
	}
	b.FillPercent = 1
	return b, nil
}

// cost is what a stored value counts against MaxSize: itself, its key and
// bbolt's own 16 bytes.
func cost(value []byte) int64 { return int64(len(value)) + 24 }

func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// addEntry appends an entry's record to d's queue.
func (t *txn) addEntry(d *destination, value []byte) error {
	b, err := t.needBucket(entryBucket, d.num)
	if err != nil {
		return err
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	d.backlog++
	d.changed = true
	t.bytes += cost(value)
	t.wake[d.Dest] = struct{}{}
	return t.put(b, sequence(n), value)
}

// addDead appends a dead letter's record to d's. Their numbers are the whole
// file's, so that they tell the order over all destinations.
func (t *txn) addDead(d *destination, value []byte) error {
	n, err := t.tx.Bucket(metaBucket).NextSequence()
	if err != nil {
		return err
	}
	b, err := t.needBucket(deadBucket, d.num)
	if err != nil {
		return err
	}
	d.dead++
	d.changed = true
	t.bytes += cost(value)
	if err := t.put(b, sequence(n), value); err != nil || d.Dest != Unmatched {
		return err
	}
	for d.dead > UnmatchedKeep {
		key, old := b.Cursor().First()
		if key == nil {
			return nil
		}
		if err := t.removeDead(d, b, key, old); err != nil {
			return err
		}
	}
	return nil
}

// removeEntry deletes an entry and its retry state.
func (t *txn) removeEntry(d *destination, entries, retries *bolt.Bucket, key, value []byte) error {
	d.backlog--
	d.changed = true
	t.bytes -= cost(value)
	if retries != nil {
		if err := t.delete(retries, key); err != nil {
			return err
		}
	}
	return t.delete(entries, key)
}

func (t *txn) removeDead(d *destination, letters *bolt.Bucket, key, value []byte) error {
	d.dead--
	d.changed = true
	t.bytes -= cost(value)
	return t.delete(letters, key)
}
