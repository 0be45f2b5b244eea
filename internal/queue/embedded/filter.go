package embedded

import (
	"encoding/binary"
	"math/bits"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// filter says of nearly every key that is not stored that it isn't, without a
// look into the file: a Bloom filter, 12 bits a key. Most webhooks are of
// contacts who never clicked an ad; three look-ups for each of them took 2 µs.
//
// A key that is removed stays in it, which costs no more than the look-up.
type filter struct {
	layers []layer // each twice as large as the one before; the last one grows
}

// layer is blocks of 64 bytes: a key's bits lie in one, so that it costs one
// look into memory. It is bytes, and so is the same in a file on every machine.
type layer struct {
	bits []byte
	room int // keys that may still be added
}

const (
	filterBits  = 6       // set for a key
	filterFirst = 1 << 14 // keys of the first layer
	keyBits     = 12      // of a layer, for each key; one in 200 that aren't there is taken to be
	blockSize   = 64
)

// probe is where in a layer something stands: which block, and nine bits for
// each bit there. Both are hashes.
type probe struct{ at, bits uint64 }

// probeOf is the probe of a key's hash.
func probeOf(m codec.KeyHash) probe {
	return probe{binary.LittleEndian.Uint64(m[:8]), binary.LittleEndian.Uint64(m[8:])}
}

// probeID is the probe of an event's id: of a UUID some bits are always the same.
func probeID(id queue.ID) probe {
	a, b := binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])
	at := codec.Mix(a ^ bits.RotateLeft64(codec.Mix(b), 32))
	return probe{at, codec.Mix(at + b)}
}

func (f *filter) add(m codec.KeyHash) {
	if f.has(m) {
		return
	}
	n := len(f.layers)
	if n == 0 || f.layers[n-1].room <= 0 {
		f.layers = append(f.layers, newLayer(filterFirst<<n, keyBits))
		n++
	}
	f.layers[n-1].add(probeOf(m))
}

// has reports whether a key may have been added.
func (f *filter) has(m codec.KeyHash) bool {
	p := probeOf(m)
	for i := len(f.layers) - 1; i >= 0; i-- {
		if f.layers[i].has(p) {
			return true
		}
	}
	return false
}

func newLayer(room, bits int) layer {
	return layer{bits: make([]byte, layerSize(room, bits)), room: room}
}

// layerSize is how many bytes a layer takes.
func layerSize(room, bits int) int { return (room*bits/8 + blockSize - 1) / blockSize * blockSize }

func (l *layer) add(p probe) {
	l.room--
	b := l.block(p)
	for range filterBits {
		b[p.bits>>3&(blockSize-1)] |= 1 << (p.bits & 7)
		p.bits >>= 9
	}
}

// has looks at all bits, so that no branch waits for the memory: a look into many
// layers is then little more than one into the slowest.
func (l *layer) has(p probe) bool {
	b, all := l.block(p), byte(1)
	for range filterBits {
		all &= b[p.bits>>3&(blockSize-1)] >> (p.bits & 7)
		p.bits >>= 9
	}
	return all&1 != 0
}

func (l *layer) block(p probe) *[blockSize]byte {
	return (*[blockSize]byte)(l.bits[p.at%uint64(len(l.bits)/blockSize)*blockSize:])
}
