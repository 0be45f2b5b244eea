package queue

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const dayMs = int64(24 * time.Hour / time.Millisecond)

// aheadMs is how far in the future a provider's time is believed. What lies
// beyond counts as an event without a time, or it would be remembered forever.
const aheadMs = 366 * dayMs

// nearlySequential is how full a page is left when it is split. Measured with
// ids in order, by whole seconds, up to 2 s late and a day late, a checkpoint
// every 2000: 58 to 64 bytes an id with 0.6, 54 to 59 with 0.7, 68 to 77 with
// 0.5; with 20 000 ids in each second, which come in any order, 0.6 is best.
const nearlySequential = 0.6

// idKey is a remembered id's key: six bytes of time, so that inserts are nearly
// sequential and whole ranges expire at once, and the id.
func idKey(dst []byte, at int64, id ID) []byte {
	at = max(at, 0)
	dst = append(dst, byte(at>>40), byte(at>>32), byte(at>>24), byte(at>>16), byte(at>>8), byte(at))
	return append(dst, id[:]...)
}

// timed says whether an event is remembered by its own time. An event without
// one, or whose time is past the window already, is remembered by the day of
// its arrival.
func (t *txn) timed(at int64) bool {
	return at > t.now-t.opts.Dedupe.Milliseconds() && at <= t.now+aheadMs && at > 0
}

// known says whether an event's id is remembered.
func (t *txn) known(ev *Event) bool {
	ids := t.table(idsBucket)
	var buf [6 + len(ID{})]byte
	if t.timed(ev.Time) {
		return ids.has(idKey(buf[:0], ev.Time, ev.ID))
	}
	// A day stands under its end, so that it is kept for the whole window. One
	// day more, if the clock went back.
	for day := dayEnd(t.now - t.opts.Dedupe.Milliseconds()); day <= dayEnd(t.now)+dayMs; day += dayMs {
		if ids.has(idKey(buf[:0], day, ev.ID)) {
			return true
		}
	}
	return false
}

func (t *txn) remember(ev *Event) error {
	at := ev.Time
	if !t.timed(at) {
		at = dayEnd(t.now)
	}
	var buf [6 + len(ID{})]byte
	return t.put(t.table(idsBucket), idKey(buf[:0], at, ev.ID), nil)
}

// dayEnd is when the UTC day of a time ends, ms.
func dayEnd(at int64) int64 { return at - at%dayMs + dayMs }

// mark stands for a key of a tenant. Hashed, keys are short and of one length,
// and the file holds no phone numbers beside the entries'.
type mark [16]byte

func markOf(tenant, key string) (m mark) {
	buf := make([]byte, 0, 128)
	buf = append(buf, tenant...)
	buf = append(buf, 0)
	buf = append(buf, key...)
	sum := sha256.Sum256(buf)
	copy(m[:], sum[:])
	return m
}

// onceKnown says whether a once key is remembered, or set by an earlier job of
// the group.
func (t *txn) onceKnown(key mark) bool {
	if expiry, ok := t.plan.keys[key]; ok {
		return expiry > t.now
	}
	return int64(number(t.table(onceBucket).get(key[:]))) > t.now
}

// setOnce stores a key's expiry, and the index entry by which Sweep finds it.
func (t *txn) setOnce(key mark, expiry int64) error {
	b, x := t.table(onceBucket), t.table(onceIndex)
	if old := b.get(key[:]); len(old) >= 8 {
		if err := t.delete(x, timeKey(int64(number(old[:8])), key)); err != nil {
			return err
		}
	}
	t.scratch = binary.BigEndian.AppendUint64(t.scratch[:0], uint64(max(expiry, 0)))
	if err := t.put(b, key[:], t.scratch); err != nil {
		return err
	}
	return t.put(x, timeKey(expiry, key), nil)
}

// timeKey is an index entry: eight bytes of time, and a mark.
func timeKey(at int64, key mark) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), uint64(max(at, 0))), key[:]...)
}
