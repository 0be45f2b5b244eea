package faults

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// way is an address that leads to a server, and later to another. It can be frozen: then
// nothing goes either way, and no connection ends; cut: then there are no connections; and
// slow.
type way struct {
	addr string

	l     net.Listener
	owner sync.WaitGroup

	mu     sync.Mutex
	target string
	closed bool
	conns  map[net.Conn]bool
	frozen chan struct{} // closed when it is thawed; nil = it is not frozen
	cut    bool
	delay  time.Duration // of what goes either way
}

func newWay(t *testing.T, target string) *way {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{addr: l.Addr().String(), l: l, target: target, conns: map[net.Conn]bool{}}
	w.owner.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		w.closed = true
		w.melt()
		w.end()
		w.mu.Unlock()
		w.owner.Wait()
	})
	return w
}

// lead makes new connections go to another server, and ends those there are.
func (w *way) lead(target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = target
	w.end()
}

// freeze lets nothing through until thaw.
func (w *way) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = make(chan struct{})
}

// sever ends all connections, and those that are made, until mend.
func (w *way) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	w.end()
}

func (w *way) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// slow delays what goes either way.
func (w *way) slow(delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = delay
}

// thaw lets through what has come meanwhile, and all that comes.
func (w *way) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.melt()
}

func (w *way) melt() {
	if w.frozen != nil {
		close(w.frozen)
		w.frozen = nil
	}
}

// thawed waits while the way is frozen, and as long as it is slow.
func (w *way) thawed() {
	w.mu.Lock()
	frozen, delay := w.frozen, w.delay
	w.mu.Unlock()
	pass(delay)
	if frozen != nil {
		<-frozen
	}
}

// end ends all connections; w.mu is held.
func (w *way) end() {
	for c := range w.conns {
		c.Close()
	}
}

func (w *way) accept() {
	for {
		in, err := w.l.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		out, err := net.Dial("tcp", w.target)
		if err != nil || w.closed || w.cut {
			in.Close()
			if out != nil {
				out.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns[in], w.conns[out] = true, true
		w.mu.Unlock()
		w.owner.Go(func() { w.copy(in, out) })
		w.owner.Go(func() { w.copy(out, in) })
	}
}

func (w *way) copy(to, from net.Conn) {
	_, _ = io.Copy(slowly{to, w}, from)
	w.thawed() // an end is not told either
	to.Close()
	from.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, to)
	delete(w.conns, from)
}

// slowly writes what may go through.
type slowly struct {
	io.Writer
	way *way
}

func (s slowly) Write(p []byte) (int, error) {
	s.way.thawed()
	return s.Writer.Write(p)
}
