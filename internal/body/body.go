package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// body is what has come of a request's body. Its memory grows with the bytes
// that came, never with those that a client announced: until a body is verified,
// anybody can have sent it.
type body struct {
	data  []byte
	class int // index into bodySizes; len(bodySizes) for one that no pool holds
}

// bodySizes are the sizes that a body's memory grows by, in bytes: a usual
// webhook fits into the first.
var bodySizes = [...]int{4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20}

// classFor is the smallest class with room for n bytes, the largest of all where
// none has.
func classFor(n int) int {
	class := 0
	for class < len(bodySizes)-1 && bodySizes[class] < n {
		class++
	}
	return class
}

// bodies are pools of memory by size, so that a small body never holds what a
// large one has left.
var bodies [len(bodySizes)]sync.Pool

func newBody(class int) *body {
	if b, ok := bodies[class].Get().(*body); ok {
		return b
	}
	return &body{data: make([]byte, 0, bodySizes[class]), class: class}
}

// inflight counts the bytes of bodies that this process holds, for all blocks
// and, while one takes over from another, for all configurations.
var inflight atomic.Int64

var (
	errTooLarge = errors.New("the body is larger than max_body")
	errBusy     = errors.New("the bodies of other requests take all of max_inflight_body: they come slowly or are too many")
)

// readBody reads the whole body, at most limit bytes. It is errBusy before a
// byte is read, or later, where all bodies together have more than most bytes.
// The caller releases what it gets, and takes it off inflight.
func readBody(r *http.Request, limit, most int64) (*body, error) {
	if r.ContentLength > limit {
		return nil, discard(r, limit)
	}
	if inflight.Load() >= most {
		return nil, errBusy
	}
	b := newBody(0)
	fail := func(err error) (*body, error) {
		b.landed()
		b.release()
		return nil, err
	}
	for {
		n, err := r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		busy := n > 0 && inflight.Add(int64(n)) > most
		switch {
		case int64(len(b.data)) > limit:
			_, _ = fail(nil) // before the rest is read
			return nil, discard(r, limit)
		case busy:
			return fail(errBusy)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return fail(err)
		}
		if len(b.data) == cap(b.data) {
			b = b.grown()
		}
	}
}

// discard reads as much again of a body that is too large, and forgets it: a
// client that is still sending when the connection closes sees a reset, and not
// the 413.
func discard(r *http.Request, limit int64) error {
	_, _ = io.CopyN(io.Discard, r.Body, limit)
	return errTooLarge
}

// grown is the same body with more room; b is given back.
func (b *body) grown() *body {
	class := b.class + 1
	var larger *body
	if class < len(bodySizes) {
		larger = newBody(class)
	} else {
		larger = &body{data: make([]byte, 0, 2*cap(b.data)), class: len(bodySizes)}
	}
	larger.data = append(larger.data[:0], b.data...)
	b.release()
	return larger
}

// landed takes the body off inflight, once.
func (b *body) landed() { inflight.Add(-int64(len(b.data))) }

// release gives the memory back. Nothing may point into it any more.
func (b *body) release() {
	b.data = b.data[:0]
	if b.class < len(bodySizes) {
		bodies[b.class].Put(b)
	}
}

// hurry answers without waiting for the rest of a body: a server would read on
// before it writes, to keep the connection for another request.
func hurry(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}
