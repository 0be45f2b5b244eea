package queue

import "encoding/binary"

// filter says of nearly every mark that is not stored that it isn't, without a
// look into the file: a Bloom filter, 12 bits a mark. Most webhooks are of
// contacts who never clicked an ad; three look-ups for each of them took 2 µs.
//
// A mark that is removed stays in it, which costs no more than the look-up.
type filter struct {
	layers []layer // each twice as large as the one before; the last one grows
}

// layer is blocks of 512 bits: a mark's bits lie in one, so that it costs one
// look into memory.
type layer struct {
	blocks []block
	room   int // marks that may still be added
}

type block [8]uint64

const (
	filterBits  = 6             // set for a mark
	filterFirst = 1 << 14       // marks of the first layer
	blockMarks  = 8 * 64 / 12.0 // of a block
)

func (f *filter) add(m mark) {
	if f.has(m) {
		return
	}
	n := len(f.layers)
	if n == 0 || f.layers[n-1].room <= 0 {
		f.layers = append(f.layers, newLayer(filterFirst<<n))
		n++
	}
	f.layers[n-1].add(m)
}

// has says whether a mark may have been added.
func (f *filter) has(m mark) bool {
	for i := len(f.layers) - 1; i >= 0; i-- {
		if f.layers[i].has(m) {
			return true
		}
	}
	return false
}

func newLayer(room int) layer {
	return layer{blocks: make([]block, int(float64(room)/blockMarks)+1), room: room}
}

func (l *layer) add(m mark) {
	l.room--
	b, bits := l.block(m)
	for range filterBits {
		b[bits>>6&7] |= 1 << (bits & 63)
		bits >>= 9
	}
}

func (l *layer) has(m mark) bool {
	b, bits := l.block(m)
	for range filterBits {
		if b[bits>>6&7]&(1<<(bits&63)) == 0 {
			return false
		}
		bits >>= 9
	}
	return true
}

// block returns a mark's block, and nine bits of its bits for each that is set
// there. A mark is a hash already.
func (l *layer) block(m mark) (*block, uint64) {
	at := binary.LittleEndian.Uint64(m[:8]) % uint64(len(l.blocks))
	return &l.blocks[at], binary.LittleEndian.Uint64(m[8:])
}

// fillClicked fills the filter of the contacts with clicks and their aliases.
// The index stands in for the contacts themselves, whose records are large.
func (t *txn) fillClicked() {
	t.clicked = filter{}
	c := t.table(clicksIndex).b.Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		t.clicked.add(mark(key[8:]))
	}
	c = t.table(aliasBucket).b.Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		t.clicked.add(mark(key))
	}
}
