package queuetest

import (
	"errors"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var destinationTests = []test{
	{name: "info", run: func(s *suite) {
		infos, err := s.Queue.Destinations(s.Context())
		s.check(err)
		expect(s, "an empty store's destinations", len(infos), 0)
		s.append(s.group(crm, 1))
		oldest := s.now()
		s.Clock.Advance(time.Minute)
		s.append(s.group(crm, 2), s.group(other, 3))
		s.kill(n8n, "x", 4)
		expect(s, "crm", s.info(crm), queue.Info{Dest: crm, Backlog: 2, OldestAt: oldest})
		expect(s, "n8n", s.info(n8n), queue.Info{Dest: n8n, Dead: 1})
		expect(s, "globex", s.info(other).Backlog, 1)
		d := s.drain(crm)
		s.check(d.Done(s.Context(), positions(d.all())[:1]))
		d.Close()
		expect(s, "oldest moved on", s.info(crm).OldestAt, oldest+60_000)
		s.reopen()
		expect(s, "crm after reopening", s.info(crm), queue.Info{Dest: crm, Backlog: 1, OldestAt: oldest + 60_000})
		expect(s, "n8n after reopening", s.info(n8n), queue.Info{Dest: n8n, Dead: 1})
	}},
	{name: "state", run: func(s *suite) {
		paused := queue.State{Paused: true, Reason: "by an operator", Since: s.now()}
		parked := queue.State{Parked: true, Reason: "190: the token has expired", Since: s.now() - 5}
		s.check(s.Queue.SetState(s.Context(), crm, paused))
		s.check(s.Queue.SetState(s.Context(), n8n, parked))
		s.reopen()
		expect(s, "paused", s.info(crm).State, paused)
		d := s.drain(n8n)
		defer d.Close()
		state, err := d.State(s.Context())
		s.check(err)
		expect(s, "parked", state, parked)
		s.append(s.group(crm, 1))
		expect(s, "paused after an append", s.info(crm).State, paused)
		s.check(s.Queue.SetState(s.Context(), crm, queue.State{}))
		expect(s, "resumed", s.info(crm).State, queue.State{})
		s.holds(crm, 1)
	}},
	{name: "move", run: func(s *suite) {
		s.append(s.group(n8n, 1), s.group(crm, 2, 3))
		s.kill(crm, "x", 4, 5)
		n, err := s.Queue.Move(s.Context(), crm, n8n)
		s.check(err)
		expect(s, "moved", n, 4)
		s.holds(n8n, 1, 2, 3)
		letters := s.dead(queue.DeadFilter{Destination: n8n.Name})
		s.deadAre(letters, 5, 4)
		expect(s, "a letter's destination", letters[0].Dest, n8n)
		s.forgotten(crm)
		i := s.info(n8n)
		expect(s, "counts", [2]int{i.Backlog, i.Dead}, [2]int{3, 2})
		n, err = s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: n8n.Name})
		s.check(err)
		expect(s, "replayed", n, 2)
		s.holds(n8n, 1, 2, 3, 4, 5)
	}},
	{name: "move to a new destination", run: func(s *suite) {
		n := make([]int, 700)
		for i := range n {
			n[i] = i
		}
		s.append(s.group(crm, n...))
		fresh := queue.Dest{Tenant: tenant, Name: "fresh"}
		moved, err := s.Queue.Move(s.Context(), crm, fresh)
		s.check(err)
		expect(s, "moved", moved, len(n))
		s.reopen()
		s.holds(fresh, n...)
		s.forgotten(crm)
	}},
	{name: "drop", run: func(s *suite) {
		s.append(s.group(n8n, 1), s.group(crm, 2, 3))
		s.kill(crm, "x", 4)
		n, err := s.Queue.Drop(s.Context(), crm)
		s.check(err)
		expect(s, "dropped", n, 3)
		s.forgotten(crm)
		s.holds(crm)
		s.holds(n8n, 1)
		expect(s, "dead letters", len(s.dead(queue.DeadFilter{})), 0)
		expect(s, "redelivery of what was dropped", s.outcome(s.group(crm, 2)), queue.Duplicate)
		expect(s, "a new event", s.outcome(s.group(crm, 6)), queue.Queued)
		s.holds(crm, 6)
	}},
	{name: "what was dropped or moved has no state", run: func(s *suite) {
		for _, away := range []func() error{
			func() error { _, err := s.Queue.Drop(s.Context(), crm); return err },
			func() error { _, err := s.Queue.Move(s.Context(), crm, n8n); return err },
		} {
			s.append(s.group(crm, int(s.now()%1000)))
			s.check(s.Queue.SetState(s.Context(), crm, queue.State{Paused: true, Since: s.now()}))
			d := s.drain(crm)
			s.check(away())
			state, err := d.State(s.Context())
			s.check(err)
			expect(s, "state", state, queue.State{})
			d.Close()
			s.Clock.Advance(time.Millisecond)
		}
	}},
	{name: "not found", run: func(s *suite) {
		nobody := queue.Dest{Tenant: tenant, Name: "nobody"}
		if _, err := s.Queue.Drop(s.Context(), nobody); !errors.Is(err, queue.ErrNotFound) {
			s.Fatalf("dropping: %v, want %v", err, queue.ErrNotFound)
		}
		if _, err := s.Queue.Move(s.Context(), nobody, crm); !errors.Is(err, queue.ErrNotFound) {
			s.Fatalf("moving: %v, want %v", err, queue.ErrNotFound)
		}
		s.append(s.group(crm, 1))
		if _, err := s.Queue.Move(s.Context(), crm, other); err == nil {
			s.Fatal("moved to another tenant's destination")
		}
		if _, err := s.Queue.Move(s.Context(), crm, crm); err == nil {
			s.Fatal("moved to itself")
		}
		s.holds(crm, 1)
	}},
}

func (s *suite) forgotten(d queue.Dest) {
	s.Helper()
	infos, err := s.Queue.Destinations(s.Context())
	s.check(err)
	for _, i := range infos {
		if i.Dest == d {
			s.Fatalf("destination %v is still known: %+v", d, i)
		}
	}
}
