package redis

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// A bundle is several entries of a destination that were queued in one call, as one
// entry of its stream: that costs Redis as little as one, and since events resemble
// each other, it compresses to an eighth of them.
//
//	bundle:  version, number of entries (1 byte each), an S2 block of the entries
//	entry:   header and payload, each with its length in front
//
// What bundles of one call hold alike, since destinations get the same, is stored once, as
// a block, and they refer to it:
//
//	bundle:  version, number of entries (1 byte each), the block's id
//	block:   what a bundle has behind these two bytes
//
// An edge that knows no blocks reads no such bundle, and says so.
//
// Which of its entries are pending, and which never were, since their events were
// known, is kept beside the stream: see lua/bundles.lua. A bundle stays until its last
// entry is gone, so what a failing event can hold on to is bounded.
type bundle struct {
	dest          int      // its destination's index in the call
	content       int      // what it holds: an index into bundleWriter.contents
	block         int      // the block's number in the call; 0 = none
	header, bytes argument // the first entry's header, the bundle
}

// block is what several bundles hold.
type block struct{ id, bytes argument }

const (
	bundleVersion = 1
	blockVersion  = 2 // of a bundle that refers to a block
	blockID       = 16
)

// bundleWriter fills the bundles of a pipeline's calls.
type bundleWriter struct {
	open  []openBundle // of each destination of the call
	done  []bundle
	first int // of the call
	arena []byte

	contents []content // of the call's bundles, each once
	spare    [][]byte  // memory for entries
	blocks   []block
}

// content is what a bundle holds, or several.
type content struct {
	entries       []byte
	header, bytes argument
	bundles       int // that hold it
	block         int // its number in the call; 0 = it is none
}

// openBundle is where a destination's next entries go.
type openBundle struct {
	bundled bool // the destination gets bundles
	number  int  // in the call; 0 = none is open
	entries []byte
	header  int // length of the first entry's
	n       int
}

// reset makes room for the next pipeline.
func (w *bundleWriter) reset() {
	clear(w.done)
	clear(w.blocks)
	w.done, w.blocks, w.arena = w.done[:0], w.blocks[:0], emptied(w.arena)
}

// begin starts a call with so many jobs for each destination. One job alone needs no
// bundle, unless another destination has one, too, which is likely to be the same.
func (w *bundleWriter) begin(jobs []int, unbundled bool) {
	w.first = len(w.done)
	alone := 0
	for _, n := range jobs {
		if n == 1 {
			alone++
		}
	}
	for len(w.open) < len(jobs) {
		w.open = append(w.open, openBundle{})
	}
	for i := range w.open {
		w.open[i].bundled = !unbundled && i < len(jobs) && (jobs[i] > 1 || alone > 1)
		w.open[i].number, w.open[i].entries = 0, emptied(w.open[i].entries)
	}
}

// mayBundle reports whether a group's payloads are small enough for bundles. If one
// is too large, none goes into a bundle, so that they stay in order.
func mayBundle(g *queue.Group) bool {
	for _, p := range g.Payloads {
		if len(p) > bundledPayload {
			return false
		}
	}
	return true
}

// takes reports whether a job becomes an entry of a bundle, if its group's payloads
// may. A job that is a dead letter from the beginning does not.
func (w *bundleWriter) takes(dest int, j *queue.Job) bool {
	return w.open[dest-1].bundled && j.Dead == nil
}

// add puts an entry into the destination's bundle, and returns that bundle's number.
func (w *bundleWriter) add(dest int, h *queue.Header, payload []byte) int {
	o := &w.open[dest-1]
	if o.number > 0 && (o.n == bundleEntries || len(o.entries)+len(payload) > bundleBytes) {
		w.close(o)
	}
	if o.number == 0 {
		w.done = append(w.done, bundle{dest: dest})
		o.number, o.n, o.entries = len(w.done)-w.first, 0, o.entries[:0]
	}
	o.entries = appendMeasured(o.entries, func(b []byte) []byte { return codec.AppendHeader(b, h) })
	if o.n == 0 {
		o.header = len(o.entries) - 4
	}
	o.entries = append(appendCount(o.entries, len(payload)), payload...)
	o.n++
	return o.number
}

