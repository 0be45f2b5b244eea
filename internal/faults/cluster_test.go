package faults

import (
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// ofCluster is a key of the scenarios' tenant, whose keys are all in one slot.
const ofCluster = "leadgate:{default}:dests"

// TestClusterMasterKilled runs two edges on a Cluster and kills the master that keeps
// their tenant. Both are served again by the replica that takes its place. With wait 1
// that had all that was acknowledged; it has no replica itself then, so nothing more is
// acknowledged until the killed node is back as its replica.
func TestClusterMasterKilled(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options string
		loses   bool
	}{
		{name: "two edges, Cluster, killed master", loses: true},
		{name: "two edges, Cluster, killed master, wait 1", options: " {\nwait 1\n}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes := redistest.ReplicatedCluster(t, 3, always...)
			var urls []string
			for _, n := range nodes {
				urls = append(urls, n.URL())
			}
			// What was delivered and not yet noted on the replica is delivered again, so
			// repeats are not bounded here.
			s := begin(t, tt.name, "redis", "queue redis "+strings.Join(urls, " ")+tt.options, options{edges: 2, mayLose: true})
			s.run()
			for range form(1, 4) {
				s.senders.more(t, 150)
				master := masterOf(t, nodes, nodes[0])
				witness := nodes[slices.IndexFunc(nodes, func(n *redistest.Server) bool { return n != master })]
				master.Kill()
				edgetest.Until(t, "the Cluster has another master", func() bool {
					now := witness.MasterOf(ofCluster)
					return now != "" && now != master.Addr
				})
				if tt.loses {
					s.senders.more(t, 100) // without the killed node
				}
				master.Restart()
				role(t, master.Addr, "master_link_status:up")
				s.senders.more(t, 100)
			}
			s.finish()
			switch r := s.row; {
			case tt.loses && r.lost > r.events/10:
				t.Errorf("%d of %d events are lost: more than can have been on its way to the replica", r.lost, r.events)
			case !tt.loses && (r.lost > 0 || r.disordered > 0 || r.reported < r.clicks):
				t.Errorf("%d events are lost, %d out of order, and %d of %d clicks reported", r.lost, r.disordered, r.reported, r.clicks)
			}
		})
	}
}

// TestClusterSlotMoved has the tenant's slot moved from node to node under the load of two
// edges, as `redis-cli --cluster reshard` does it: nothing is lost or repeated.
func TestClusterSlotMoved(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3)
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.URL())
	}
	s := begin(t, "two edges, Cluster, slot moved", "redis", "queue redis "+strings.Join(urls, " "), options{edges: 2})
	s.run()
	for range form(2, 10) {
		s.senders.more(t, 100)
		from := masterOf(t, nodes, nodes[0])
		move := redistest.OpenSlot(t, nodes, ofCluster, nodes[slices.IndexFunc(nodes, func(n *redistest.Server) bool { return n != from })])
		for _, key := range move.Keys(from)[:2] {
			move.Move(key)
		}
		s.senders.moreRefused(t, contacts) // it takes long
		move.Close()
		s.senders.more(t, 100)
		s.moreDelivered(100)
	}
	s.finish()
}

// masterOf is the node that keeps the scenarios' tenant, by the word of another.
func masterOf(t *testing.T, nodes []*redistest.Server, witness *redistest.Server) *redistest.Server {
	t.Helper()
	addr := witness.MasterOf(ofCluster)
	i := slices.IndexFunc(nodes, func(n *redistest.Server) bool { return n.Addr == addr })
	if i < 0 {
		t.Fatalf("no node keeps %s", ofCluster)
	}
	return nodes[i]
}
