package queuetest

import (
	"bytes"
	"errors"

	"github.com/leadgate/leadgate/internal/queue"
)

var drainTests = []test{
	{name: "read limits", run: func(s *suite) {
		g := s.group(crm, 1, 2, 3, 4, 5)
		for i := range g.Payloads {
			g.Payloads[i] = bytes.Repeat([]byte{'x'}, 10_000)
		}
		s.append(g)
		d := s.drain(crm)
		defer d.Close()
		read := func(after queue.Pos, n, maxBytes int) []queue.Entry {
			s.Helper()
			entries, err := d.Read(s.Context(), after, n, maxBytes)
			s.check(err)
			return entries
		}
		first := read(queue.Pos{}, 2, 1<<20)
		expect(s, "by number", len(first), 2)
		expect(s, "first", first[0].Header.EventID, id(1))
		next := read(first[1].Pos, 2, 1<<20)
		expect(s, "next", next[0].Header.EventID, id(3))
		expect(s, "the rest", len(read(next[1].Pos, 10, 1<<20)), 1)
		expect(s, "at least one", len(read(queue.Pos{}, 10, 1)), 1)
		if n := len(read(queue.Pos{}, 10, 35_000)); n < 2 || n > 4 {
			s.Fatalf("%d entries of 10 kB for 35 kB", n)
		}
		expect(s, "after the last", len(read(read(next[1].Pos, 1, 1)[0].Pos, 10, 1<<20)), 0)
	}},
	{name: "an unknown destination is empty", run: func(s *suite) {
		d := s.drain(queue.Dest{Tenant: tenant, Name: "nobody"})
		defer d.Close()
		expect(s, "entries", len(d.all()), 0)
		entries, err := d.Get(s.Context(), []queue.Pos{{Seq: 1}})
		s.check(err)
		expect(s, "got", len(entries), 0)
		retries, err := d.Retries(s.Context())
		s.check(err)
		expect(s, "retries", len(retries), 0)
		state, err := d.State(s.Context())
		s.check(err)
		expect(s, "state", state, queue.State{})
		s.check(d.Done(s.Context(), []queue.Pos{{Seq: 1}}))
	}},
	{name: "get", run: func(s *suite) {
		s.append(s.group(crm, 1, 2, 3))
		d := s.drain(crm)
		defer d.Close()
		at := positions(d.all())
		s.check(d.Done(s.Context(), at[1:2]))
		entries, err := d.Get(s.Context(), at)
		s.check(err)
		s.same(entries, 1, 3)
		expect(s, "position", entries[1].Pos, at[2])
		entries, err = d.Get(s.Context(), nil)
		s.check(err)
		expect(s, "nothing asked for", len(entries), 0)
	}},
	{name: "payloads are the caller's own", run: func(s *suite) {
		s.append(s.group(crm, 1))
		d := s.drain(crm)
		defer d.Close()
		clear(d.all()[0].Payload)
		s.same(d.all(), 1)
	}},
	{name: "done", run: func(s *suite) {
		s.append(s.group(crm, 1, 2, 3, 4))
		d := s.drain(crm)
		at := positions(d.all())
		s.check(d.Done(s.Context(), []queue.Pos{at[2], at[0]}))
		s.check(d.Done(s.Context(), []queue.Pos{at[2]})) // again
		s.check(d.Done(s.Context(), nil))
		s.same(d.all(), 2, 4)
		expect(s, "backlog", s.info(crm).Backlog, 2)
		d.Close()
		s.reopen()
		s.holds(crm, 2, 4)
		expect(s, "backlog after reopening", s.info(crm).Backlog, 2)
		expect(s, "a delivered event's redelivery", s.outcome(s.group(crm, 1)), queue.Duplicate)
		s.append(s.group(crm, 5))
		s.holds(crm, 2, 4, 5)
	}},
	{name: "done at once by many", run: func(s *suite) {
		const workers, each = 8, 25
		n := make([]int, workers*each)
		for i := range n {
			n[i] = i
		}
		s.append(s.group(crm, n...))
		d := s.drain(crm)
		defer d.Close()
		at := positions(d.all())
		run(workers, func(w int) {
			for i := range each {
				if err := d.Done(s.Context(), at[w*each+i:][:1]); err != nil {
					s.Error(err)
				}
			}
		})
		expect(s, "left", len(d.all()), 0)
		i := s.info(crm)
		expect(s, "backlog and oldest", [2]int64{int64(i.Backlog), i.OldestAt}, [2]int64{})
	}},
	{name: "positions grow after a drain", run: func(s *suite) {
		s.append(s.group(crm, 1, 2))
		d := s.drain(crm)
		defer d.Close()
		entries := d.all()
		s.check(d.Done(s.Context(), positions(entries)))
		s.append(s.group(crm, 3))
		later, err := d.Read(s.Context(), entries[1].Pos, 10, 1<<20)
		s.check(err)
		s.same(later, 3)
	}},
	{name: "positions grow after a drain and reopening", run: func(s *suite) {
		s.append(s.group(crm, 1, 2))
		d := s.drain(crm)
		entries := d.all()
		s.check(d.Done(s.Context(), positions(entries)))
		d.Close()
		s.reopen()
		s.append(s.group(crm, 3))
		d = s.drain(crm)
		defer d.Close()
		later, err := d.Read(s.Context(), entries[1].Pos, 10, 1<<20)
		s.check(err)
		s.same(later, 3)
	}},
	{name: "retry", run: func(s *suite) {
		s.append(s.group(crm, 1, 2, 3))
		d := s.drain(crm)
		at := positions(d.all())
		first := queue.Retry{Pos: at[0], Attempts: 2, FirstAt: s.now() - 1500, Due: s.now() + 3000, Reason: "503 Service Unavailable"}
		second := queue.Retry{
			Pos: at[1], FirstAt: s.now(), Due: s.now() + 700, Reason: "asked later", Receipt: "a1b2\x00c3", Note: "again 1",
		}
		s.check(d.Retry(s.Context(), []queue.Retry{{Pos: at[0], Attempts: 1, FirstAt: first.FirstAt, Due: s.now()}, second}))
		s.check(d.Retry(s.Context(), []queue.Retry{first}))
		s.check(d.Retry(s.Context(), nil))
		d.Close()
		s.reopen()
		s.holds(crm, 1, 2, 3)
		d = s.drain(crm)
		defer d.Close()
		retries := func() map[queue.Pos]queue.Retry {
			s.Helper()
			list, err := d.Retries(s.Context())
			s.check(err)
			m := map[queue.Pos]queue.Retry{}
			for _, r := range list {
				m[r.Pos] = r
			}
			expect(s, "retries with different positions", len(m), len(list))
			return m
		}
		m := retries()
		expect(s, "retries", len(m), 2)
		expect(s, "first", m[at[0]], first)
		expect(s, "second", m[at[1]], second)

		// What is gone waits no longer, and what is gone can't be retried.
		s.check(d.Done(s.Context(), at[:1]))
		s.check(d.Dead(s.Context(), []queue.Death{{Pos: at[1], Attempts: 2, FirstAt: second.FirstAt, Reason: queue.Reason{Reason: "expired"}}}))
		s.check(d.Retry(s.Context(), []queue.Retry{first}))
		expect(s, "retries of what is gone", len(retries()), 0)
		s.same(d.all(), 3)
	}},
	{name: "wake", run: func(s *suite) {
		d, quiet := s.drain(crm), s.drain(n8n)
		for n := range 5 {
			s.append(s.group(crm, n))
			d.until("an append", func() bool { return len(d.all()) == n+1 })
		}
		expect(s, "the other destination's entries", len(quiet.all()), 0)
		d.Close()
		quiet.Close()
		// Nothing comes after Close has returned.
		select {
		case <-d.woken:
		default:
		}
		s.append(s.group(crm, 100))
		select {
		case <-d.woken:
			s.Fatal("woken after Close")
		default:
		}
	}},
	{name: "wake by a replay", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Dead = &queue.Reason{Reason: "404 Not Found"}
		s.append(g)
		d := s.drain(crm)
		defer d.Close()
		_, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: crm.Name})
		s.check(err)
		d.until("a replay", func() bool { return len(d.all()) == 1 })
	}},
	{name: "wake by a state", run: func(s *suite) {
		s.append(s.group(crm, 1))
		d := s.drain(crm)
		defer d.Close()
		want := queue.State{Paused: true, Reason: "by an operator", Since: s.now()}
		s.check(s.Queue.SetState(s.Context(), crm, want))
		d.until("a state", func() bool {
			state, err := d.State(s.Context())
			s.check(err)
			return state == want
		})
	}},
	{name: "epoch stays while nothing happens", run: func(s *suite) {
		d := s.drain(crm)
		defer d.Close()
		before, _ := d.Epoch()
		s.append(s.group(crm, 1))
		s.check(d.Done(s.Context(), positions(d.all())))
		after, ok := d.Epoch()
		expect(s, "epoch", after, before)
		expect(s, "ok", ok, true)
	}},
	{name: "epoch changes when entries are moved away", run: func(s *suite) {
		s.append(s.group(crm, 1))
		d := s.drain(crm)
		defer d.Close()
		before, _ := d.Epoch()
		_, err := s.Queue.Drop(s.Context(), crm)
		s.check(err)
		d.until("another epoch", func() bool { e, ok := d.Epoch(); return ok && e != before })
		s.append(s.group(crm, 2))
		s.same(d.all(), 2)
	}},
	{name: "one edge drains at a time", run: func(s *suite) {
		if s.Second == nil {
			s.Skip("the store belongs to one process")
		}
		first := s.drain(crm)
		second := s.Second(s.T)
		woken := make(chan struct{}, 1)
		waiting := &reader{s: s, woken: woken, Drain: second.Drain(crm, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})}
		defer waiting.Close()
		if _, ok := waiting.Epoch(); ok {
			s.Fatal("two edges drain one destination")
		}
		first.Close()
		waiting.until("the right that was given back", func() bool { _, ok := waiting.Epoch(); return ok })
		s.append(s.group(crm, 1, 2, 3))
		waiting.until("another edge's append", func() bool { return len(waiting.all()) == 3 })

		// What the first delivered before is told whoever drains; what failed there
		// is the second's to judge.
		at := positions(waiting.all())
		err := first.Retry(s.Context(), []queue.Retry{{Pos: at[0], Attempts: 7, FirstAt: s.now(), Due: s.now()}})
		expect(s, "a retry of a lost right", errors.Is(err, queue.ErrLost), true)
		err = first.Dead(s.Context(), []queue.Death{{Pos: at[1], Attempts: 7, FirstAt: s.now(), Reason: queue.Reason{Reason: "400"}}})
		expect(s, "a death of a lost right", errors.Is(err, queue.ErrLost), true)
		s.check(first.Done(s.Context(), at[2:]))
		s.same(waiting.all(), 1, 2)
		expect(s, "dead letters", len(s.dead(queue.DeadFilter{})), 0)
		retries, err := waiting.Retries(s.Context())
		s.check(err)
		expect(s, "retries", len(retries), 0)
		s.check(waiting.Retry(s.Context(), []queue.Retry{{Pos: at[0], Attempts: 1, FirstAt: s.now(), Due: s.now()}}))
		s.check(waiting.Dead(s.Context(), []queue.Death{{Pos: at[1], Attempts: 1, FirstAt: s.now(), Reason: queue.Reason{Reason: "400"}}}))
	}},
	{name: "what is gone neither fails nor dies, and holds up nothing", run: func(s *suite) {
		s.append(s.group(crm, 1, 2, 3, 4))
		d := s.drain(crm)
		defer d.Close()
		at := positions(d.all())
		s.check(d.Done(s.Context(), at[:1]))
		retry := func(p queue.Pos) queue.Retry {
			return queue.Retry{Pos: p, Attempts: 1, FirstAt: s.now(), Due: s.now(), Reason: "503"}
		}
		death := func(p queue.Pos) queue.Death {
			return queue.Death{Pos: p, Attempts: 1, FirstAt: s.now(), Reason: queue.Reason{Reason: "400"}}
		}
		s.check(d.Retry(s.Context(), []queue.Retry{retry(at[0]), retry(at[1])}))
		s.check(d.Dead(s.Context(), []queue.Death{death(at[0]), death(at[2])}))
		s.same(d.all(), 2, 4)
		retries, err := d.Retries(s.Context())
		s.check(err)
		expect(s, "retries", len(retries), 1)
		expect(s, "the one that is there", retries[0].Pos, at[1])
		dead := s.dead(queue.DeadFilter{})
		expect(s, "dead letters", len(dead), 1)
		expect(s, "the one that was there", dead[0].Header.EventID, id(3))
	}},
}
