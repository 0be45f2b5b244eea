package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrShort says that a record ends too early.
var ErrShort = errors.New("record is cut short")

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

// Milliseconds reads a duration that was written as a signed number of milliseconds, and
// fails if it is negative or longer than a duration can be.
func (r *Reader) Milliseconds() time.Duration {
	v := r.Varint()
	if v < 0 || v > int64(math.MaxInt64/time.Millisecond) {
		r.Fail(errors.New("duration is out of range"))
		return 0
	}
	return time.Duration(v) * time.Millisecond
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
