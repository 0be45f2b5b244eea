package embedded

import (
	"cmp"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// deadScan goes through dead letters newest first: all those of several
// destinations at once, or some that are named.
type deadScan struct {
	heads []deadHead
	named []deadRef // newest first
	tx    *bolt.Tx
}

// deadHead is a destination's newest letter that was not yet looked at.
type deadHead struct {
	ref    deadRef
	value  []byte
	cursor *bolt.Cursor
}

// newDeadScan starts at the newest letters with numbers below before.
func newDeadScan(tx *bolt.Tx, f queue.DeadFilter, before uint64) (*deadScan, error) {
	s := &deadScan{tx: tx}
	dests := map[uint32]queue.Dest{}
	err := eachDestination(tx, func(d *destination) error {
		if !f.Of(d.Dest) {
			return nil
		}
		dests[d.num] = d.Dest
		if d.dead == 0 {
			return nil // bbolt would look for the last one of pages that were emptied, forever
		}
		b := tx.Bucket(bucketName(nil, deadBucket, d.num))
		if b == nil || len(f.IDs) > 0 {
			return nil
		}
		h := deadHead{ref: deadRef{dest: d.Dest, num: d.num}, cursor: b.Cursor()}
		var key []byte
		if key, h.value = h.cursor.Seek(sequence(before)); key == nil {
			key, h.value = h.cursor.Last()
		} else {
			key, h.value = h.cursor.Prev()
		}
		if key != nil {
			h.ref.number = number(key)
			s.heads = append(s.heads, h)
		}
		return nil
	})
	for _, id := range f.IDs {
		r, ok := parseID(id)
		dest, known := dests[r.num]
		if r.dest = dest; ok && known && r.number < before {
			s.named = append(s.named, r)
		}
	}
	slices.SortFunc(s.named, func(a, b deadRef) int { return cmp.Compare(b.number, a.number) })
	s.named = slices.Compact(s.named)
	return s, err
}

// next returns the next letter, lent, or nil after the last.
func (s *deadScan) next() (deadRef, []byte) {
	for len(s.named) > 0 {
		ref := s.named[0]
		s.named = s.named[1:]
		if b := s.tx.Bucket(bucketName(nil, deadBucket, ref.num)); b != nil {
			if value := b.Get(sequence(ref.number)); value != nil {
				return ref, unstamped(value)
			}
		}
	}
	if len(s.heads) == 0 {
		return deadRef{}, nil
	}
	newest := 0
	for i := range s.heads {
		if s.heads[i].ref.number > s.heads[newest].ref.number {
			newest = i
		}
	}
	h := &s.heads[newest]
	ref, value := h.ref, h.value
	key, older := h.cursor.Prev()
	if key == nil {
		s.heads = slices.Delete(s.heads, newest, newest+1)
	} else {
		h.ref.number, h.value = number(key), older
	}
	return ref, unstamped(value)
}
