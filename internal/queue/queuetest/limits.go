package queuetest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var onceTests = []test{
	{name: "window", expiry: true, run: func(s *suite) {
		lead := func(n int) queue.Group {
			g := s.group(crm, n)
			g.Jobs[0].Once = []queue.Once{{Key: "lead\n1234567890\nARAkLkA8rmlFeiCktEJQ", Window: day}}
			return g
		}
		expect(s, "first", s.outcome(lead(1)), queue.Queued)
		r := s.append(lead(2))[0]
		expect(s, "another event", r.Jobs[0], queue.Duplicate)
		expect(s, "the event itself is new", r.New[0], true)
		s.reopen()
		s.Clock.Advance(day - time.Minute)
		s.sweep()
		expect(s, "before the end", s.outcome(lead(3)), queue.Duplicate)
		s.Clock.Advance(2 * time.Minute)
		s.sweep()
		expect(s, "after the end", s.outcome(lead(4)), queue.Queued)
		expect(s, "and again", s.outcome(lead(5)), queue.Duplicate)
		s.holds(crm, 1, 4)
	}},
	{name: "any of several keys", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}, {Key: "b", Window: day}}
		expect(s, "first", s.outcome(g), queue.Queued)
		g = s.group(crm, 2)
		g.Jobs[0].Once = []queue.Once{{Key: "c", Window: day}, {Key: "b", Window: day}}
		expect(s, "one key known", s.outcome(g), queue.Duplicate)
		g = s.group(crm, 3)
		g.Jobs[0].Once = []queue.Once{{Key: "c", Window: day}}
		expect(s, "a duplicate's keys are not remembered", s.outcome(g), queue.Queued)
	}},
	{name: "shared by two events of a group", run: func(s *suite) {
		g := s.group(crm, 1, 2)
		for i := range g.Jobs {
			g.Jobs[i].Once = []queue.Once{{Key: "a", Window: day}}
		}
		r := s.append(g)[0]
		expect(s, "first", r.Jobs[0], queue.Queued)
		expect(s, "second", r.Jobs[1], queue.Duplicate)
		s.holds(crm, 1)
	}},
	{name: "a redelivery takes no key", run: func(s *suite) {
		g := s.group(crm, 1)
		s.append(g)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
		expect(s, "redelivery", s.outcome(g), queue.Duplicate)
		g = s.group(crm, 2)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
		expect(s, "the key is free", s.outcome(g), queue.Queued)
	}},
	{name: "look", run: func(s *suite) {
		job := func(n int, use queue.Use) queue.Admission {
			g := s.group(crm, n)
			g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day, Use: use}}
			return s.outcome(g)
		}
		expect(s, "look before", job(1, queue.Look), queue.Queued)
		expect(s, "look did not set it", job(2, queue.Look), queue.Queued)
		expect(s, "claim", job(3, queue.Claim), queue.Queued)
		expect(s, "look after", job(4, queue.Look), queue.Duplicate)
	}},
	{name: "mark", expiry: true, run: func(s *suite) {
		job := func(n int, use queue.Use) queue.Admission {
			g := s.group(crm, n)
			g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day, Use: use}}
			return s.outcome(g)
		}
		expect(s, "first mark", job(1, queue.Mark), queue.Queued)
		expect(s, "claim after it", job(2, queue.Claim), queue.Duplicate)
		s.Clock.Advance(day - time.Hour)
		expect(s, "a mark stops nothing", job(3, queue.Mark), queue.Queued)
		s.Clock.Advance(2 * time.Hour)
		s.sweep()
		expect(s, "the second mark counts from its own time", job(4, queue.Look), queue.Duplicate)
		s.Clock.Advance(day)
		s.sweep()
		expect(s, "after both", job(5, queue.Claim), queue.Queued)
		s.holds(crm, 1, 3, 5)
	}},
	{name: "a duplicate marks nothing", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
		s.append(g)
		g = s.group(crm, 2)
		g.Jobs[0].Once = []queue.Once{{Key: "b", Window: day, Use: queue.Mark}, {Key: "a", Window: day, Use: queue.Look}}
		expect(s, "stopped by a", s.outcome(g), queue.Duplicate)
		g = s.group(crm, 3)
		g.Jobs[0].Once = []queue.Once{{Key: "b", Window: day}}
		expect(s, "b is free", s.outcome(g), queue.Queued)
	}},
	{name: "what is remembered is known", run: func(s *suite) {
		remembers := func(tenant string, want ...bool) {
			s.Helper()
			known, err := s.Queue.Remembers(s.Context(), tenant, []string{"a", "b", "c"})
			s.check(err)
			expect(s, "a, b and c of "+tenant, fmt.Sprint(known), fmt.Sprint(want))
		}
		remembers(tenant, false, false, false)
		g := s.group(crm, 1)
		g.Jobs[0].Once = []queue.Once{
			{Key: "a", Window: day}, {Key: "b", Window: time.Hour, Use: queue.Mark}, {Key: "c", Window: day, Use: queue.Look},
		}
		s.append(g)
		remembers(tenant, true, true, false)
		remembers(other.Tenant, false, false, false)
		s.Clock.Advance(time.Hour)
		remembers(tenant, true, false, false)
		s.Clock.Advance(day - time.Hour)
		remembers(tenant, false, false, false)
		known, err := s.Queue.Remembers(s.Context(), tenant, nil)
		s.check(err)
		expect(s, "of none", len(known), 0)
	}},
	{name: "keys within a group", run: func(s *suite) {
		g := s.group(crm, 1, 2, 3)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day, Use: queue.Mark}}
		g.Jobs[1].Once = []queue.Once{{Key: "a", Window: day, Use: queue.Look}}
		g.Jobs[2].Once = []queue.Once{{Key: "a", Window: day, Use: queue.Mark}}
		r := s.append(g)[0]
		expect(s, "outcomes", [3]queue.Admission(r.Jobs), [3]queue.Admission{queue.Queued, queue.Duplicate, queue.Queued})
	}},
	{name: "siblings without the key", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
		s.append(g)
		g = s.group(crm, 2)
		g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
		g.Jobs = append(g.Jobs, queue.Job{Dest: n8n, Events: []int{0}, Header: s.header(2)})
		r := s.append(g)[0]
		expect(s, "with the key", r.Jobs[0], queue.Duplicate)
		expect(s, "without", r.Jobs[1], queue.Queued)
		s.holds(n8n, 2)
	}},
	{name: "another tenant's key", run: func(s *suite) {
		for i, d := range []queue.Dest{crm, other} {
			g := s.group(d, i)
			g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
			expect(s, d.Tenant, s.outcome(g), queue.Queued)
		}
	}},
}

