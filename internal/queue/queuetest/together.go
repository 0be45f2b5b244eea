package queuetest

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// togetherTests are of events that came in one append, which a store may keep
// together: each must still go its own way.
var togetherTests = []test{
	{name: "read in steps and from anywhere", run: func(s *suite) {
		s.append(s.group(crm, upTo(150)...))
		d := s.drain(crm)
		defer d.Close()
		whole := d.all()
		s.same(whole, upTo(150)...)
		var steps []queue.Entry
		for after := (queue.Pos{}); ; after = steps[len(steps)-1].Pos {
			next, err := d.Read(s.Context(), after, 7, 1<<20)
			s.check(err)
			if steps = append(steps, next...); len(next) < 7 {
				break
			}
		}
		s.same(steps, upTo(150)...)

		// A read that fails or finds nothing must not make the next one skip any.
		ended, end := context.WithCancel(s.Context())
		end()
		for _, between := range []func(){
			func() { _, _ = d.Read(ended, whole[9].Pos, 100, 1<<20) },
			func() {
				none, err := d.Read(s.Context(), whole[149].Pos, 10, 1<<20)
				s.check(err)
				expect(s, "entries after the last", len(none), 0)
			},
		} {
			some, err := d.Read(s.Context(), queue.Pos{}, 10, 1<<20)
			s.check(err)
			s.same(some, upTo(10)...)
			between()
			some, err = d.Read(s.Context(), whole[9].Pos, 5, 1<<20)
			s.check(err)
			s.same(some, 11, 12, 13, 14, 15)
		}
		for _, i := range []int{0, 62, 63, 64, 100, 149} {
			rest, err := d.Read(s.Context(), whole[i].Pos, 200, 1<<20)
			s.check(err)
			s.same(rest, upTo(150)[i+1:]...)
		}
	}},
	{name: "each ends in its own way", run: func(s *suite) {
		s.append(s.group(crm, upTo(10)...), s.group(n8n, 20, 21))
		d := s.drain(crm)
		at := positions(d.all())
		s.check(d.Retry(s.Context(), []queue.Retry{
			{Pos: at[0], Attempts: 2, FirstAt: s.now(), Due: s.now() + 1000, Reason: "500"},
			{Pos: at[9], Attempts: 1, FirstAt: s.now(), Due: s.now() + 2000, Reason: "502"},
		}))
		s.check(d.Dead(s.Context(), []queue.Death{
			{Pos: at[4], Attempts: 1, Reason: queue.Reason{Reason: "404"}},
			{Pos: at[5], Attempts: 1, Reason: queue.Reason{Reason: "404"}},
		}))
		s.check(d.Done(s.Context(), at[1:4]))
		s.check(d.Done(s.Context(), append(slices.Clone(at[6:9]), at[2])))
		s.check(d.Dead(s.Context(), []queue.Death{{Pos: at[1], Reason: queue.Reason{Reason: "too late"}}}))
		s.check(d.Retry(s.Context(), []queue.Retry{{Pos: at[1], Attempts: 1}}))
		retries, err := d.Retries(s.Context())
		s.check(err)
		expect(s, "retries", len(retries), 2)
		d.Close()

		s.reopen()
		s.holds(crm, 1, 10)
		i := s.info(crm)
		expect(s, "backlog and dead", [2]int{i.Backlog, i.Dead}, [2]int{2, 2})
		s.deadAre(s.dead(queue.DeadFilter{}), 6, 5)

		moved, err := s.Queue.Move(s.Context(), crm, n8n)
		s.check(err)
		expect(s, "moved", moved, 4)
		d = s.drain(n8n)
		defer d.Close()
		entries := d.all()
		s.same(entries, 20, 21, 1, 10)
		retries, err = d.Retries(s.Context())
		s.check(err)
		expect(s, "retries at the new destination", len(retries), 0)
		s.check(d.Retry(s.Context(), []queue.Retry{{Pos: entries[2].Pos, Attempts: 1}, {Pos: entries[3].Pos, Attempts: 1}}))
		s.check(d.Done(s.Context(), positions(entries[1:3])))
		retries, err = d.Retries(s.Context())
		s.check(err)
		expect(s, "retries of what is left", len(retries), 1)
		expect(s, "retry of the last", retries[0].Pos, entries[3].Pos)
		expect(s, "backlog", s.info(n8n).Backlog, 2)
		n, err := s.Queue.Drop(s.Context(), n8n)
		s.check(err)
		expect(s, "dropped, with two dead letters", n, 4)
		s.append(s.group(n8n, 30, 31))
		expect(s, "backlog of a new start", s.info(n8n).Backlog, 2)
	}},
	{name: "some are known", run: func(s *suite) {
		s.append(s.group(crm, 2, 4))
		r := s.append(s.group(crm, 1, 2, 3, 4, 5), s.group(crm, 2, 4), s.group(crm, 5, 6))
		expect(s, "first group", [5]queue.Admission(r[0].Jobs), [5]queue.Admission{
			queue.Queued, queue.Duplicate, queue.Queued, queue.Duplicate, queue.Queued,
		})
		expect(s, "second group", [2]queue.Admission(r[1].Jobs), [2]queue.Admission{queue.Duplicate, queue.Duplicate})
		expect(s, "third group", [2]queue.Admission(r[2].Jobs), [2]queue.Admission{queue.Duplicate, queue.Queued})
		s.append(s.group(crm, upTo(6)...))
		s.holds(crm, 2, 4, 1, 3, 5, 6)
		expect(s, "backlog", s.info(crm).Backlog, 6)
	}},
	{name: "the last fill the backlog", run: func(s *suite) {
		opts := DefaultOptions()
		opts.MaxBacklog = 5
		s.Queue.Configure(opts)
		s.append(s.group(crm, 1, 2, 3))
		both := s.group(crm, 4, 5, 6)
		both.Jobs = append(both.Jobs, s.group(n8n, 4).Jobs...)
		r := s.append(both)[0]
		expect(s, "outcomes", [4]queue.Admission(r.Jobs), [4]queue.Admission{queue.Queued, queue.Queued, queue.Overflow, queue.Queued})
		s.holds(crm, 1, 2, 3, 4, 5)
		s.holds(n8n, 4)
		s.deadAre(s.dead(queue.DeadFilter{Reason: "overflow"}), 6)
		d := s.drain(crm)
		defer d.Close()
		s.check(d.Done(s.Context(), positions(d.all())[1:2]))
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		expect(s, "replayed into the room that there is", n, 1)
		expect(s, "backlog", s.info(crm).Backlog, 5)
	}},
	{name: "large and small ones stay in order", run: func(s *suite) {
		g := s.group(crm, 1, 2, 3)
		g.Payloads[1] = append(payload(2), make([]byte, 200_000)...)
		s.append(g, s.group(crm, 4, 5))
		entries := s.entries(crm)
		expect(s, "entries", len(entries), 5)
		var order []int
		for i := range entries {
			for n := 1; n <= 3; n++ {
				if entries[i].Header.EventID == id(n) {
					order = append(order, n)
				}
			}
		}
		expect(s, "order", [3]int(order), [3]int{1, 2, 3})
	}},
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i + 1
	}
	return list
}
