package codec

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// AppendDeparture appends a departure's record, without its ID, which is the key's:
//
//	version, at, and the entries' places in their order, as runs of such that follow
//	each other: how much later Ms is than in the run before, Seq, or how much later it
//	is where Ms is the same, how many more
//
// A thousand entries of a queue that nothing else was sent of are a few bytes.
func AppendDeparture(dst []byte, at int64, entries []queue.Pos) []byte {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b queue.Pos) int { return cmp.Or(cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.Seq, b.Seq)) })
	entries = slices.Compact(entries)
	dst = binary.AppendVarint(append(dst, departVersion), at)
	var last queue.Pos
	for len(entries) > 0 {
		first, n := entries[0], 1
		for n < len(entries) && entries[n] == (queue.Pos{Ms: first.Ms, Seq: first.Seq + uint64(n)}) {
			n++
		}
		seq := first.Seq
		if first.Ms == last.Ms {
			seq -= last.Seq
		}
		dst = binary.AppendUvarint(dst, first.Ms-last.Ms)
		dst = binary.AppendUvarint(dst, seq)
		dst = binary.AppendUvarint(dst, uint64(n-1))
		last, entries = entries[n-1], entries[n:]
	}
	return dst
}

// mostDeparting bounds the entries of a record that is damaged: no request holds as many.
const mostDeparting = 1 << 20

// DecodeDeparture reads what AppendDeparture wrote.
func DecodeDeparture(b []byte) (d queue.Departure, err error) {
	r := Reader{Rest: b}
	r.Version(departVersion)
	d.At = r.Varint()
	var last queue.Pos
	for len(r.Rest) > 0 {
		later, seq, more := r.Uvarint(), r.Uvarint(), r.Count()
		if len(d.Entries)+more >= mostDeparting {
			r.Fail(ErrShort)
		}
		if r.Err != nil {
			break
		}
		if later == 0 {
			seq += last.Seq
		}
		for i := range uint64(more) + 1 {
			d.Entries = append(d.Entries, queue.Pos{Ms: last.Ms + later, Seq: seq + i})
		}
		last = d.Entries[len(d.Entries)-1]
	}
	if r.Err != nil {
		return queue.Departure{}, fmt.Errorf("decoding departure: %w", r.Err)
	}
	return d, nil
}
