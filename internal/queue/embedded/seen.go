package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// seen is which event ids are remembered: in slices, in the order of arrival, and
// so whatever time a copy of the event carries. The slice that grows is in memory
// and in the journal; the file has it as of the last checkpoint, and the others
// whole, as one value each: 18 bytes an id, where a key of its own took 60. What
// has expired is one deletion for thousands.
//
// Filters in memory, one for 256 slices, a million ids, answer "surely new" for all
// but one in a thousand for each of them. What they suspect is looked for in those
// slices by the filters that stand in the values, and then in the ids. Since the
// filters of groups that are full stand in the file too, opening reads two bytes
// an id.
//
//	seen   slice → until (8 bytes), filter, ids (16 bytes each), CRC-32C of all these (not in files of format 3)
//	seenf  group → filter; of groups to which no slice will be added
//
// Until is the last that an id of the slice counts from, ms. A slice is kept, and
// its ids are known, for [queue.Options].Dedupe from then.
type seen struct {
	groups []*seenGroup // in order; the last one grows
	open   *seenSlice   // grows; nil: the next id begins one
	dirty  []*seenSlice // not in the file as they are, in order
	last   uint32       // the newest slice's number; 0 = there was none
	stale  bool         // the transaction was rolled back: resume must be called
}

type seenGroup struct {
	number uint32 // of a slice's, divided
	any    layer
	stored bool
}

type seenSlice struct {
	number uint32
	begun  int64 // ms
	value  []byte
}

const (
	seenSliceIDs  = 4096
	seenGroupOf   = 256 // slices
	seenGroupBits = 16  // of the filter in memory, for each id
	seenSpans     = 64  // slices that the window is cut into at the least
)

var (
	seenFilter = layerSize(seenSliceIDs, keyBits)
	seenHead   = 8 + seenFilter
	seenFull   = seenHead + seenSliceIDs*len(queue.ID{})
)

