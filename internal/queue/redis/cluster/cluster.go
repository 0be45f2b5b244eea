// Package cluster is a client of a Redis Cluster that knows soon who keeps what, and follows
// what nodes say of their slots. A Cluster tells who keeps what when it is asked, and
// go-redis asks once a minute, or when a node says MOVED. A node that is dead or frozen says
// nothing. So any call that fails has the Cluster asked again at once, all of its nodes at
// the same time, and who knows of the newest election is believed (cluster.go). Calls that a
// node has not carried out are made again, elsewhere or a moment later (redirect.go).
//
// [New] makes one. What it could not have carried out fails by [ErrSplit] or [ErrMoved], of
// which [IsMoving] tells, and may be made again.
package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// topologyEvery is how old what is known of a Cluster may be when all goes well.
const topologyEvery = 10 * time.Second

// While calls fail it is asked so often, until none has failed for a while that is longer
// than a call may take: who waits for a frozen node is set free by that.
const (
	troubleEvery = 200 * time.Millisecond
	troubleLasts = 2 // times the timeout of a call
)

// topologyWait is how long other nodes' answers are waited for once there is one.
const topologyWait = 200 * time.Millisecond

// topology asks a Cluster who keeps what.
type topology struct {
	timeout time.Duration
	opt     redis.Options // of connections that ask
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	reload  func()
	trouble chan struct{} // calls fail
	quit    chan struct{}
	owner   sync.WaitGroup

	seeds map[string]bool // the nodes that the configuration names

	mu      sync.Mutex
	clients map[string]*redis.Client
	conns   map[string]map[net.Conn]bool // for work, by the address of the node
}

// Client closes its topology, too.
type Client struct {
	*redis.ClusterClient
	topology *topology
}

// Close closes the connections that ask the Cluster, too.
func (c *Client) Close() error {
	return errors.Join(c.ClusterClient.Close(), c.topology.close())
}

// Failed says that a call has failed, so that the Cluster is asked again.
func (c *Client) Failed() { c.topology.failed() }

// New makes a client of a Cluster of which these are nodes, that dials nothing yet. A
// call takes timeout at most.
func New(all []*redis.Options, timeout time.Duration) *Client {
	opt := all[0]
	if opt.TLSConfig != nil {
		// Of the first node only; each is checked by its own name.
		opt.TLSConfig = &tls.Config{
			MinVersion:         opt.TLSConfig.MinVersion,
			InsecureSkipVerify: opt.TLSConfig.InsecureSkipVerify, //nolint:gosec // only as the user's URL asks, by skip_verify
		}
	}
	t := &topology{
		trouble: make(chan struct{}, 1), quit: make(chan struct{}),
		timeout: timeout, dial: redis.NewDialer(opt),
		seeds: map[string]bool{}, clients: map[string]*redis.Client{}, conns: map[string]map[net.Conn]bool{},
	}
	t.opt = redis.Options{
		CredentialsProviderContext: opt.CredentialsProviderContext, MaxRetries: -1, DialerRetries: 1, PoolSize: 1,
		DialTimeout: opt.DialTimeout, ReadTimeout: opt.ReadTimeout, WriteTimeout: opt.WriteTimeout, ContextTimeoutEnabled: true,
		DisableIdentity: true, Protocol: 2, MaintNotificationsConfig: opt.MaintNotificationsConfig,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return t.dial(ctx, network, nodeAddr(addr))
		},
	}
	addrs := make([]string, len(all))
	for i, o := range all {
		addrs[i] = o.Addr
		t.seeds[nodeAddr(o.Addr)] = true
		t.client(o.Addr)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs, CredentialsProviderContext: opt.CredentialsProviderContext,
		// Redirections are followed here: go-redis would make the calls again, too, that
		// stand beside one that a node refuses for now.
		MaxRedirects: -1,
		MaxRetries:   -1, DialerRetries: opt.DialerRetries, DialTimeout: opt.DialTimeout,
		ReadTimeout: opt.ReadTimeout, WriteTimeout: opt.WriteTimeout, ContextTimeoutEnabled: true,
		DisableIdentity: true, Protocol: 2, PoolSize: opt.PoolSize, OnConnect: opt.OnConnect,
		MaintNotificationsConfig: opt.MaintNotificationsConfig,
		Dialer:                   t.dialNode, ClusterSlots: t.slots, ClusterStateReloadInterval: topologyEvery,
	})
	t.reload = func() { c.ReloadState(context.Background()) }
	t.owner.Go(t.keep)
	c.AddHook(topologyHook{t})
	c.AddHook(redirectHook{t})
	return &Client{c, t}
}

