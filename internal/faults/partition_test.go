package faults

import (
	"net"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// nowhere is where a way leads that is cut.
const nowhere = ""

// follow makes a server the replica of what an address leads to, and waits until it is.
func follow(t *testing.T, replica *redistest.Server, addr string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	replica.Do("REPLICAOF", host, port)
	role(t, replica.Addr, "master_link_status:up")
}

// TestOldMaster parts a master and an edge from the replica and another edge. The replica
// becomes a master, and the old one takes writes until the partition is over: then it
// is a replica of the new one, as sentinels and a Cluster have it, and forgets what
// it took. The sink is down meanwhile, which is the worst of it: nothing of that was
// delivered.
func TestOldMaster(t *testing.T) {
	for _, tt := range []struct {
		name    string
		server  []string
		options string
		refuses bool // the old master's edge, after a while
		loses   bool
		stops   bool // neither side acknowledges anything: the new master has no replica either
	}{
		{name: "old master still takes writes", loses: true},
		{name: "old master, min-replicas-to-write 1, max-lag 2", refuses: true, loses: true,
			server: []string{"--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"}},
		{name: "old master, wait 1", refuses: true, stops: true, options: " {\nwait 1\n}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			master := redistest.Start(t, append(tt.server, always...)...)
			replica := redistest.Start(t, always...)
			between, first, second := newWay(t, master.Addr), newWay(t, master.Addr), newWay(t, master.Addr)
			follow(t, replica, between.addr)
			s := onRedisAt(t, tt.name, "queue redis redis://"+first.addr+tt.options, replica.Addr, options{edges: 2, mayLose: true})
			s.edges[1].global = "queue redis redis://" + second.addr + tt.options
			s.edges[1].Configure(s.edges[1].caddyfile(s.block("")))
			s.run()
			s.senders.more(t, 100)
			s.sink.behave(isDown)
			s.senders.more(t, 50)

			before := s.senders.posted()
			between.freeze() // nobody is told that the other is gone
			replica.Do("REPLICAOF", "NO", "ONE")
			second.lead(replica.Addr)
			taken := func() int { return s.senders.posted() - before + contacts*3 } // with what was on its way to the replica
			meanwhile := 0
			if tt.refuses {
				s.senders.moreRefused(t, 2*contacts)
				meanwhile = taken()
			}
			if !tt.stops {
				s.senders.more(t, form(200, 1000))
			}
			if !tt.refuses {
				meanwhile = taken()
			}
			between.thaw()
			follow(t, master, replica.Addr)
			first.lead(replica.Addr)
			s.sink.behave(takes)
			s.senders.more(t, 50)
			s.finish()
			switch {
			case !tt.loses && s.row.lost > 0:
				t.Errorf("%d events are lost", s.row.lost)
			case s.row.lost > meanwhile:
				t.Errorf("%d events are lost: more than the %d that were acknowledged during the partition", s.row.lost, meanwhile)
			}
		})
	}
}

// TestNoInternet has the edge that drains see Redis, and not the destinations. It keeps
// its leases, since it cannot know whether another fares better: what it drains waits,
// in order, until the way is back or the edge is stopped, and then another takes over
// at once.
func TestNoInternet(t *testing.T) {
	t.Parallel()
	s, _ := onRedis(t, "two edges, one sees Redis and not the destinations", options{edges: 2})
	toSink, toMeta := newWay(t, s.sink.Listener.Addr().String()), newWay(t, strings.TrimPrefix(s.metaURL, "http://"))
	block := strings.NewReplacer(s.sink.URL, "http://"+toSink.addr, s.metaURL, "http://"+toMeta.addr).Replace(s.block(""))
	s.edges[0].Configure(s.edges[0].caddyfile(block))
	s.edges[0].Start()
	s.edges[1].Start()
	s.senders = send(t, contacts, s.perSecond, s.padding, s.edges)
	if n := s.drainer(0); n != 0 {
		t.Fatalf("edge %d drains", n)
	}
	sink, graph := s.sink.Listener.Addr().String(), strings.TrimPrefix(s.metaURL, "http://")
	for round := range form(2, 6) {
		s.senders.more(t, 100)
		toSink.lead(nowhere)
		toMeta.lead(nowhere)
		s.notePaused() // what was sent and not answered
		edgetest.Until(t, "the breaker opens", func() bool { return s.edges[0].Destinations()[crm].State == "open" })
		before := s.delivered()[1]
		s.senders.more(t, 100)
		if after := s.delivered()[1]; after != before {
			t.Errorf("the other edge delivered %d", after-before)
		}
		if round%2 == 1 {
			// By hand: the other takes over. Then this one drains again, to be cut off again.
			s.edges[0].End()
			s.moreDelivered(200)
			s.edges[0].Start()
			s.edges[1].End()
			s.edges[1].Start()
		}
		toSink.lead(sink)
		toMeta.lead(graph)
		s.moreDelivered(100)
	}
	s.finish()
}
