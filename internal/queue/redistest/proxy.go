package redistest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy is the way of one edge to a server, which can be cut, and on which answers can be
// late.
type Proxy struct {
	Addr string

	target string
	l      net.Listener
	owner  sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
	late  map[string]int
}

// NewProxy starts a proxy to addr; it ends with the test.
func NewProxy(tb testing.TB, addr string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: addr, l: l, conns: map[net.Conn]bool{}, late: map[string]int{}}
	p.owner.Go(p.accept)
	tb.Cleanup(func() {
		l.Close()
		p.Cut()
		p.owner.Wait()
	})
	return p
}

func (p *Proxy) accept() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil || !p.keep(in, out) {
			in.Close()
			if out != nil {
				out.Close()
			}
			continue
		}
		asked := make(chan struct{}, 1)
		p.owner.Go(func() {
			p.copy(asking{out, asked}, out, in)
			close(asked)
		})
		p.owner.Go(func() { p.copy(answering{in, p, asked}, in, out) })
	}
}

// asking tells that something is sent to the server.
type asking struct {
	server io.Writer
	asked  chan<- struct{}
}

func (a asking) Write(b []byte) (int, error) {
	select {
	case a.asked <- struct{}{}:
	default:
	}
	return a.server.Write(b)
}

// answering holds back what is late.
type answering struct {
	client io.Writer
	p      *Proxy
	asked  <-chan struct{}
}

func (a answering) Write(b []byte) (int, error) {
	if a.p.isLate(string(b)) {
		<-a.asked // what it answers
		<-a.asked // something else, or the end
	}
	return a.client.Write(b)
}

// Late has the next answers that are this one, n of them, come too late: when who has asked
// sends something else.
func (p *Proxy) Late(answer string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late[answer] = n
}

// ToBeLate is how many of these answers are yet to be late.
func (p *Proxy) ToBeLate(answer string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late[answer]
}

func (p *Proxy) isLate(answer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late[answer] == 0 {
		return false
	}
	p.late[answer]--
	return true
}

// copy copies by way of a writer to one end what the other sends.
func (p *Proxy) copy(way io.Writer, to, from net.Conn) {
	_, _ = io.Copy(way, from)
	to.Close()
	from.Close()
	p.mu.Lock()
	delete(p.conns, to)
	delete(p.conns, from)
	p.mu.Unlock()
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return !p.cut
}

// Cut ends all connections and lets none in.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.conns {
		c.Close()
	}
}

// Heal lets connections in again.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}