// nodeAddr is a node's address with a host: go-redis leaves out a loopback address.
func nodeAddr(addr string) string {
	if port, ok := strings.CutPrefix(addr, ":"); ok {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// client is the one that asks a node.
func (t *topology) client(addr string) *redis.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	addr = nodeAddr(addr)
	c := t.clients[addr]
	if c == nil {
		opt := t.opt
		opt.Addr = addr
		c = redis.NewClient(&opt)
		t.clients[addr] = c
	}
	return c
}

// failed says that a call has failed.
func (t *topology) failed() {
	select {
	case t.trouble <- struct{}{}:
	default:
	}
}

// keep has the Cluster asked again while calls fail.
func (t *topology) keep() {
	tick := time.NewTicker(troubleEvery)
	defer tick.Stop()
	var until time.Time
	for {
		select {
		case <-t.quit:
			return
		case <-t.trouble:
			if now := time.Now(); now.After(until) {
				t.reload()
			}
			until = time.Now().Add(troubleLasts * t.timeout)
		case <-tick.C:
			if time.Now().Before(until) {
				t.reload()
			}
		}
	}
}

func (t *topology) close() error {
	close(t.quit)
	t.owner.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []error
	for _, c := range t.clients {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}

// view is what a node says of the Cluster.
type view struct {
	slots []redis.ClusterSlot
	epoch int64 // of the newest election that it knows of
	err   error
}

// slots asks all nodes, and returns what the one says that knows most.
func (t *topology) slots(ctx context.Context) ([]redis.ClusterSlot, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	t.mu.Lock()
	answers := make(chan view, len(t.clients))
	for addr, c := range t.clients {
		go func() { answers <- ask(ctx, c, addr) }()
	}
	asked := len(t.clients)
	t.mu.Unlock()
	best := view{err: errors.New("no node of the Cluster answers")}
	var enough <-chan time.Time
	for range asked {
		select {
		case v := <-answers:
			if v.err == nil && (best.err != nil || v.epoch > best.epoch) {
				best = v
			}
			if v.err == nil && enough == nil {
				enough = time.After(topologyWait)
			}
			if best.err != nil {
				best.err = v.err
			}
			continue
		case <-enough:
		}
		break
	}
	if best.err != nil {
		return nil, best.err
	}
	t.learn(best.slots)
	return best.slots, nil
}

func ask(ctx context.Context, c *redis.Client, addr string) view {
	p := c.Pipeline()
	info, slots := p.ClusterInfo(ctx), p.ClusterSlots(ctx)
	_, _ = p.Exec(ctx) // each has its own error; CLUSTER INFO may be refused
	v := view{slots: slots.Val(), err: slots.Err()}
	if v.err == nil && len(v.slots) == 0 {
		v.err = errors.New("the node keeps nothing: it is in no Cluster, or the Cluster is not ready")
	}
	v.epoch, _ = strconv.ParseInt(server.Fields(info.Val())["cluster_current_epoch"], 10, 64)
	for i := range v.slots {
		for k := range v.slots[i].Nodes {
			v.slots[i].Nodes[k].Addr = seenFrom(addr, v.slots[i].Nodes[k].Addr)
		}
	}
	return v
}

// seenFrom completes a node's address by that of the node that told it, which doesn't
// know its own host, or its port for TLS, or is on another host than we are.
func seenFrom(origin, addr string) string {
	originHost, originPort, err := net.SplitHostPort(origin)
	host, port, err2 := net.SplitHostPort(addr)
	if err != nil || err2 != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || host == "?" || ip != nil && ip.IsLoopback() {
		host = originHost
	}
	if port == "0" {
		port = originPort
	}
	return net.JoinHostPort(host, port)
}

// learn notes who the nodes are. Who waits for a node that is master no more need not
// wait any longer: it may be frozen.
func (t *topology) learn(slots []redis.ClusterSlot) {
	masters, nodes := map[string]bool{}, map[string]bool{}
	for _, s := range slots {
		for i, n := range s.Nodes {
			t.client(n.Addr)
			nodes[nodeAddr(n.Addr)] = true
			if i == 0 {
				masters[nodeAddr(n.Addr)] = true
			}
		}
	}
	t.mu.Lock()
	var idle []io.Closer
	for addr, c := range t.clients {
		if !nodes[addr] && !t.seeds[addr] {
			delete(t.clients, addr)
			idle = append(idle, c)
		}
	}
	for addr, conns := range t.conns {
		if !masters[addr] {
			for c := range conns {
				idle = append(idle, c)
			}
		}
	}
	t.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}
