package queuetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// sharedTests are of events that go to several destinations, whose payload a store may
// keep once for all of them: it must be there for the last one, and go with it.
var sharedTests = []test{
	{name: "each destination goes its own way", run: func(s *suite) {
		dests := destinations(4)
		s.append(s.shared(dests, 1), s.shared(dests, 2), s.shared(dests, 3))
		s.payloads(3)
		a := s.drain(dests[0])
		s.check(a.Done(s.Context(), positions(a.all())))
		a.Close()
		b := s.drain(dests[1])
		at := positions(b.all())
		s.check(b.Dead(s.Context(), []queue.Death{
			{Pos: at[0], Reason: queue.Reason{Reason: "400"}}, {Pos: at[2], Reason: queue.Reason{Reason: "404"}},
		}))
		s.check(b.Done(s.Context(), at[1:2]))
		b.Close()
		s.reopen()
		s.holds(dests[0])
		s.holds(dests[1])
		s.holds(dests[2], 1, 2, 3)
		_, err := s.Queue.Drop(s.Context(), dests[2])
		s.check(err)
		s.payloads(3)
		last := s.drain(dests[3])
		entries := last.all()
		s.same(entries, 1, 2, 3)
		s.check(last.Done(s.Context(), positions(entries)))
		last.Close()
		s.payloads(2)
		s.deadAre(s.dead(queue.DeadFilter{}), 3, 1)
		s.reopen()
		_, err = s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Reason: "404"})
		s.check(err)
		s.payloads(2)
		_, err = s.Queue.DropDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		s.payloads(1)
		entries = s.holds(dests[1], 3)
		b = s.drain(dests[1])
		defer b.Close()
		s.check(b.Done(s.Context(), positions(entries)))
		s.check(b.Done(s.Context(), positions(entries))) // again: what is gone is gone
		s.payloads(0)
	}},
	{name: "with headers of their own", run: func(s *suite) {
		dests := destinations(3)
		g := s.shared(dests, 1)
		g.Jobs[1].Header.Format, g.Jobs[1].Header.Meta = queue.FormatConversion, []byte("LeadSubmitted")
		g.Jobs[2].Header.HTTP = []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}}
		s.append(g)
		s.payloads(1)
		s.reopen()
		for i, d := range dests {
			got := s.holds(d, 1)[0].Header
			want := g.Jobs[i].Header
			expect(s, "format", got.Format, want.Format)
			expect(s, "meta", string(got.Meta), string(want.Meta))
			expect(s, "HTTP headers", fmt.Sprint(got.HTTP), fmt.Sprint(want.HTTP))
			expect(s, "attribution", got.Attribution, want.Attribution)
		}
		for i, d := range slices.Backward(dests) {
			r := s.drain(d)
			s.check(r.Done(s.Context(), positions(r.all())))
			r.Close()
			s.payloads(min(i, 1))
		}
	}},
	{name: "after a crash", run: func(s *suite) {
		if s.Crash == nil {
			s.reopen()
			return
		}
		dests := destinations(2)
		s.append(s.shared(dests, 1), s.shared(dests, 2))
		s.Queue = s.Crash(s.T)
		s.payloads(2)
		for i, d := range dests {
			r := s.drain(d)
			entries := r.all()
			s.same(entries, 1, 2)
			s.check(r.Done(s.Context(), positions(entries[:1])))
			r.Close()
			s.Queue = s.Crash(s.T)
			s.payloads(2 - i)
		}
		for _, d := range dests {
			s.holds(d, 2)
		}
	}},
	{name: "some jobs are none", run: func(s *suite) {
		s.configure(func(o *queue.Options) { o.MaxBacklog = 1 })
		dests := destinations(4)
		s.append(s.group(dests[0], 1))
		g := s.shared(dests, 2)
		g.Jobs[1].Dead = &queue.Reason{Reason: "too old"}
		g.Jobs[2].Once = []queue.Once{{Key: "a", Window: day}}
		g.Jobs[3].Once = []queue.Once{{Key: "a", Window: day}}
		r := s.append(g)[0]
		expect(s, "outcomes", [4]queue.Admission(r.Jobs), [4]queue.Admission{queue.Overflow, queue.Died, queue.Queued, queue.Duplicate})
		s.payloads(1)
		s.deadAre(s.dead(queue.DeadFilter{Destination: dests[0].Name}), 2)
		s.deadAre(s.dead(queue.DeadFilter{Destination: dests[1].Name}), 2)
		_, err := s.Queue.DropDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		s.holds(dests[2], 2)
		s.payloads(1)
		_, err = s.Queue.Move(s.Context(), dests[2], n8n)
		s.check(err)
		s.payloads(1)
		s.holds(n8n, 2)
		_, err = s.Queue.Drop(s.Context(), n8n)
		s.check(err)
		s.payloads(0)
	}},
	{name: "twice to one destination", run: func(s *suite) {
		g := s.shared([]queue.Dest{crm, crm, n8n}, 1)
		s.append(g)
		entries := s.holds(crm, 1, 1)
		d := s.drain(crm)
		defer d.Close()
		s.check(d.Done(s.Context(), positions(entries[:1])))
		s.same(d.all(), 1)
		s.check(d.Done(s.Context(), positions(entries[1:])))
		s.holds(n8n, 1)
		s.payloads(1)
	}},
	{name: "erased", run: func(s *suite) {
		dests := destinations(3)
		g := s.shared(dests, 1)
		g.Jobs[0].Dead, g.Jobs[1].Dead = &queue.Reason{Reason: "x"}, &queue.Reason{Reason: "x"}
		s.append(g)
		n, err := s.Queue.Erase(s.Context(), tenant, g.Jobs[0].Header.Contact)
		s.check(err)
		expect(s, "erased", n, 2)
		s.payloads(1)
		s.holds(dests[2], 1)
	}},
	{name: "letters that expire", expiry: true, run: func(s *suite) {
		dests := destinations(2)
		g := s.shared(dests, 1)
		g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
		s.append(g)
		s.Clock.Advance(DefaultOptions().KeepDead + day)
		s.sweep()
		s.holds(dests[1], 1)
		d := s.drain(dests[1])
		defer d.Close()
		s.check(d.Done(s.Context(), positions(d.all())))
		s.payloads(0)
	}},
	{name: "counts once against max size", run: func(s *suite) {
		if s.NoMaxSize {
			s.payloads(0)
			return
		}
		s.configure(func(o *queue.Options) { o.MaxSize = 10_000 })
		dests := destinations(10)
		big := func(n int) queue.Group {
			g := s.shared(dests, n)
			g.Payloads[0] = bytes.Repeat([]byte{'x'}, 5000)
			return g
		}
		s.append(big(1))
		for i, d := range dests {
			if err := s.Queue.Append(s.Context(), []queue.Group{big(2)})[0].Err; !errors.Is(err, queue.ErrFull) {
				s.Fatalf("with %d of 10 delivered: %v, want %v", i, err, queue.ErrFull)
			}
			r := s.drain(d)
			s.check(r.Done(s.Context(), positions(r.all())))
			r.Close()
		}
		s.append(big(2))
	}},
}

// destinations are n of one tenant.
func destinations(n int) (list []queue.Dest) {
	for i := range n {
		list = append(list, queue.Dest{Tenant: tenant, Name: fmt.Sprintf("shared-%d", i)})
	}
	return list
}

// shared is event n with a job for each of these, of one payload.
func (s *suite) shared(dests []queue.Dest, n int) queue.Group {
	g := s.group(dests[0], n)
	for _, d := range dests[1:] {
		g.Jobs = append(g.Jobs, queue.Job{Dest: d, Events: []int{0}, Header: s.header(n)})
	}
	return g
}

// payloads checks how many payloads are kept that are of several destinations.
func (s *suite) payloads(want int) {
	s.Helper()
	if s.Payloads == nil {
		return
	}
	if got := s.Payloads(s.T); !s.PayloadsTogether || want == 0 {
		expect(s, "shared payloads", got, want)
	}
}