func seenKey(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func (s *seenSlice) until() int64 { return int64(number(s.value[:8])) }

// withoutSum is a slice's value without the checksum, if it has one.
func withoutSum(value []byte) []byte {
	return value[:len(value)-(len(value)-seenHead)%len(queue.ID{})]
}

// sliceFilter is the filter in a slice's value.
func sliceFilter(value []byte) layer { return layer{bits: value[8:seenHead]} }

// has reports whether an id is in a slice that is kept: of which until is after
// expired. It needs the open transaction.
func (s *seen) has(tx *bolt.Tx, id queue.ID, expired int64) bool {
	p := probeID(id)
	for _, g := range slices.Backward(s.groups) {
		if g.any.has(p) && s.inGroup(tx, g.number, id, p, expired) {
			return true
		}
	}
	return false
}

func (s *seen) inGroup(tx *bolt.Tx, group uint32, id queue.ID, p probe, expired int64) (found bool) {
	s.each(tx, group*seenGroupOf, func(n uint32, value []byte) bool {
		if n/seenGroupOf != group {
			return false
		}
		if ids := sliceFilter(value); int64(number(value[:8])) > expired && ids.has(p) {
			found = inIDs(value[seenHead:], id)
		}
		return !found
	})
	return found
}

func inIDs(ids []byte, id queue.ID) bool {
	for ; len(ids) >= len(id); ids = ids[len(id):] {
		if queue.ID(ids) == id {
			return true
		}
	}
	return false
}

// each calls f with the slices from a number on, in order, until it returns false.
func (s *seen) each(tx *bolt.Tx, from uint32, f func(n uint32, value []byte) bool) {
	dirty := s.dirty
	for len(dirty) > 0 && dirty[0].number < from {
		dirty = dirty[1:]
	}
	c := tx.Bucket(seenBucket).Cursor()
	for key, value := c.Seek(seenKey(from)); key != nil; key, value = c.Next() {
		n := binary.BigEndian.Uint32(key)
		if len(dirty) > 0 && dirty[0].number == n {
			value, dirty = dirty[0].value, dirty[1:]
		}
		if !f(n, value) {
			return
		}
	}
	for _, d := range dirty { // none of them is in the file yet
		if !f(d.number, d.value) {
			return
		}
	}
}

// next is the number of the slice for an id that comes now. A slice ends when it
// is full, or when so much of the window has gone by, so that it can expire.
func (s *seen) next(now, window int64) uint32 {
	span := max(window/seenSpans, 1000)
	if o := s.open; o != nil && len(o.value) < seenFull && now < o.begun+span && now > o.begun-span {
		return o.number
	}
	return s.last + 1
}

// add remembers an id in a slice, the newest or a new one. It counts from the
// time from, ms; now is when it came.
func (s *seen) add(n uint32, id queue.ID, from, now int64) {
	if s.open == nil || s.open.number != n {
		s.open = &seenSlice{number: n, begun: now, value: make([]byte, seenHead, seenFull)}
		s.last = n
	}
	if k := len(s.groups); k == 0 || s.groups[k-1].number != n/seenGroupOf {
		s.groups = append(s.groups, newSeenGroup(n/seenGroupOf))
	}
	o, p := s.open, probeID(id)
	if from > o.until() {
		binary.BigEndian.PutUint64(o.value, uint64(from))
	}
	ids := sliceFilter(o.value)
	ids.add(p)
	s.groups[len(s.groups)-1].any.add(p)
	o.value = append(o.value, id[:]...)
	if k := len(s.dirty); k == 0 || s.dirty[k-1] != o {
		s.dirty = append(s.dirty, o)
	}
}

func newSeenGroup(number uint32) *seenGroup {
	return &seenGroup{number: number, any: newLayer(seenGroupOf*seenSliceIDs, seenGroupBits)}
}

// forget removes a slice, and groups before the first that is left.
func (s *seen) forget(tx *bolt.Tx, n uint32) error {
	if s.open != nil && s.open.number == n {
		s.open = nil
	}
	s.dirty = slices.DeleteFunc(s.dirty, func(d *seenSlice) bool { return d.number == n })
	if err := tx.Bucket(seenBucket).Delete(seenKey(n)); err != nil {
		return err
	}
	first := s.last + seenGroupOf // nothing is left
	s.each(tx, 0, func(n uint32, _ []byte) bool { first = n; return false })
	s.groups = slices.DeleteFunc(s.groups, func(g *seenGroup) bool { return g.number < first/seenGroupOf })
	filters := tx.Bucket(seenFilters)
	for key, _ := filters.Cursor().First(); key != nil && binary.BigEndian.Uint32(key) < first/seenGroupOf; key, _ = filters.Cursor().First() {
		if err := filters.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// store puts what has changed into the transaction, which must be committed
// before anything else is added: bbolt keeps the values until then.
func (s *seen) store(tx *bolt.Tx) error {
	if err := s.storeSlices(tx); err != nil {
		return err
	}
	for _, g := range s.groups {
		if g.stored || g.number == s.last/seenGroupOf {
			continue
		}
		if err := tx.Bucket(seenFilters).Put(seenKey(g.number), g.any.bits); err != nil {
			return err
		}
		g.stored = true
	}
	return nil
}

func (s *seen) storeSlices(tx *bolt.Tx) error {
	for _, d := range s.dirty {
		value := binary.BigEndian.AppendUint32(slices.Clip(d.value), crc32.Checksum(d.value, castagnoli))
		if err := tx.Bucket(seenBucket).Put(seenKey(d.number), value); err != nil {
			return err
		}
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
	return nil
}

// pending is about how many bytes store will write: with a value its neighbours
// on the same page are written again.
func (s *seen) pending() (n int) {
	for _, d := range s.dirty {
		n += len(d.value)
	}
	if n > 0 {
		n += 4 * seenFull
	}
	for _, g := range s.groups {
		if !g.stored && g.number != s.last/seenGroupOf {
			n += len(g.any.bits)
		}
	}
	return n
}

// resume goes on from what the file holds. The filters of groups may stay: what
// they know too much costs a look.
func (s *seen) resume(tx *bolt.Tx) {
	s.open, s.dirty, s.last, s.stale = nil, s.dirty[:0], 0, false
	if key, value := tx.Bucket(seenBucket).Cursor().Last(); key != nil {
		s.last = binary.BigEndian.Uint32(key)
		s.open = &seenSlice{number: s.last, value: append(make([]byte, 0, seenFull), withoutSum(value)...)}
		s.open.begun = s.open.until()
	}
	s.groups = slices.DeleteFunc(s.groups, func(g *seenGroup) bool { return g.number > s.last/seenGroupOf })
	for _, g := range s.groups {
		g.stored = g.number < s.last/seenGroupOf && tx.Bucket(seenFilters).Get(seenKey(g.number)) != nil
	}
}

// load reads the groups' filters. Those that aren't in the file are made again.
func (s *seen) load(tx *bolt.Tx) {
	*s = seen{}
	s.resume(tx)
	var g *seenGroup
	c := tx.Bucket(seenBucket).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if number := binary.BigEndian.Uint32(key) / seenGroupOf; g == nil || g.number != number {
			g = newSeenGroup(number)
			s.groups = append(s.groups, g)
			known := tx.Bucket(seenFilters).Get(seenKey(number))
			if g.stored = number < s.last/seenGroupOf && len(known) == len(g.any.bits); g.stored {
				copy(g.any.bits, known)
			}
		}
		if g.stored {
			continue
		}
		for ids := value[seenHead:]; len(ids) >= len(queue.ID{}); ids = ids[len(queue.ID{}):] {
			g.any.add(probeID(queue.ID(ids)))
		}
	}
}
