package embedded

import (
	"encoding/binary"
	"sort"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

const (
	// sliceKeys is how many keys stand beside each other on disk: they lie on some pages,
	// which all change until the slice is full, and few later.
	sliceKeys = 4096
	// sliceGroup is how many slices are asked about at once.
	sliceGroup = 64
)

// sliced knows in which slice of a bucket a key may be. Hashes as keys of one tree each
// change another page, for 20 µs once there are many. So keys begin with the number of a
// slice, in the order of arrival, and what is small stays in memory: filters, three bytes
// a key. A key that is removed stays in them, which costs no more than a look.
type sliced struct {
	groups []slicedGroup // the last one grows
	last   uint32        // the number of the last slice that was begun
}

// slicedGroup is some slices, and a filter of all their keys.
type slicedGroup struct {
	any    layer
	slices []oneSlice // their numbers rise
}

type oneSlice struct {
	number uint32
	known  layer // a filter of its keys
}

// place is where a key stands: in a slice, under its hash. In slice 0 is what a file of
// format 6 or older had, under the hash alone.
type place struct {
	slice uint32
	hash  codec.KeyHash
}

// placeSize is the length of a place's key in a slice.
const placeSize = 4 + len(codec.KeyHash{})

// key appends the key of the bucket.
func (p place) key(dst []byte) []byte {
	if p.slice > 0 {
		dst = binary.BigEndian.AppendUint32(dst, p.slice)
	}
	return append(dst, p.hash[:]...)
}

// placeOf reads what key wrote.
func placeOf(key []byte) (p place) {
	if len(key) == placeSize {
		p.slice, key = binary.BigEndian.Uint32(key), key[4:]
	}
	copy(p.hash[:], key)
	return p
}

// beside is where another key stands in the same slice.
func (p place) beside(hash codec.KeyHash) place { return place{p.slice, hash} }

// next is the slice for a key that comes now.
func (s *sliced) next() uint32 {
	n := len(s.groups)
	if n == 0 {
		s.begin(s.last + 1)
	} else if g := &s.groups[n-1]; g.slices[len(g.slices)-1].known.room <= 0 {
		s.begin(s.last + 1)
	}
	return s.last
}

// begin begins a slice, with a number above all others.
func (s *sliced) begin(number uint32) {
	s.last = number
	n := len(s.groups)
	if n == 0 || s.groups[n-1].any.room <= 0 {
		s.groups = append(s.groups, slicedGroup{any: newLayer(sliceGroup*sliceKeys, keyBits)})
		n++
	}
	g := &s.groups[n-1]
	g.slices = append(g.slices, oneSlice{number: number, known: newLayer(sliceKeys, keyBits)})
}

// put adds a key to a slice that was begun.
func (s *sliced) put(at place) {
	probe := probeOf(at.hash)
	for i := len(s.groups) - 1; i >= 0; i-- {
		g := &s.groups[i]
		if g.slices[0].number > at.slice {
			continue
		}
		k := sort.Search(len(g.slices), func(k int) bool { return g.slices[k].number >= at.slice })
		if k < len(g.slices) && g.slices[k].number == at.slice {
			g.any.add(probe)
			g.slices[k].known.add(probe)
		}
		return
	}
}

// find calls f with the places at which a key may stand, newest first, until it returns
// true.
func (s *sliced) find(hash codec.KeyHash, f func(place) bool) {
	p := probeOf(hash)
	for i := len(s.groups) - 1; i >= 0; i-- {
		g := &s.groups[i]
		if !g.any.has(p) {
			continue
		}
		for k := len(g.slices) - 1; k >= 0; k-- {
			if g.slices[k].known.has(p) && f(place{g.slices[k].number, hash}) {
				return
			}
		}
	}
}

// old reports whether a slice is far behind the newest one.
func (s *sliced) old(slice uint32) bool { return slice == 0 || slice+sliceGroup < s.last }

// drop forgets the slices before number.
func (s *sliced) drop(number uint32) {
	for len(s.groups) > 0 {
		g := &s.groups[0]
		for len(g.slices) > 0 && g.slices[0].number < number {
			g.slices = g.slices[1:]
		}
		if len(g.slices) > 0 {
			return
		}
		s.groups = s.groups[1:]
	}
}
