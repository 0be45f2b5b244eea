package apicall

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Body is a pooled request body. The transport may still hold a body after
// RoundTrip has returned, so the buffer goes back to the pool only when every
// reader is closed and the caller has let go.
type Body struct {
	Buf  []byte // to append to, before the first reader
	refs atomic.Int32
	read atomic.Bool // the transport has read all of it, so the platform may have the request, whatever comes after
}

var bodies = sync.Pool{New: func() any { return new(Body) }}

// NewBody takes an empty body from the pool.
func NewBody() *Body {
	p := bodies.Get().(*Body)
	p.Buf = p.Buf[:0]
	p.refs.Store(1)
	p.read.Store(false)
	return p
}

// Release lets go of the body.
func (p *Body) Release() {
	if p.refs.Add(-1) == 0 && cap(p.Buf) <= 4<<20 {
		bodies.Put(p)
	}
}

// Sent reports whether the transport has read all of it.
func (p *Body) Sent() bool { return p.read.Load() }

// Open makes a reader of the body.
func (p *Body) Open() io.ReadCloser {
	p.refs.Add(1)
	b := &reader{of: p}
	b.r.Reset(p.Buf)
	return b
}

// Of tells a request that was made with a reader of the body the rest: its length, and
// how to read it again.
func (p *Body) Of(req *http.Request) {
	req.ContentLength = int64(len(p.Buf))
	req.GetBody = func() (io.ReadCloser, error) { return p.Open(), nil }
}

// reader is one reading of a Body. Read and Close may come from different
// goroutines.
type reader struct {
	mu sync.Mutex
	r  bytes.Reader
	of *Body
}

// Read reads the next bytes; after Close it is at the end.
func (b *reader) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.r.Read(p)
	if b.of != nil && b.r.Len() == 0 {
		b.of.read.Store(true)
	}
	return n, err
}

// Close gives the buffer back.
func (b *reader) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of != nil {
		b.r.Reset(nil)
		b.of.Release()
		b.of = nil
	}
	return nil
}
