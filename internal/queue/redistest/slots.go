package redistest

import (
	"context"
	"net"
	"testing"
)

// Slot is a slot of a Cluster that is being moved from one master to another, as
// redis-cli does it: key by key.
type Slot struct {
	From, To *Server

	tb    testing.TB
	nodes []*Server
	slot  any
}

// OpenSlot begins to move the slot of a key. From then on its node has what was not moved
// yet, and the other takes what it doesn't have.
func OpenSlot(tb testing.TB, nodes []*Server, key string, to *Server) *Slot {
	tb.Helper()
	s := &Slot{To: to, tb: tb, nodes: nodes, slot: nodes[0].Do("CLUSTER", "KEYSLOT", key)}
	for _, n := range nodes {
		if n.Addr == to.MasterOf(key) {
			s.From = n
		}
	}
	if s.From == nil || s.From == to {
		tb.Fatalf("the slot of %s is moved from nowhere to %s", key, to.Addr)
	}
	to.Do("CLUSTER", "SETSLOT", s.slot, "IMPORTING", s.From.ID())
	s.From.Do("CLUSTER", "SETSLOT", s.slot, "MIGRATING", to.ID())
	return s
}

// ID is what the nodes of a Cluster call this one.
func (s *Server) ID() string {
	s.tb.Helper()
	id, _ := s.Do("CLUSTER", "MYID").(string)
	return id
}

// Keys are the keys of the slot that a node has.
func (s *Slot) Keys(node *Server) (keys []string) {
	s.tb.Helper()
	list, _ := node.Do("CLUSTER", "GETKEYSINSLOT", s.slot, 100_000).([]any)
	for _, k := range list {
		key, _ := k.(string)
		keys = append(keys, key)
	}
	return keys
}

// Dumps are the keys of the slot that a node has, with what they hold.
func (s *Slot) Dumps(node *Server) map[string]string {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all := map[string]string{}
	for _, key := range s.Keys(node) {
		pipe := node.Client().Pipeline() // who asks for a key that is being moved there, must say so first
		pipe.Do(ctx, "ASKING")
		dump := pipe.Dump(ctx, key)
		if _, err := pipe.Exec(ctx); err != nil {
			s.tb.Fatalf("dumping %s: %v", key, err)
		}
		all[key] = dump.Val()
	}
	return all
}

// Move moves a key. Where the other node has one of that name, that is an error, and
// nobody may throw one of the two away.
func (s *Slot) Move(key string) {
	s.tb.Helper()
	host, port, err := net.SplitHostPort(s.To.Addr)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.From.Do("MIGRATE", host, port, key, 0, patience.Milliseconds())
}

// Close moves what is left, and ends the move.
func (s *Slot) Close() {
	s.tb.Helper()
	for keys := s.Keys(s.From); len(keys) > 0; keys = s.Keys(s.From) {
		for _, key := range keys {
			s.Move(key)
		}
	}
	s.To.Do("CLUSTER", "SETSLOT", s.slot, "NODE", s.To.ID())
	for _, n := range s.nodes {
		n.Do("CLUSTER", "SETSLOT", s.slot, "NODE", s.To.ID())
	}
}
