// Package codec has what both durable stores write alike: the records of entries,
// dead letters, retries and states, and the hashes of keys. It knows the contract,
// package queue, and no store.
package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// The records of both stores. Each starts with a version byte, so that a file
// or a Redis written by a newer Leadgate is refused and not misread. Numbers
// are varints (zigzag where they may be negative), strings and byte strings
// have their length in front.
const (
	headerVersion = 1
	deadVersion   = 1
	retryVersion  = 1
	stateVersion  = 1
)

// ErrShort says that a record ends too early.
var ErrShort = errors.New("record is cut short")

// AppendHeader appends h's record:
//
//	version, event id (16 bytes), format, kind, contact, click key, time,
//	queued at - time, attribution, number of HTTP headers, their names and
//	values, meta
//
// What follows it, the payload, is DecodeHeader's rest.
func AppendHeader(dst []byte, h *queue.Header) []byte {
	dst = append(dst, headerVersion)
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
	return AppendText(dst, h.Meta)
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

// AppendDead appends a dead letter's record, payload included, without its ID
// and Dest, which are the key's:
//
//	version, attempts, first at, died at, reason, code, explanation, header,
//	payload
func AppendDead(dst []byte, d *queue.DeadLetter) []byte {
	dst = AppendDeath(dst, d.Attempts, d.FirstAt, d.DiedAt, &d.Reason)
	dst = AppendHeader(dst, &d.Header)
	return append(dst, d.Payload...)
}

// AppendDeath appends what stands in a dead letter's record before the entry's
// own record, which can so be taken over as it is.
func AppendDeath(dst []byte, attempts int, firstAt, diedAt int64, reason *queue.Reason) []byte {
	dst = append(dst, deadVersion)
	dst = binary.AppendUvarint(dst, uint64(max(attempts, 0)))
	dst = binary.AppendVarint(dst, firstAt)
	dst = binary.AppendVarint(dst, diedAt)
	dst = AppendText(dst, reason.Reason)
	dst = AppendText(dst, reason.Code)
	return AppendText(dst, reason.Explanation)
}

// DecodeDead reads what AppendDead wrote. Payload is a slice of b.
func DecodeDead(b []byte) (queue.DeadLetter, error) {
	d, entry, err := DecodeDeath(b)
	if err != nil {
		return queue.DeadLetter{}, err
	}
	d.Header, d.Payload, err = DecodeHeader(entry)
	if err != nil {
		return queue.DeadLetter{}, fmt.Errorf("decoding dead letter: %w", err)
	}
	return d, nil
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
// key's: version, attempts, first at, due - first at, reason.
func AppendRetry(dst []byte, s *queue.Retry) []byte {
	dst = append(dst, retryVersion)
	dst = binary.AppendUvarint(dst, uint64(max(s.Attempts, 0)))
	dst = binary.AppendVarint(dst, s.FirstAt)
	dst = binary.AppendVarint(dst, s.Due-s.FirstAt)
	return AppendText(dst, s.Reason)
}

// DecodeRetry reads what AppendRetry wrote.
func DecodeRetry(b []byte) (queue.Retry, error) {
	r := Reader{Rest: b}
	r.Version(retryVersion)
	s := queue.Retry{Attempts: r.Count(), FirstAt: r.Varint()}
	s.Due = s.FirstAt + r.Varint()
	s.Reason = r.Text()
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

// AppendText appends a string or byte string with its length in front.
func AppendText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// Reader reads the record in Rest; after its first error it yields zeros.
type Reader struct {
	Rest []byte
	Err  error
}

// Fail keeps the first error, after which nothing is left to read.
func (r *Reader) Fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
	r.Rest = nil
}

// Take reads n bytes, a slice of the record.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.Rest)) {
		r.Fail(ErrShort)
		return nil
	}
	b := r.Rest[:n:n]
	r.Rest = r.Rest[n:]
	return b
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Version reads the byte with which a record begins, and fails if it is not the known one.
func (r *Reader) Version(known byte) {
	if v := r.Byte(); r.Err == nil && v != known {
		r.Fail(fmt.Errorf("version %d is unknown: written by another Leadgate, or damaged", v))
	}
}

// Uvarint reads a number that is not negative.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 {
		r.Fail(ErrShort)
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Varint reads a number in zigzag.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.Rest)
	if n <= 0 {
		r.Fail(ErrShort)
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Count reads a number of things, below 2³¹.
func (r *Reader) Count() int {
	v := r.Uvarint()
	if v > 1<<31-1 {
		r.Fail(errors.New("number is out of range"))
		return 0
	}
	return int(v)
}

// Bytes reads a byte string; nil for an empty one, as for one that is not there.
func (r *Reader) Bytes() []byte {
	n := r.Uvarint()
	if n == 0 {
		return nil
	}
	return r.Take(n)
}

// Text reads a string.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Header reads what AppendHeader wrote.
func (r *Reader) Header() (h queue.Header) {
	r.Version(headerVersion)
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
	return h
}

// Elements is the length of a list. Each takes a byte at least: a length that
// can't be true allocates nothing.
func (r *Reader) Elements() int {
	n := r.Count()
	if n > len(r.Rest) {
		r.Fail(ErrShort)
		return 0
	}
	return n
}
