package embedded

import (
	"encoding/binary"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// known reports whether an event's id is remembered.
func (t *txn) known(ev *queue.Event) bool {
	return t.seen.has(t.tx, ev.ID, t.now-t.opts.Dedupe.Milliseconds()) || t.oldIDs && t.knownBefore(ev)
}

func (t *txn) remember(ev *queue.Event) {
	n, from := t.seen.next(t.now, t.opts.Dedupe.Milliseconds()), queue.RememberedFrom(ev.Time, t.now)
	t.writes++
	t.redo(redoRemember, seenBucket)
	t.log = binary.AppendUvarint(t.log, uint64(n))
	t.log = binary.AppendUvarint(t.log, uint64(max(from, 0)))
	t.log = append(t.log, ev.ID[:]...)
	t.seen.add(n, ev.ID, from, t.now)
}

// sweepIDs removes the slices that have expired, up to the first that hasn't:
// where the clock went back some stay longer, never shorter.
func (t *txn) sweepIDs() (int, error) {
	var numbers []uint32
	t.seen.each(t.tx, 0, func(n uint32, value []byte) bool {
		if int64(number(value[:8])) > t.now-t.opts.Dedupe.Milliseconds() || len(numbers) == sweepBatch {
			return false
		}
		numbers = append(numbers, n)
		return true
	})
	for _, n := range numbers {
		t.writes++
		t.redo(redoForget, seenBucket)
		t.log = binary.AppendUvarint(t.log, uint64(n))
		if err := t.seen.forget(t.tx, n); err != nil {
			return 0, fmt.Errorf("forgetting slice %d: %w", n, err)
		}
	}
	return len(numbers), nil
}

// fillIDs reads what is remembered.
func (t *txn) fillIDs() {
	t.seen.load(t.tx)
	t.lookForOldIDs()
}

// Files of format 2 have ids that stand under their events' time, or under the
// end of the day on which they came where the event gave no time, or one that was
// over. They are known by that time until they have expired, for the window from
// the upgrade on; new ones are not added. A file of format 3 that was never of
// format 2 has no such bucket.

// lookForOldIDs notes whether there are any.
func (t *txn) lookForOldIDs() {
	t.oldIDs = false
	if old := t.table(idsBucket); old != nil {
		key, _ := old.b.Cursor().First()
		t.oldIDs = key != nil
	}
}

// oldIDKey is such an id's key: six bytes of time, and the id.
func oldIDKey(dst []byte, at int64, id queue.ID) []byte {
	at = max(at, 0)
	dst = append(dst, byte(at>>40), byte(at>>32), byte(at>>24), byte(at>>16), byte(at>>8), byte(at))
	return append(dst, id[:]...)
}

// knownBefore reports whether an event's id was remembered by format 2.
func (t *txn) knownBefore(ev *queue.Event) bool {
	old, expired := t.table(idsBucket), t.now-t.opts.Dedupe.Milliseconds()
	var buf [6 + len(queue.ID{})]byte
	if ev.Time > max(expired, 0) && ev.Time <= t.now+366*queue.DayMS {
		return old.has(oldIDKey(buf[:0], ev.Time, ev.ID))
	}
	for day := dayEnd(expired); day <= dayEnd(t.now)+queue.DayMS; day += queue.DayMS {
		if old.has(oldIDKey(buf[:0], day, ev.ID)) {
			return true
		}
	}
	return false
}

// dayEnd is when the UTC day of a time ends, ms.
func dayEnd(at int64) int64 { return at - at%queue.DayMS + queue.DayMS }

func (t *txn) sweepOldIDs() (int, error) {
	if !t.oldIDs {
		return 0, nil
	}
	old := t.table(idsBucket)
	keys := before(old, oldIDKey(nil, t.now-t.opts.Dedupe.Milliseconds()+1, queue.ID{}), sweepBatch)
	for _, key := range keys {
		if err := t.delete(old, key); err != nil {
			return 0, err
		}
	}
	t.lookForOldIDs()
	return len(keys), nil
}
