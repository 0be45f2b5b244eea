package queuetest

import (
	"errors"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// departed are the entries that stand in a drain's departures and are still there, in
// their order, and the departures' ids.
func (r *reader) departed() (entries []queue.Entry, ids []string) {
	r.s.Helper()
	left, err := r.Departures(r.s.Context())
	r.s.check(err)
	var at []queue.Pos
	for _, d := range left {
		at = append(at, d.Entries...)
		if d.ID != "" {
			ids = append(ids, d.ID)
		}
	}
	slices.SortFunc(at, func(a, b queue.Pos) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	entries, err = r.Get(r.s.Context(), slices.Compact(at))
	r.s.check(err)
	return entries, ids
}

// left appends events to d of which the first two depart, and whoever sent them dies.
func (s *suite) left(d queue.Dest) {
	s.Helper()
	s.append(s.group(d, 1, 2, 3))
	r := s.drain(d)
	_, err := r.Depart(s.Context(), positions(r.all())[:2])
	s.check(err)
	r.Close()
}

var departureTests = []test{
	{name: "a departure stands until it is forgotten", run: func(s *suite) {
		s.append(s.group(crm, 1, 2, 3))
		d := s.drain(crm)
		at := positions(d.all())
		id, err := d.Depart(s.Context(), []queue.Pos{at[1], at[0]})
		s.check(err)
		mine, err := d.Depart(s.Context(), at[2:])
		s.check(err)
		expect(s, "they differ", id != mine && id != "", true)
		if own, _ := d.departed(); len(own) != 0 {
			s.Fatalf("%d entries of its own are told to who sent them", len(own))
		}
		s.check(d.Forget(s.Context(), []string{mine}))
		d.Close()
		s.Clock.Advance(time.Second)

		d = s.drain(crm)
		found, ids := d.departed()
		s.same(found, 1, 2)
		expect(s, "notes", len(ids), 1)
		left, err := d.Departures(s.Context())
		s.check(err)
		expect(s, "when", left[0].At, s.now()-1000)
		s.check(d.Done(s.Context(), at[:1]))
		found, _ = d.departed()
		s.same(found, 2)
		s.check(d.Forget(s.Context(), ids))
		s.check(d.Forget(s.Context(), ids)) // again
		s.check(d.Forget(s.Context(), nil))
		if left, _ = d.Departures(s.Context()); len(left) != 0 {
			s.Fatalf("%d notes are left", len(left))
		}
		d.Close()
		s.holds(crm, 2, 3)
	}},
	{name: "a departure survives", run: func(s *suite) {
		s.left(crm)
		if s.Crash != nil {
			s.Queue = s.Crash(s.T)
		} else {
			s.reopen()
		}
		d := s.drain(crm)
		defer d.Close()
		found, _ := d.departed()
		s.same(found, 1, 2)
	}},
	{name: "many departures at once", run: func(s *suite) {
		const each = 100
		s.append(s.group(crm, upTo(8*each)...))
		d := s.drain(crm)
		at := positions(d.all())
		ids := make([]string, 8)
		run(8, func(w int) {
			var err error
			if ids[w], err = d.Depart(s.Context(), at[w*each:][:each]); err != nil {
				s.Error(err)
			}
		})
		run(4, func(w int) {
			if err := d.Forget(s.Context(), ids[w:w+1]); err != nil {
				s.Error(err)
			}
		})
		d.Close()
		d = s.drain(crm)
		defer d.Close()
		found, standing := d.departed()
		expect(s, "entries", len(found), 4*each)
		expect(s, "notes", len(standing), 4)
		expect(s, "the first", found[0].Pos, at[4*each])
	}},
	{name: "what died and came back has not departed", run: func(s *suite) {
		s.left(crm)
		d := s.drain(crm)
		defer d.Close()
		found, ids := d.departed()
		for _, e := range found {
			s.check(d.Dead(s.Context(), []queue.Death{{Pos: e.Pos, Reason: queue.Reason{Reason: "unconfirmed"}}}))
		}
		_, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Reason: "unconfirmed"})
		s.check(err)
		found, _ = d.departed()
		expect(s, "departed", len(found), 0)
		s.check(d.Forget(s.Context(), ids))
		s.same(d.all(), 3, 1, 2)
	}},
	{name: "a departure moves along", run: func(s *suite) {
		s.left(crm)
		s.append(s.group(n8n, 4))
		d := s.drain(n8n)
		defer d.Close()
		before, _ := d.Epoch()
		_, err := s.Queue.Move(s.Context(), crm, n8n)
		s.check(err)
		// Who drains must look before anything is sent.
		if _, err = d.Depart(s.Context(), positions(d.all())); err != nil && !errors.Is(err, queue.ErrLost) {
			s.Fatal(err)
		}
		d.until("another epoch", func() bool { e, ok := d.Epoch(); return ok && e != before })
		found, ids := d.departed()
		s.same(found, 1, 2)
		s.check(d.Forget(s.Context(), ids))
		found, _ = d.departed()
		expect(s, "departed", len(found), 0)
		_, err = d.Depart(s.Context(), positions(d.all()))
		s.check(err)
	}},
	{name: "a departure comes along to another tenant", run: func(s *suite) {
		s.left(crm)
		heir := queue.Dest{Tenant: "globex", Name: crm.Name}
		d := s.drain(heir)
		found, _ := d.departed()
		s.same(found, 1, 2)
		d.Close()
		// And when something came to the other one first.
		s.append(s.group(crm, 5))
		d = s.drain(crm)
		defer d.Close()
		found, ids := d.departed()
		s.same(found, 1, 2)
		s.same(d.all(), 1, 2, 3, 5)
		s.check(d.Forget(s.Context(), ids))
		found, _ = d.departed()
		expect(s, "departed", len(found), 0)
	}},
	{name: "a departure goes with its destination", run: func(s *suite) {
		s.left(crm)
		_, err := s.Queue.Drop(s.Context(), crm)
		s.check(err)
		s.append(s.group(crm, 4))
		d := s.drain(crm)
		defer d.Close()
		if left, _ := d.Departures(s.Context()); len(left) != 0 {
			s.Fatalf("%d notes of a destination that was dropped", len(left))
		}
	}},
	{name: "no departure without the right to drain", run: func(s *suite) {
		if s.Second == nil {
			s.Skip("the store belongs to one process")
		}
		s.append(s.group(crm, 1, 2))
		first := s.drain(crm)
		at := positions(first.all())
		id, err := first.Depart(s.Context(), at[:1])
		s.check(err)
		first.Close()
		second := s.Second(s.T)
		woken := make(chan struct{}, 1)
		heir := &reader{s: s, woken: woken, Drain: second.Drain(crm, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})}
		defer heir.Close()
		heir.until("the right that was given back", func() bool { _, ok := heir.Epoch(); return ok })
		if _, err := first.Depart(s.Context(), at); !errors.Is(err, queue.ErrLost) {
			s.Fatalf("a departure of a lost right: %v", err)
		}
		found, _ := heir.departed()
		s.same(found, 1)
		s.check(first.Forget(s.Context(), []string{id}))
		found, _ = heir.departed()
		expect(s, "departed", len(found), 0)
	}},
}
