package redis

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// A page is several entries of a destination that were queued in one call, as
// one entry of its stream: it costs Redis as little as one, and since events
// resemble each other, it compresses to an eighth of them.
//
//	page:   version, entries (1 byte each), an S2 block of the entries
//	entry:  header and payload, each with its length in front
//
// Which of its entries still wait, and which never did, since their events were
// known, is kept beside the stream: see pages.lua. A page stays until its
// last entry is gone, so what a failing event can hold on to is bounded.
const (
	pageVersion  = 1
	pageEntries  = 64
	pageBytes    = 256 << 10 // of entries, before they are compressed
	pagedPayload = 32 << 10  // a larger payload is an entry of its own
	pageLimit    = 4 << 20   // what no page comes near, headers of HTTP included
)

// pageWriter fills the pages of a pipeline's calls.
type pageWriter struct {
	open  []openPage // of each destination of the call
	done  []page
	first int // of the call
	arena []byte
	last  []byte // the entries of the page that was closed last
	same  page   // and that page
}

// openPage is where a destination's next entries go.
type openPage struct {
	paged   bool // the destination gets pages
	number  int  // in the call; 0 = none is open
	entries []byte
	header  int // length of the first entry's
	n       int
}

type page struct {
	dest          int
	header, bytes argument
}

func (w *pageWriter) reset() {
	clear(w.done)
	w.done, w.same, w.arena, w.last = w.done[:0], page{}, emptied(w.arena), emptied(w.last)
}

// begin starts a call with so many jobs for each destination. One alone needs no
// page.
func (w *pageWriter) begin(jobs []int, unpaged bool) {
	w.first = len(w.done)
	for len(w.open) < len(jobs) {
		w.open = append(w.open, openPage{})
	}
	for i := range w.open {
		w.open[i].paged = !unpaged && i < len(jobs) && jobs[i] > 1
		w.open[i].number, w.open[i].entries = 0, emptied(w.open[i].entries)
	}
}

// pageable says whether a group's jobs may be entries of pages. If one is too
// large, none is, so that they stay in order.
func pageable(g *queue.Group) bool {
	for _, p := range g.Payloads {
		if len(p) > pagedPayload {
			return false
		}
	}
	return true
}

// takes says whether a job of a group that may page becomes an entry of a page.
// What is a dead letter from the beginning is none.
func (w *pageWriter) takes(dest int, j *queue.Job) bool {
	return w.open[dest-1].paged && j.Dead == nil
}

// add puts an entry into the destination's page, and returns that page's number.
func (w *pageWriter) add(dest int, h *queue.Header, payload []byte) int {
	o := &w.open[dest-1]
	if o.number > 0 && (o.n == pageEntries || len(o.entries)+len(payload) > pageBytes) {
		w.close(o)
	}
	if o.number == 0 {
		w.done = append(w.done, page{dest: dest})
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

// close writes a page. Destinations often get the same, which is compressed once.
func (w *pageWriter) close(o *openPage) {
	p := &w.done[w.first+o.number-1]
	o.number = 0
	if w.same.bytes != nil && bytes.Equal(o.entries, w.last) {
		p.header, p.bytes = w.same.header, w.same.bytes
		return
	}
	start := len(w.arena)
	w.arena = append(w.arena, o.entries[4:4+o.header]...)
	p.header = w.arena[start:len(w.arena):len(w.arena)]
	start = len(w.arena)
	w.arena = append(w.arena, pageVersion, byte(o.n))
	w.arena = appendS2(w.arena, o.entries)
	p.bytes = w.arena[start:len(w.arena):len(w.arena)]
	w.same, w.last, o.entries = *p, o.entries, w.last[:0]
}

// appendS2 appends an S2 block.
func appendS2(dst, src []byte) []byte {
	dst = slices.Grow(dst, s2.MaxEncodedLen(len(src)))
	return dst[:len(dst)+len(s2.Encode(dst[len(dst):cap(dst)], src))]
}

// end closes what is open, and returns the call's pages.
func (w *pageWriter) end() []page {
	for i := range w.open {
		if w.open[i].number > 0 {
			w.close(&w.open[i])
		}
	}
	return w.done[w.first:]
}

// decodePage returns the entries of a page that marks has a "1" for, as entries
// of the stream's entry id. scratch is memory to use, and is returned to be used
// again; the entries keep nothing of it.
func decodePage(id queue.Pos, record []byte, marks string, scratch []byte) ([]queue.Entry, []byte, error) {
	fail := func(err error) ([]queue.Entry, []byte, error) {
		return nil, scratch, fmt.Errorf("reading page %s: %w", streamID(id), err)
	}
	if len(record) < 2 {
		return fail(codec.ErrShort)
	}
	if record[0] != pageVersion {
		return fail(fmt.Errorf("version %d is unknown: written by another Leadgate, or damaged", record[0]))
	}
	n, block := int(record[1]), record[2:]
	if len(marks) != n {
		return fail(fmt.Errorf("it has %d entries, and %d marks", n, len(marks)))
	}
	size, err := s2.DecodedLen(block)
	if err == nil && size > pageLimit {
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
		if marks[i] != '1' {
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

// measured takes a byte string that has its length in front.
func measured(b []byte) (s, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, codec.ErrShort
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, nil, codec.ErrShort
	}
	return b[:n], b[n:], nil
}
