package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// The version of each record.
const (
	headerVersion = 1
	tracedVersion = 2 // a header with a trace, which the one without has not
	deadVersion   = 1
	retryVersion  = 1
	keptVersion   = 2 // a retry state with a receipt or a note, which the one without has not
	stateVersion  = 1
	departVersion = 1
)

// AppendHeader appends h's record:
//
//	version, event id (16 bytes), format, kind, contact, click key, time,
//	queued at - time, attribution, number of HTTP headers, their names and
//	values, meta; in version 2, trace
//
// What follows it, the payload, is DecodeHeader's rest.
func AppendHeader(dst []byte, h *queue.Header) []byte {
	version := byte(headerVersion)
	if h.Trace != "" {
		version = tracedVersion
	}
	dst = append(dst, version)
	dst = append(dst, h.EventID[:]...)
	dst = append(dst, byte(h.Format), h.Kind)
	dst = AppendText(dst, h.Contact)
	dst = AppendText(dst, h.ClickKey)
	dst = binary.AppendVarint(dst, h.Time)
	// The difference is small where both are known: two bytes for six.
	dst = binary.AppendVarint(dst, h.QueuedAt-h.Time)
	dst = binary.AppendUvarint(dst, uint64(h.Attribution))
	dst = binary.AppendUvarint(dst, uint64(len(h.HTTP)))
	for i := range h.HTTP {
		dst = AppendText(dst, h.HTTP[i].Name)
		dst = AppendText(dst, h.HTTP[i].Value)
	}
	dst = AppendText(dst, h.Meta)
	if h.Trace != "" {
		dst = AppendText(dst, h.Trace)
	}
	return dst
}

// Format reads the format alone of a record that begins with a header; 0
// if it is cut short.
func Format(record []byte) queue.Format {
	const at = 1 + len(queue.ID{})
	if len(record) <= at {
		return 0
	}
	return queue.Format(record[at])
}

// DecodeHeader reads what AppendHeader wrote. The header keeps nothing of b;
// rest, the payload, is a slice of it.
func DecodeHeader(b []byte) (h queue.Header, rest []byte, err error) {
	r := Reader{Rest: b}
	h = r.Header()
	if r.Err != nil {
		return queue.Header{}, nil, fmt.Errorf("decoding header: %w", r.Err)
	}
	return h, OrNil(r.Rest), nil
}

// OrNil makes nothing one thing, whatever it was cut from.
func OrNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// AppendDeath appends what stands in a dead letter's record before the entry's own
// record (header, payload), which can so be taken over as it is:
//
//	version, attempts, first at, died at, reason, code, explanation
//
// Its ID and Dest are the key's.
func AppendDeath(dst []byte, attempts int, firstAt, diedAt int64, reason *queue.Reason) []byte {
	dst = append(dst, deadVersion)
	dst = binary.AppendUvarint(dst, uint64(max(attempts, 0)))
	dst = binary.AppendVarint(dst, firstAt)
	dst = binary.AppendVarint(dst, diedAt)
	dst = AppendText(dst, reason.Reason)
	dst = AppendText(dst, reason.Code)
	return AppendText(dst, reason.Explanation)
}

// DecodeDeath reads a dead letter's record up to the entry's own record, a
// slice of b: enough for a filter and to put the entry back.
func DecodeDeath(b []byte) (d queue.DeadLetter, entry []byte, err error) {
	r := Reader{Rest: b}
	r.Version(deadVersion)
	d.Attempts = r.Count()
	d.FirstAt, d.DiedAt = r.Varint(), r.Varint()
	d.Reason = queue.Reason{Reason: r.Text(), Code: r.Text(), Explanation: r.Text()}
	if r.Err != nil {
		return queue.DeadLetter{}, nil, fmt.Errorf("decoding dead letter: %w", r.Err)
	}
	return d, r.Rest, nil
}

// AppendRetry appends a retry state's record, without its Pos, which is the
// key's: version, attempts, first at, due - first at, reason; in version 2, receipt, note.
func AppendRetry(dst []byte, s *queue.Retry) []byte {
	kept := s.Receipt != "" || s.Note != ""
	version := byte(retryVersion)
	if kept {
		version = keptVersion
	}
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(max(s.Attempts, 0)))
	dst = binary.AppendVarint(dst, s.FirstAt)
	dst = binary.AppendVarint(dst, s.Due-s.FirstAt)
	dst = AppendText(dst, s.Reason)
	if kept {
		dst = AppendText(dst, s.Receipt)
		dst = AppendText(dst, s.Note)
	}
	return dst
}

// DecodeRetry reads what AppendRetry wrote.
func DecodeRetry(b []byte) (queue.Retry, error) {
	r := Reader{Rest: b}
	kept := len(b) > 0 && b[0] == keptVersion
	if kept {
		r.Version(keptVersion)
	} else {
		r.Version(retryVersion)
	}
	s := queue.Retry{Attempts: r.Count(), FirstAt: r.Varint()}
	s.Due = s.FirstAt + r.Varint()
	s.Reason = r.Text()
	if kept {
		s.Receipt, s.Note = r.Text(), r.Text()
	}
	if r.Err != nil {
		return queue.Retry{}, fmt.Errorf("decoding retry state: %w", r.Err)
	}
	return s, nil
}

// AppendState appends a destination's state: version, flags (1 paused, 2
// parked), since, reason.
func AppendState(dst []byte, s *queue.State) []byte {
	var flags byte
	if s.Paused {
		flags |= 1
	}
	if s.Parked {
		flags |= 2
	}
	dst = append(dst, stateVersion, flags)
	dst = binary.AppendVarint(dst, s.Since)
	return AppendText(dst, s.Reason)
}

// DecodeState reads what AppendState wrote.
func DecodeState(b []byte) (queue.State, error) {
	r := Reader{Rest: b}
	r.Version(stateVersion)
	flags := r.Byte()
	s := queue.State{Paused: flags&1 != 0, Parked: flags&2 != 0, Since: r.Varint(), Reason: r.Text()}
	if r.Err != nil {
		return queue.State{}, fmt.Errorf("decoding destination state: %w", r.Err)
	}
	return s, nil
}

// Header reads what AppendHeader wrote.
func (r *Reader) Header() (h queue.Header) {
	traced := len(r.Rest) > 0 && r.Rest[0] == tracedVersion
	if traced {
		r.Byte()
	} else {
		r.Version(headerVersion)
	}
	copy(h.EventID[:], r.Take(uint64(len(h.EventID))))
	h.Format, h.Kind = queue.Format(r.Byte()), r.Byte()
	h.Contact, h.ClickKey = r.Text(), r.Text()
	h.Time = r.Varint()
	h.QueuedAt = h.Time + r.Varint()
	if v := r.Uvarint(); v <= 1<<32-1 {
		h.Attribution = uint32(v)
	} else {
		r.Fail(errors.New("number is out of range"))
	}
	// Each header takes two bytes at least: a length that can't be true
	// allocates nothing.
	n := r.Count()
	if n > len(r.Rest)/2 {
		r.Fail(ErrShort)
		return h
	}
	if n > 0 {
		h.HTTP = make([]queue.HTTPHeader, n)
		for i := range h.HTTP {
			h.HTTP[i] = queue.HTTPHeader{Name: r.Text(), Value: r.Text()}
		}
	}
	h.Meta = append([]byte(nil), r.Bytes()...)
	if traced {
		h.Trace = r.Text()
	}
	return h
}
