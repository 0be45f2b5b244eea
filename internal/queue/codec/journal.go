package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/leadgate/leadgate/internal/queue"
)

const journalVersion = 1

// AppendJournal appends a contact's journal, and until when it is kept, ms. Redis's scripts
// read and write the same (lua/append_notes.lua), so its numbers are of a fixed length:
// version, till (a float of 8 bytes), and of each note its id (16 bytes), when (a float), data
// and outcome, each with its length (2 bytes) in front. All is big-endian.
func AppendJournal(dst []byte, j queue.Journal, till int64) []byte {
	dst = appendFloat(append(dst, journalVersion), till)
	for i := range j {
		dst = AppendNote(dst, &j[i])
	}
	return dst
}

// AppendNote appends a note as it stands in a journal.
func AppendNote(dst []byte, n *queue.Note) []byte {
	dst = appendFloat(append(dst, n.ID[:]...), n.At)
	for _, part := range [...][]byte{n.Data, n.Outcome} {
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(part))), part...)
	}
	return dst
}

func appendFloat(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(n)))
}

// DecodeJournal reads what AppendJournal wrote. What the notes hold are slices of b.
func DecodeJournal(b []byte) (j queue.Journal, till int64, err error) {
	r := Reader{Rest: b}
	r.Version(journalVersion)
	number := func() int64 {
		if b := r.Take(8); b != nil {
			return int64(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
		return 0
	}
	part := func() []byte {
		if b := r.Take(2); b != nil {
			return OrNil(r.Take(uint64(binary.BigEndian.Uint16(b))))
		}
		return nil
	}
	till = number()
	for len(r.Rest) > 0 {
		n := queue.Note{}
		copy(n.ID[:], r.Take(uint64(len(n.ID))))
		n.At, n.Data, n.Outcome = number(), part(), part()
		if len(n.Data) == 0 {
			r.Fail(errors.New("a note is of nothing"))
		}
		j = append(j, n)
	}
	if r.Err != nil {
		return nil, 0, fmt.Errorf("decoding journal: %w", r.Err)
	}
	return j, till, nil
}
