//go:build unix

package faults

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// leaseOf is the key of a destination's lease, of the scenarios' tenant.
func leaseOf(name string) string { return "leadgate:{default}:l:" + name }

// forever is longer than any test: what waits for such a lease to end waits in vain.
const forever = int64(time.Hour / time.Millisecond)

// TestOwnLease kills the edge with kill -9 in the midst of its deliveries, and has its
// leases never end: the next process of its folder delivers all the same.
func TestOwnLease(t *testing.T) {
	t.Parallel()
	s, server := onRedis(t, "kill -9, the lease never ends", options{})
	s.run()
	for range form(2, 10) {
		s.senders.more(t, 50)
		s.moreDelivered(50)
		s.edges[0].Kill()
		s.noteKilled()
		before := map[string]any{}
		for _, name := range []string{crm, meta} {
			if before[name] = server.Do("GET", leaseOf(name)); before[name] == nil || server.Do("PTTL", leaseOf(name)).(int64) <= 0 {
				t.Fatalf("the dead edge has no lease of %s", name)
			}
			server.Do("PEXPIRE", leaseOf(name), forever)
		}
		began := time.Now()
		s.edges[0].Start()
		serves := time.Since(began)
		s.moreDelivered(1)
		t.Logf("the first delivery came %v after the start, %v after it served", time.Since(began), time.Since(began)-serves)
		for _, name := range []string{crm, meta} {
			edgetest.Until(t, "the lease of "+name+" is the new process's", func() bool {
				return server.Do("GET", leaseOf(name)) != before[name] && server.Do("PTTL", leaseOf(name)).(int64) < forever/2
			})
		}
	}
	s.finish()
}

// TestLeaseOfTheLiving stops an edge (SIGSTOP), has its lease never end, and starts another
// on the same data directory: the first is not dead, so nothing of it is taken. With a
// directory of its own, a new edge takes nothing either, be the first one dead.
func TestLeaseOfTheLiving(t *testing.T) {
	for name, sharing := range map[string]bool{"stopped, the same folder": true, "killed, another folder": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, always...)
			sink := newSink(t)
			block := "forward " + sink.URL + " {\n name " + crm + "\n}"
			first := newEdge(t, "queue redis "+server.URL(), block)
			second := newEdge(t, "queue redis "+server.URL(), block)
			first.Start()
			deliver := func(e *edge, n int) {
				t.Helper()
				body := webhook("15550000001", n, 1, "", 0)
				if status, err := e.Post(edgetest.Client, body, edgetest.Sign(body)); err != nil || status != 200 {
					t.Fatalf("webhook %d: %d %v", n, status, err)
				}
			}
			deliver(first, 0)
			edgetest.Until(t, "the first delivers", func() bool { return sink.delivered() == 1 })
			if sharing {
				second.Dir = first.Dir
				first.Signal(syscall.SIGSTOP)
			} else {
				first.Kill()
			}
			holder := server.Do("GET", leaseOf(crm))
			server.Do("PEXPIRE", leaseOf(crm), forever)
			second.Start()
			deliver(second, 1)
			looked := commandCalls(t, server, "evalsha")
			edgetest.Until(t, "the second has looked at the leases", func() bool { return commandCalls(t, server, "evalsha") > looked+2 })
			if now := server.Do("GET", leaseOf(crm)); now != holder || sink.delivered() != 1 {
				t.Fatalf("the lease was %v's and is %v's, %d delivered", holder, now, sink.delivered())
			}
			if said := strings.Contains(second.Said(), "this edge has no identity"); said != sharing {
				t.Errorf("it says that it has no identity: %v", said)
			}
			if sharing {
				first.Signal(syscall.SIGCONT)
			} else {
				server.Do("PEXPIRE", leaseOf(crm), 1)
			}
			edgetest.Until(t, "all is delivered", func() bool { return sink.delivered() == 2 })
		})
	}
}

// commandCalls is how often Redis was told a command.
func commandCalls(t *testing.T, server *redistest.Server, command string) (n int) {
	t.Helper()
	info, _ := server.Do("INFO", "commandstats").(string)
	for line := range strings.Lines(info) {
		if calls, ok := strings.CutPrefix(line, "cmdstat_"+command+":calls="); ok {
			if _, err := fmt.Sscanf(calls, "%d,", &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

// TestRedisAway has Redis be away for the edge that drains, in the midst of a backlog of
// which it has much in memory, until the other edge has taken over: its connections
// freeze, or are cut. What the first one has sent and could not settle is sent again, and
// that is at most what it may send at once.
func TestRedisAway(t *testing.T) {
	const perSecond = 350
	for name, c := range map[string]struct{ begin, end func(*way) }{
		"frozen": {(*way).freeze, (*way).thaw},
		"cut":    {(*way).sever, (*way).mend},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, always...)
			way := newWay(t, server.Addr)
			s := onRedisAt(t, name+" connections of the edge that drains", "queue redis redis://"+way.addr, server.Addr,
				options{edges: 2, perSecond: 2000, more: fmt.Sprintf("rate %d", perSecond)})
			s.edges[1].global = "queue redis " + server.URL()
			s.edges[1].Configure(s.edges[1].caddyfile(s.block("")))
			s.run()
			s.senders.more(t, 1500)
			s.senders.pace.SetLimit(20)
			if n := s.drainer(0); n != 0 {
				t.Fatalf("edge %d drains", n)
			}
			c.begin(way)
			before := s.delivered()[1]
			s.note(true) // a request to Meta holds what it holds
			edgetest.Until(t, "the other edge delivers", func() bool { return s.edges[1].Destinations()[crm].Delivered > before+perSecond })
			c.end(way)
			s.more = ""
			for _, e := range s.edges {
				e.load(s.block(""))
			}
			s.repeats = concurrency
			s.finish()
			if s.row.repeated > s.repeats {
				t.Errorf("%d deliveries were repeated, want at most %d", s.row.repeated, s.repeats)
			}
			if !strings.Contains(s.edges[0].Said(), "lost the lease of a destination to another edge") {
				t.Error("it does not say that it lost the lease")
			}
		})
	}
}

// TestRedisAwayForAMoment freezes, cuts and slows the connections of a lone edge: nobody
// takes over meanwhile, and so nothing is repeated.
func TestRedisAwayForAMoment(t *testing.T) {
	for name, c := range map[string]struct{ begin, end func(*way) }{
		"frozen": {(*way).freeze, (*way).thaw},
		"cut":    {(*way).sever, (*way).mend},
		"slow":   {func(w *way) { w.slow(20 * time.Millisecond) }, func(w *way) { w.slow(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, always...)
			way := newWay(t, server.Addr)
			s := onRedisAt(t, name+" connections of a lone edge", "queue redis redis://"+way.addr, server.Addr, options{})
			s.run()
			for range form(2, 10) {
				s.senders.more(t, 100)
				c.begin(way)
				if name == "slow" {
					s.senders.more(t, 100)
				} else {
					s.senders.moreRefused(t, contacts)
				}
				c.end(way)
			}
			s.finish()
			if s.row.repeated > 0 {
				t.Errorf("%d deliveries were repeated", s.row.repeated)
			}
		})
	}
}