// close writes a bundle, unless there is one that holds the same.
func (w *bundleWriter) close(o *openBundle) {
	p := &w.done[w.first+o.number-1]
	o.number = 0
	for i := range w.contents {
		if c := &w.contents[i]; bytes.Equal(c.entries, o.entries) {
			c.bundles++
			p.content, p.header, p.bytes = i, c.header, c.bytes
			return
		}
	}
	p.header = w.keep(o.entries[4 : 4+o.header])
	start := len(w.arena)
	w.arena = append(w.arena, bundleVersion, byte(o.n))
	w.arena = appendS2(w.arena, o.entries)
	p.bytes = w.arena[start:len(w.arena):len(w.arena)]
	p.content = len(w.contents)
	w.contents = append(w.contents, content{entries: o.entries, header: p.header, bytes: p.bytes, bundles: 1})
	o.entries = nil
	if n := len(w.spare); n > 0 {
		o.entries, w.spare = w.spare[n-1][:0], w.spare[:n-1]
	}
}

// keep copies to the arena.
func (w *bundleWriter) keep(parts ...[]byte) argument {
	start := len(w.arena)
	for _, b := range parts {
		w.arena = append(w.arena, b...)
	}
	return w.arena[start:len(w.arena):len(w.arena)]
}

// appendS2 appends an S2 block.
func appendS2(dst, src []byte) []byte {
	dst = slices.Grow(dst, s2.MaxEncodedLen(len(src)))
	return dst[:len(dst)+len(s2.Encode(dst[len(dst):cap(dst)], src))]
}

// end closes what is open, and returns the call's bundles and blocks.
func (w *bundleWriter) end() ([]bundle, []block) {
	for i := range w.open {
		if w.open[i].number > 0 {
			w.close(&w.open[i])
		}
	}
	first := len(w.blocks)
	for i := range w.done[w.first:] {
		p := &w.done[w.first+i]
		c := &w.contents[p.content]
		if c.bundles < 2 {
			continue
		}
		if c.block == 0 {
			id := make([]byte, blockID)
			_, _ = rand.Read(id) // never fails
			w.blocks = append(w.blocks, block{id: id, bytes: c.bytes[2:]})
			c.block = len(w.blocks) - first
			c.bytes = w.keep([]byte{blockVersion, c.bytes[1]}, id)
		}
		p.block, p.bytes = c.block, c.bytes
	}
	for i := range w.contents {
		if b := emptied(w.contents[i].entries); b != nil && len(w.spare) < 64 {
			w.spare = append(w.spare, b)
		}
	}
	clear(w.contents)
	w.contents = w.contents[:0]
	return w.done[w.first:], w.blocks[first:]
}

// decodeBundle returns those entries of the bundle with this stream id for which
// pending has a "1". scratch is memory to use, and is returned to be used again; the
// entries keep nothing of it.
func decodeBundle(id queue.Pos, record []byte, pending string, scratch []byte) ([]queue.Entry, []byte, error) {
	fail := func(err error) ([]queue.Entry, []byte, error) {
		return nil, scratch, fmt.Errorf("reading page %s: %w", streamID(id), err)
	}
	if len(record) < 2 {
		return fail(codec.ErrShort)
	}
	if record[0] != bundleVersion {
		return fail(fmt.Errorf("version %d is unknown: written by another Leadgate, or damaged", record[0]))
	}
	n, block := int(record[1]), record[2:]
	if len(pending) != n {
		return fail(fmt.Errorf("it has %d entries, and %d marks", n, len(pending)))
	}
	size, err := s2.DecodedLen(block)
	if err == nil && size > bundleLimit {
		err = errors.New("it is too large")
	}
	if err != nil {
		return fail(err)
	}
	if cap(scratch) < size {
		scratch = make([]byte, size)
	}
	rest, err := s2.Decode(scratch[:size], block)
	if err != nil {
		return fail(err)
	}
	var entries []queue.Entry
	for i := range n {
		var header, payload []byte
		if header, rest, err = measured(rest); err == nil {
			payload, rest, err = measured(rest)
		}
		if err != nil {
			return fail(err)
		}
		if pending[i] != '1' {
			continue
		}
		e := queue.Entry{Pos: entryPos(id, i+1), Payload: bytes.Clone(codec.OrNil(payload))}
		if e.Header, _, err = codec.DecodeHeader(header); err != nil {
			return fail(err)
		}
		entries = append(entries, e)
	}
	return entries, scratch, nil
}
