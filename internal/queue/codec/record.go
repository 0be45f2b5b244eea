package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
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

var errShortRecord = errors.New("record is cut short")

// appendHeader appends h's record:
//
//	version, event id (16 bytes), format, kind, contact, click key, time,
//	queued at - time, attribution, number of HTTP headers, their names and
//	values, meta
//
// What follows it, the payload, is decodeHeader's rest.
func appendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, headerVersion)
	dst = append(dst, h.EventID[:]...)
	dst = append(dst, byte(h.Format), h.Kind)
	dst = appendText(dst, h.Contact)
	dst = appendText(dst, h.ClickKey)
	dst = binary.AppendVarint(dst, h.Time)
	// The difference is small where both are known: two bytes for six.
	dst = binary.AppendVarint(dst, h.QueuedAt-h.Time)
	dst = binary.AppendUvarint(dst, uint64(h.Attribution))
	dst = binary.AppendUvarint(dst, uint64(len(h.HTTP)))
	for i := range h.HTTP {
		dst = appendText(dst, h.HTTP[i].Name)
		dst = appendText(dst, h.HTTP[i].Value)
	}
	return appendText(dst, h.Meta)
}

// recordFormat reads the format alone of a record that begins with a header; 0
// if it is cut short.
func recordFormat(record []byte) Format {
	const at = 1 + len(ID{})
	if len(record) <= at {
		return 0
	}
	return Format(record[at])
}

// decodeHeader reads what appendHeader wrote. The header keeps nothing of b;
// rest, the payload, is a slice of it.
func decodeHeader(b []byte) (h Header, rest []byte, err error) {
	r := reader{b: b}
	h = r.header()
	if r.err != nil {
		return Header{}, nil, fmt.Errorf("decoding header: %w", r.err)
	}
	return h, orNil(r.b), nil
}

// orNil makes nothing one thing, whatever it was cut from.
func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// appendDead appends a dead letter's record, payload included, without its ID
// and Dest, which are the key's:
//
//	version, attempts, first at, died at, reason, code, explanation, header,
//	payload
func appendDead(dst []byte, d *DeadLetter) []byte {
	dst = appendDeath(dst, d.Attempts, d.FirstAt, d.DiedAt, &d.Reason)
	dst = appendHeader(dst, &d.Header)
	return append(dst, d.Payload...)
}

// appendDeath appends what stands in a dead letter's record before the entry's
// own record, which can so be taken over as it is.
func appendDeath(dst []byte, attempts int, firstAt, diedAt int64, reason *Reason) []byte {
	dst = append(dst, deadVersion)
	dst = binary.AppendUvarint(dst, uint64(max(attempts, 0)))
	dst = binary.AppendVarint(dst, firstAt)
	dst = binary.AppendVarint(dst, diedAt)
	dst = appendText(dst, reason.Reason)
	dst = appendText(dst, reason.Code)
	return appendText(dst, reason.Explanation)
}

// decodeDead reads what appendDead wrote. Payload is a slice of b.
func decodeDead(b []byte) (DeadLetter, error) {
	d, entry, err := decodeDeath(b)
	if err != nil {
		return DeadLetter{}, err
	}
	d.Header, d.Payload, err = decodeHeader(entry)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("decoding dead letter: %w", err)
	}
	return d, nil
}

// decodeDeath reads a dead letter's record up to the entry's own record, a
// slice of b: enough for a filter and to put the entry back.
func decodeDeath(b []byte) (d DeadLetter, entry []byte, err error) {
	r := reader{b: b}
	r.version(deadVersion)
	d.Attempts = r.count()
	d.FirstAt, d.DiedAt = r.varint(), r.varint()
	d.Reason = Reason{Reason: r.text(), Code: r.text(), Explanation: r.text()}
	if r.err != nil {
		return DeadLetter{}, nil, fmt.Errorf("decoding dead letter: %w", r.err)
	}
	return d, r.b, nil
}

// appendRetry appends a retry state's record, without its Pos, which is the
// key's: version, attempts, first at, due - first at, reason.
func appendRetry(dst []byte, s *Retry) []byte {
	dst = append(dst, retryVersion)
	dst = binary.AppendUvarint(dst, uint64(max(s.Attempts, 0)))
	dst = binary.AppendVarint(dst, s.FirstAt)
	dst = binary.AppendVarint(dst, s.Due-s.FirstAt)
	return appendText(dst, s.Reason)
}

// decodeRetry reads what appendRetry wrote.
func decodeRetry(b []byte) (Retry, error) {
	r := reader{b: b}
	r.version(retryVersion)
	s := Retry{Attempts: r.count(), FirstAt: r.varint()}
	s.Due = s.FirstAt + r.varint()
	s.Reason = r.text()
	if r.err != nil {
		return Retry{}, fmt.Errorf("decoding retry state: %w", r.err)
	}
	return s, nil
}

// appendState appends a destination's state: version, flags (1 paused, 2
// parked), since, reason.
func appendState(dst []byte, s *State) []byte {
	var flags byte
	if s.Paused {
		flags |= 1
	}
	if s.Parked {
		flags |= 2
	}
	dst = append(dst, stateVersion, flags)
	dst = binary.AppendVarint(dst, s.Since)
	return appendText(dst, s.Reason)
}

// decodeState reads what appendState wrote.
func decodeState(b []byte) (State, error) {
	r := reader{b: b}
	r.version(stateVersion)
	flags := r.byte()
	s := State{Paused: flags&1 != 0, Parked: flags&2 != 0, Since: r.varint(), Reason: r.text()}
	if r.err != nil {
		return State{}, fmt.Errorf("decoding destination state: %w", r.err)
	}
	return s, nil
}

func appendText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// reader reads a record; after its first error it yields zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail(errShortRecord)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) version(known byte) {
	if v := r.byte(); r.err == nil && v != known {
		r.fail(fmt.Errorf("version %d is unknown: written by another Leadgate, or damaged", v))
	}
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errShortRecord)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail(errShortRecord)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) count() int {
	v := r.uvarint()
	if v > 1<<31-1 {
		r.fail(errors.New("number is out of range"))
		return 0
	}
	return int(v)
}

// bytes reads a byte string; nil for an empty one, as for one that is not there.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	return r.take(n)
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) header() (h Header) {
	r.version(headerVersion)
	copy(h.EventID[:], r.take(uint64(len(h.EventID))))
	h.Format, h.Kind = Format(r.byte()), r.byte()
	h.Contact, h.ClickKey = r.text(), r.text()
	h.Time = r.varint()
	h.QueuedAt = h.Time + r.varint()
	if v := r.uvarint(); v <= 1<<32-1 {
		h.Attribution = uint32(v)
	} else {
		r.fail(errors.New("number is out of range"))
	}
	// Each header takes two bytes at least: a length that can't be true
	// allocates nothing.
	n := r.count()
	if n > len(r.b)/2 {
		r.fail(errShortRecord)
		return h
	}
	if n > 0 {
		h.HTTP = make([]HTTPHeader, n)
		for i := range h.HTTP {
			h.HTTP[i] = HTTPHeader{Name: r.text(), Value: r.text()}
		}
	}
	h.Meta = append([]byte(nil), r.bytes()...)
	return h
}
