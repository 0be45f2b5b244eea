package queuetest

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// renamed is crm as another tenant's: the same queue, since it has the same name.
var renamed = queue.Dest{Tenant: "initech", Name: crm.Name}

// tenantTests are of destinations whose name a configuration gives to another
// tenant.
var tenantTests = []test{
	{name: "a queue follows its name", run: func(s *suite) {
		const n = 700 // more than one step moves
		s.append(s.group(crm, upTo(n)...))
		s.append(s.group(crm, n+1)) // an entry of its own
		d := s.drain(crm)
		at := positions(d.all())
		s.check(d.Done(s.Context(), at[1:3]))
		retries := []queue.Retry{
			{Pos: at[0], Attempts: 2, FirstAt: s.now() - 5000, Due: s.now() + 1000, Reason: "500"},
			{Pos: at[n], Attempts: 3, FirstAt: s.now() - 9000, Due: s.now() + 2000, Reason: "502"},
		}
		s.check(d.Retry(s.Context(), retries))
		d.Close()
		s.kill(crm, "404 Not Found", n+2, n+3)
		paused := queue.State{Paused: true, Reason: "by an operator", Since: s.now()}
		s.check(s.Queue.SetState(s.Context(), crm, paused))
		oldest := s.info(crm).OldestAt

		// The new configuration's first webhooks come before it drains.
		s.Clock.Advance(time.Minute)
		s.append(s.group(renamed, n+4, n+5), s.group(renamed, n+6))
		early := s.group(renamed, n+7)
		early.Jobs[0].Dead = &queue.Reason{Reason: "x"}
		s.append(early)

		want := append([]int{1}, upTo(n + 1)[3:]...)
		want = append(want, n+4, n+5, n+6)
		for range 2 {
			d = s.drain(renamed)
			entries := d.all()
			s.same(entries, want...)
			state, err := d.State(s.Context())
			s.check(err)
			expect(s, "state", state, paused)
			found, err := d.Retries(s.Context())
			s.check(err)
			slices.SortFunc(found, func(a, b queue.Retry) int { return a.Attempts - b.Attempts })
			expect(s, "retries", len(found), 2)
			for i, e := range []queue.Entry{entries[0], entries[len(want)-4]} {
				retries[i].Pos = e.Pos
				expect(s, "retry", found[i], retries[i])
			}
			d.Close()
			s.deadAre(s.dead(queue.DeadFilter{Destination: crm.Name}), n+7, n+3, n+2)
			for _, l := range s.dead(queue.DeadFilter{}) {
				expect(s, "a dead letter's destination", l.Dest, renamed)
			}
			s.forgotten(crm)
			expect(s, "info", s.info(renamed), queue.Info{Dest: renamed, Backlog: len(want), Dead: 3, OldestAt: oldest, State: paused})
			s.reopen()
		}
		replayed, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: crm.Name})
		s.check(err)
		expect(s, "replayed", replayed, 3)
		d = s.drain(renamed)
		defer d.Close()
		entries := d.all()
		s.same(entries[len(want):], n+2, n+3, n+7)
		s.check(d.Done(s.Context(), positions(entries)))
		expect(s, "backlog", s.info(renamed).Backlog, 0)
	}},
	{name: "a queue that is drained follows later", run: func(s *suite) {
		s.append(s.group(crm, 1, 2))
		before := s.drain(crm)
		at := positions(before.all())
		after := s.waiting(renamed)
		s.append(s.group(renamed, 3)) // no right to read it yet
		if _, ok := after.Epoch(); ok {
			s.Fatal("a queue is drained in two places")
		}
		s.check(before.Done(s.Context(), at[:1])) // it was in flight
		before.Close()
		after.until("the queue", func() bool { _, ok := after.Epoch(); return ok })
		s.same(after.all(), 2, 3)

		// The old configuration's last webhooks.
		s.append(s.group(crm, 4, 5), s.group(crm, 6))
		after.until("what came late", func() bool { return len(after.all()) == 5 })
		s.same(after.all(), 2, 3, 4, 5, 6)
		s.check(after.Done(s.Context(), positions(after.all())))
		after.until("the old destination to be gone", func() bool {
			infos, err := s.Queue.Destinations(s.Context())
			s.check(err)
			return len(infos) == 1
		})
		after.Close()

		// And back.
		s.append(s.group(renamed, 7))
		back := s.drain(crm)
		defer back.Close()
		s.same(back.all(), 7)
	}},
	{name: "a newer state stays", run: func(s *suite) {
		old := queue.State{Parked: true, Reason: "190", Since: s.now()}
		s.check(s.Queue.SetState(s.Context(), crm, old))
		s.append(s.group(crm, 1))
		paused := queue.State{Paused: true, Reason: "by an operator", Since: s.now()}
		s.check(s.Queue.SetState(s.Context(), renamed, paused))
		s.drain(renamed).Close()
		expect(s, "state", s.info(renamed).State, paused)
		s.forgotten(crm)
	}},
	{name: "several tenants had it", run: func(s *suite) {
		third := queue.Dest{Tenant: "umbrella", Name: crm.Name}
		s.append(s.group(crm, 1, 2))
		s.append(s.group(renamed, 3))
		s.kill(renamed, "x", 4)
		s.append(s.group(third, 5))
		s.append(s.group(n8n, 6))
		d := s.drain(third)
		defer d.Close()
		entries := d.all()
		expect(s, "entries", len(entries), 4)
		expect(s, "the newest is last", entries[3].Header.EventID, id(5))
		s.deadAre(s.dead(queue.DeadFilter{Destination: crm.Name}), 4)
		s.forgotten(crm)
		s.forgotten(renamed)
		s.holds(n8n, 6)
	}},
	{name: "dropped while it waits", run: func(s *suite) {
		s.append(s.group(crm, 1, 2), s.group(renamed, 3))
		n, err := s.Queue.Drop(s.Context(), renamed)
		s.check(err)
		expect(s, "dropped", n, 1)
		s.append(s.group(renamed, 4))
		d := s.drain(renamed)
		defer d.Close()
		s.same(d.all(), 1, 2, 4)
	}},
	{name: "another edge drains it", run: func(s *suite) {
		if s.Second == nil {
			s.Skip("the store belongs to one process")
		}
		s.append(s.group(crm, 1, 2))
		first := s.drain(crm)
		second := s.Second(s.T)
		woken := make(chan struct{}, 1)
		after := &reader{s: s, woken: woken, Drain: second.Drain(renamed, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})}
		defer after.Close()
		for i, r := range second.Append(s.Context(), []queue.Group{s.group(renamed, 3)}) {
			expect(s, "outcome", r.Jobs[i], queue.Queued)
		}
		s.check(first.Done(s.Context(), positions(first.all())[:1]))
		if _, ok := after.Epoch(); ok {
			s.Fatal("two edges drain one queue")
		}
		first.Close()
		after.until("the other edge's queue", func() bool { _, ok := after.Epoch(); return ok })
		s.same(after.all(), 2, 3)
	}},
}