func (s *suite) configure(change func(*queue.Options)) {
	o := DefaultOptions()
	change(&o)
	s.Queue.Configure(o)
}

var limitTests = []test{
	{name: "overflow", run: func(s *suite) {
		s.configure(func(o *queue.Options) { o.MaxBacklog = 3 })
		s.append(s.group(crm, 1, 2))
		g := s.group(crm, 3, 4)
		g.Jobs = append(g.Jobs, queue.Job{Dest: n8n, Events: []int{1}, Payload: 1, Header: s.header(4)})
		r := s.append(g)[0]
		expect(s, "outcomes", [3]queue.Admission(r.Jobs), [3]queue.Admission{queue.Queued, queue.Overflow, queue.Queued})
		entries := s.holds(crm, 1, 2, 3)
		s.holds(n8n, 4)
		letters := s.dead(queue.DeadFilter{Destination: crm.Name})
		s.deadAre(letters, 4)
		expect(s, "reason", letters[0].Reason.Reason, "overflow")
		expect(s, "destination", letters[0].Dest, crm)
		expect(s, "died at", letters[0].DiedAt, s.now())
		expect(s, "never tried", letters[0].Attempts == 0 && letters[0].FirstAt == 0, true)

		d := s.drain(crm)
		defer d.Close()
		s.check(d.Done(s.Context(), positions(entries[:1])))
		expect(s, "after one was delivered", s.outcome(s.group(crm, 5)), queue.Queued)
		expect(s, "redelivery of the overflow", s.outcome(s.group(crm, 4)), queue.Duplicate)
	}},
	{name: "overflow takes its once keys", run: func(s *suite) {
		s.configure(func(o *queue.Options) { o.MaxBacklog = 1 })
		s.append(s.group(crm, 1))
		for i, want := range []queue.Admission{queue.Overflow, queue.Duplicate} {
			g := s.group(crm, 2+i)
			g.Jobs[0].Once = []queue.Once{{Key: "a", Window: day}}
			expect(s, "outcome", s.outcome(g), want)
		}
	}},
	{name: "dead at once", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Dead = &queue.Reason{Reason: "too old", Code: "100/2804003", Explanation: "event_time is over 7 days old"}
		expect(s, "outcome", s.outcome(g), queue.Died)
		s.holds(crm)
		letters := s.dead(queue.DeadFilter{})
		s.deadAre(letters, 1)
		expect(s, "reason", letters[0].Reason, *g.Jobs[0].Dead)
		i := s.info(crm)
		expect(s, "counts", [2]int{i.Backlog, i.Dead}, [2]int{0, 1})
	}},
	{name: "unmatched are capped", run: func(s *suite) {
		const over = 7
		var batch []int
		for n := 1; n <= queue.UnmatchedKeep+over; n++ {
			batch = append(batch, n)
			if len(batch) < 1000 && n < queue.UnmatchedKeep+over {
				continue
			}
			g := s.group(queue.Unmatched, batch...)
			for i := range g.Jobs {
				g.Jobs[i].Dead = &queue.Reason{Reason: "unmatched"}
			}
			s.append(g)
			batch = batch[:0]
		}
		letters := s.dead(queue.DeadFilter{Destination: queue.Unmatched.Name})
		expect(s, "kept", len(letters), queue.UnmatchedKeep)
		expect(s, "newest", letters[0].Header.EventID, id(queue.UnmatchedKeep+over))
		expect(s, "oldest", letters[len(letters)-1].Header.EventID, id(over+1))
		expect(s, "counted", s.info(queue.Unmatched).Dead, queue.UnmatchedKeep)
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: queue.Unmatched.Name})
		s.check(err)
		expect(s, "replayed here", n, 0)
		n, err = s.Queue.DropDead(s.Context(), queue.DeadFilter{Destination: queue.Unmatched.Name, IDs: []string{letters[0].ID}})
		s.check(err)
		expect(s, "dropped", n, 1)
	}},
	{name: "max size", run: func(s *suite) {
		if s.NoMaxSize {
			s.Skip("the store has no max_size")
		}
		s.configure(func(o *queue.Options) { o.MaxSize = 10_000 })
		big := func(n, size int) queue.Group {
			g := s.group(crm, n)
			g.Payloads[0] = bytes.Repeat([]byte{'x'}, size)
			return g
		}
		s.append(big(1, 6000))
		results := s.Queue.Append(s.Context(), []queue.Group{s.group(n8n, 10), big(2, 6000), s.group(n8n, 11)})
		s.check(results[0].Err)
		s.check(results[2].Err)
		if !errors.Is(results[1].Err, queue.ErrFull) {
			s.Fatalf("over max_size: %v, want %v", results[1].Err, queue.ErrFull)
		}
		expect(s, "a redelivery when full", s.outcome(big(1, 6000)), queue.Duplicate)
		s.holds(n8n, 10, 11)

		// Full is full after reopening, dead letters count, and room is room.
		s.reopen()
		s.configure(func(o *queue.Options) { o.MaxSize = 10_000 })
		d := s.drain(crm)
		defer d.Close()
		entries := d.all()
		expect(s, "entries", len(entries), 1)
		s.check(d.Dead(s.Context(), []queue.Death{{Pos: entries[0].Pos, Attempts: 1, Reason: queue.Reason{Reason: "400"}}}))
		if err := s.Queue.Append(s.Context(), []queue.Group{big(2, 6000)})[0].Err; !errors.Is(err, queue.ErrFull) {
			s.Fatalf("over max_size by a dead letter: %v, want %v", err, queue.ErrFull)
		}
		n, err := s.Queue.DropDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		expect(s, "dropped", n, 1)
		expect(s, "refused before, stored now", s.outcome(big(2, 6000)), queue.Queued)
	}},
}
