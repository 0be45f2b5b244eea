package embedded

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// txn is the transaction in which changes gather until a checkpoint. The
// destinations' counters are written at the end of each batch.
type txn struct {
	tx     *bolt.Tx // nil while there is no open file
	now    int64    // ms
	opts   queue.Options
	writes int  // how many writes the batch made; so a unit's first write shows
	whole  bool // the batch asks for a checkpoint
	urgent bool // an ack of the batch must be durable before it is answered

	// What the journal holds or is about to: the records since the last
	// checkpoint, from start on that of the batch. The values that bbolt keeps
	// until the transaction ends lie in it.
	log   []byte
	start int
	added int64 // bytes that the changes may take on disk

	tables   map[string]*table
	names    names // of contacts with clicks, and their aliases
	journals names // of contacts with a journal
	seen     seen
	oldIDs   bool // there are ids of format 2
	messages sliced
	dropped  bool // the batch forgot slices of names or journals
	dests    map[queue.Dest]*destination
	bytes    int64 // of what waits and of dead letters
	stored   int64 // bytes as it stands in the file

	effects

	// Scratch.
	units      []*unit
	draft      draft
	newAliases []codec.KeyHash // of an event: they don't lead to its contact yet
	scratch    []byte
}

// effects are what drains are to hear of once the batch is durable.
type effects struct {
	wake  map[queue.Dest]struct{} // entries came, or the state changed
	moved map[queue.Dest]struct{} // entries went away other than by their reader
	heirs map[queue.Dest]bool     // see adopt: may be drained (true), or there is more to take over
}

// open goes on in a new transaction of bbolt, in which first everything that
// the log holds is made again.
func (t *txn) open(tx *bolt.Tx) error {
	if t.tables == nil {
		t.tables, t.dests = map[string]*table{}, map[queue.Dest]*destination{}
		t.wake, t.moved, t.heirs = map[queue.Dest]struct{}{}, map[queue.Dest]struct{}{}, map[queue.Dest]bool{}
	}
	clear(t.tables)
	clear(t.dests)
	t.tx = tx
	if t.seen.stale {
		t.seen.resume(tx)
	}
	if err := replay(tx, &t.seen, t.log); err != nil {
		return err
	}
	t.bytes = int64(number(t.table(metaBucket).get(bytesKey)))
	t.stored = t.bytes
	return nil
}

// abandon ends bbolt's transaction without a trace.
func (t *txn) abandon() {
	if t.tx != nil {
		_ = t.tx.Rollback()
		t.tx = nil
		t.seen.stale = true
	}
}

// begin begins a batch.
func (t *txn) begin(now time.Time, o queue.Options) {
	t.now, t.opts, t.writes, t.whole, t.urgent, t.dropped = now.UnixMilli(), o, 0, false, false, false
	if len(t.log) == 0 && (cap(t.log) < journal.Size || cap(t.log) > 4*journal.Size) {
		t.log = make([]byte, 0, journal.Size+journal.Size/8)
	}
	t.start = len(t.log)
	t.log = append(t.log, make([]byte, journal.RecordHead)...)
}

// reset forgets what the batch has to tell.
func (t *txn) reset() {
	clear(t.wake)
	clear(t.moved)
	clear(t.heirs)
	t.draft.reset()
}

// nodes is how many pages the transaction changes, with those of the ids, which
// come at the checkpoint.
func (t *txn) nodes() int {
	s := t.tx.Stats()
	return int(s.GetNodeCount()) + (t.seen.pending()+pageSize-1)/pageSize
}

// flush writes the counters.
func (t *txn) flush() error {
	for _, d := range t.dests {
		if !d.changed || d.gone {
			continue
		}
		t.scratch = appendDestination(t.scratch[:0], d)
		if err := t.putStamped(t.table(destsBucket), destKey(d.Dest), t.scratch); err != nil {
			return fmt.Errorf("storing counters of %s: %w", d.Name, err)
		}
		d.changed = false
	}
	if t.bytes == t.stored {
		return nil
	}
	t.stored = t.bytes
	t.scratch = binary.BigEndian.AppendUint64(t.scratch[:0], uint64(max(t.bytes, 0)))
	return t.put(t.table(metaBucket), bytesKey, t.scratch)
}

// find returns d's record, nil if it has none.
func (t *txn) find(d queue.Dest) (*destination, error) {
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
func (t *txn) need(d queue.Dest) (*destination, error) {
	t.writes++
	found, err := t.find(d)
	if err != nil {
		return nil, err
	}
	if found == nil {
		num, err := t.next(t.table(destsBucket))
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

// cost is what a stored value counts against MaxSize: itself, its key and
// bbolt's own 16 bytes.
func cost(value []byte) int64 { return int64(len(value)) + 24 }

func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// addEntry appends an entry's record to d's queue and returns its key.
func (t *txn) addEntry(d *destination, value []byte) ([]byte, error) {
	b, err := t.needBucket(entryBucket, d.num)
	if err != nil {
		return nil, err
	}
	n, err := t.next(b)
	if err != nil {
		return nil, err
	}
	d.backlog++
	d.changed = true
	t.bytes += cost(value)
	t.wake[d.Dest] = struct{}{}
	key := sequence(n)
	return key, t.putStamped(b, key, value)
}

// addDead appends a dead letter's record to d's. Their numbers are the whole
// file's, so that they tell the order over all destinations.
func (t *txn) addDead(d *destination, value []byte) error {
	n, err := t.next(t.table(metaBucket))
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
	if err := t.putStamped(b, sequence(n), value); err != nil || d.Dest != queue.Unmatched {
		return err
	}
	for d.dead > queue.UnmatchedKeep {
		key, old := b.b.Cursor().First()
		if key == nil {
			return nil
		}
		if err := t.removeDead(d, b, key, unstamped(old)); err != nil {
			return err
		}
	}
	return nil
}

// removeEntry deletes an entry, with what it alone still holds.
func (t *txn) removeEntry(d *destination, entries, retries *table, key, value []byte) error {
	if err := t.release(value); err != nil {
		return err
	}
	return t.takeEntry(d, entries, retries, key, value)
}

// takeEntry takes an entry's record out of its queue, and its retry state. The record is
// kept elsewhere.
func (t *txn) takeEntry(d *destination, entries, retries *table, key, value []byte) error {
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

// removeDead deletes a dead letter, with what it alone still holds.
func (t *txn) removeDead(d *destination, letters *table, key, value []byte) error {
	_, entry, err := codec.DecodeDeath(value)
	if err == nil {
		err = t.release(entry)
	}
	if err != nil {
		return err
	}
	return t.takeDead(d, letters, key, value)
}

// takeDead takes a dead letter's record out, which is kept elsewhere.
func (t *txn) takeDead(d *destination, letters *table, key, value []byte) error {
	d.dead--
	d.changed = true
	t.bytes -= cost(value)
	return t.delete(letters, key)
}
