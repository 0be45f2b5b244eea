// Package body reads requests' bodies into pooled memory that grows with the
// bytes that came, and bounds what all of them hold together. It knows net/http
// alone. Begin with [Read].
package body

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Body is what has come of a request's body, or any other bytes that take as
// much. Its memory grows with the bytes that came, never with those that a client
// announced: until a body is verified, anybody can have sent it.
type Body struct {
	Data  []byte
	class int // index into sizes; len(sizes) for one that no pool holds
}

// sizes are the sizes that a body's memory grows by, in bytes: a usual webhook
// fits into the first.
var sizes = [...]int{4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20}

// pools hold memory by size, so that a small body never holds what a large one
// has left.
var pools [len(sizes)]sync.Pool

// New returns an empty body with room for n bytes, or for as many as the pools
// have at the most.
func New(n int) *Body {
	class := 0
	for class < len(sizes)-1 && sizes[class] < n {
		class++
	}
	return ofClass(class)
}

func ofClass(class int) *Body {
	if b, ok := pools[class].Get().(*Body); ok {
		return b
	}
	return &Body{Data: make([]byte, 0, sizes[class]), class: class}
}

// inFlight counts the bytes of bodies that this process holds, for all blocks
// and, while one takes over from another, for all configurations.
var inFlight atomic.Int64

// InFlight is how many bytes of bodies the process holds.
func InFlight() int64 { return inFlight.Load() }

// Landed takes the n bytes of a body that [Read] counted off what is in flight.
func Landed(n int) { inFlight.Add(-int64(n)) }

// The errors of [Read], beside those of the connection.
var (
	ErrTooLarge = errors.New("the body is larger than max_body")
	ErrBusy     = errors.New("the bodies of other requests take all of max_inflight_body: they come slowly or are too many")
)

// Read reads the whole body, at most limit bytes. It is [ErrBusy] before a byte
// is read, or later, where all bodies together have more than most bytes. The
// caller releases what it gets, and takes it off what is in flight, see [Landed].
func Read(r *http.Request, limit, most int64) (*Body, error) {
	if r.ContentLength > limit {
		return nil, discard(r, limit)
	}
	if inFlight.Load() >= most {
		return nil, ErrBusy
	}
	b := ofClass(0)
	fail := func(err error) (*Body, error) {
		Landed(len(b.Data))
		b.Release()
		return nil, err
	}
	for {
		n, err := r.Body.Read(b.Data[len(b.Data):cap(b.Data)])
		b.Data = b.Data[:len(b.Data)+n]
		busy := n > 0 && inFlight.Add(int64(n)) > most
		switch {
		case int64(len(b.Data)) > limit:
			_, _ = fail(nil) // before the rest is read
			return nil, discard(r, limit)
		case busy:
			return fail(ErrBusy)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return fail(err)
		}
		if len(b.Data) == cap(b.Data) {
			b = b.grown()
		}
	}
}

// discard reads as much again of a body that is too large, and forgets it: a
// client that is still sending when the connection closes sees a reset, and not
// the 413.
func discard(r *http.Request, limit int64) error {
	_, _ = io.CopyN(io.Discard, r.Body, limit)
	return ErrTooLarge
}

// grown is the same body with more room; b is given back.
func (b *Body) grown() *Body {
	class := b.class + 1
	var larger *Body
	if class < len(sizes) {
		larger = ofClass(class)
	} else {
		larger = &Body{Data: make([]byte, 0, 2*cap(b.Data)), class: len(sizes)}
	}
	larger.Data = append(larger.Data[:0], b.Data...)
	b.Release()
	return larger
}

// Release gives the memory back. Nothing may point into it any more.
func (b *Body) Release() {
	b.Data = b.Data[:0]
	if b.class < len(sizes) {
		pools[b.class].Put(b)
	}
}

// Abandon has the server answer without waiting for the rest of a body: it would
// read on before it writes, to keep the connection for another request.
func Abandon(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}
