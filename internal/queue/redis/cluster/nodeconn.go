package cluster

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
)

// dialNode makes a connection for work.
func (t *topology) dialNode(ctx context.Context, network, addr string) (net.Conn, error) {
	addr = nodeAddr(addr)
	c, err := t.dial(ctx, network, addr)
	if err != nil {
		t.failed()
		return nil, err
	}
	n := &nodeConn{Conn: c, forget: func(c net.Conn) {
		t.mu.Lock()
		if delete(t.conns[addr], c); len(t.conns[addr]) == 0 {
			delete(t.conns, addr)
		}
		t.mu.Unlock()
	}}
	var kept net.Conn = n
	if sys, ok := c.(syscall.Conn); ok {
		kept = &rawConn{n, sys} // so that go-redis sees whether it has ended
	}
	n.self = kept
	t.mu.Lock()
	if t.conns[addr] == nil {
		t.conns[addr] = map[net.Conn]bool{}
	}
	t.conns[addr][kept] = true
	t.mu.Unlock()
	return kept, nil
}

// nodeNamed is the address of the node that another names in a redirection, "" if that can't
// be told. A node that doesn't know its own host, or only by a loopback address, is on the
// host of the node that answered: here that would be another server, or none.
func (t *topology) nodeNamed(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if host != "" && host != "?" && !isLoopback(host) {
		return addr
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	found, here := "", false
	for known := range t.clients {
		h, p, _ := net.SplitHostPort(known)
		if p != port {
			continue
		}
		if found != "" && !(here && isLoopback(h)) {
			return ""
		}
		found, here = known, isLoopback(h)
	}
	return found
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// nodeConn is a connection to a node, which is known until it is closed.
type nodeConn struct {
	net.Conn
	self   net.Conn
	closed atomic.Bool
	forget func(net.Conn)
}

func (c *nodeConn) Close() error {
	if !c.closed.Swap(true) {
		c.forget(c.self)
	}
	return c.Conn.Close()
}

type rawConn struct {
	*nodeConn
	sys syscall.Conn
}

func (c *rawConn) SyscallConn() (syscall.RawConn, error) { return c.sys.SyscallConn() }
