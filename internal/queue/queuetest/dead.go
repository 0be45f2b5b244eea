package queuetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

func contextEnded(s *suite) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	return ctx, cancel
}

// kill appends events to d and makes each a dead letter, a second apart.
func (s *suite) kill(d queue.Dest, reason string, n ...int) {
	s.Helper()
	r := s.drain(d)
	defer r.Close()
	for _, n := range n {
		s.append(s.group(d, n))
		entries := r.all()
		last := entries[len(entries)-1]
		s.Clock.Advance(time.Second)
		s.check(r.Dead(s.Context(), []queue.Death{{
			Pos: last.Pos, Attempts: 3, FirstAt: s.now() - 5000,
			Reason: queue.Reason{Reason: reason, Code: "404", Explanation: "check the URL"},
		}}))
	}
}

var deadTests = []test{
	{name: "a death", run: func(s *suite) {
		s.kill(crm, "404 Not Found", 1)
		s.reopen()
		letters := s.dead(queue.DeadFilter{})
		s.deadAre(letters, 1)
		l := letters[0]
		expect(s, "destination", l.Dest, crm)
		expect(s, "attempts", l.Attempts, 3)
		expect(s, "times", [2]int64{l.FirstAt, l.DiedAt}, [2]int64{s.now() - 5000, s.now()})
		expect(s, "reason", l.Reason, queue.Reason{Reason: "404 Not Found", Code: "404", Explanation: "check the URL"})
		expect(s, "contact", l.Header.Contact, s.header(1).Contact)
		expect(s, "has an id", l.ID != "", true)
		s.holds(crm)
		i := s.info(crm)
		expect(s, "counts", [2]int{i.Backlog, i.Dead}, [2]int{0, 1})
		expect(s, "redelivery", s.outcome(s.group(crm, 1)), queue.Duplicate)
	}},
	{name: "a death of what is gone", run: func(s *suite) {
		s.append(s.group(crm, 1))
		d := s.drain(crm)
		defer d.Close()
		at := positions(d.all())
		s.check(d.Done(s.Context(), at))
		s.check(d.Dead(s.Context(), []queue.Death{{Pos: at[0], Reason: queue.Reason{Reason: "x"}}}))
		s.check(d.Dead(s.Context(), nil))
		expect(s, "dead letters", len(s.dead(queue.DeadFilter{})), 0)
		expect(s, "counted", s.info(crm).Dead, 0)
	}},
	{name: "filter", run: func(s *suite) {
		s.kill(crm, "404 Not Found", 1, 2)
		s.kill(n8n, "expired", 3)
		since := s.now() + 1
		s.kill(crm, "expired", 4)
		s.deadAre(s.dead(queue.DeadFilter{}), 4, 3, 2, 1)
		s.deadAre(s.dead(queue.DeadFilter{Destination: crm.Name}), 4, 2, 1)
		s.deadAre(s.dead(queue.DeadFilter{Destination: "nobody"}))
		s.deadAre(s.dead(queue.DeadFilter{Reason: "expired"}), 4, 3)
		s.deadAre(s.dead(queue.DeadFilter{Reason: "expired", Destination: n8n.Name}), 3)
		s.deadAre(s.dead(queue.DeadFilter{Since: since}), 4)
		s.deadAre(s.dead(queue.DeadFilter{Limit: 2}), 4, 3)
		all := s.dead(queue.DeadFilter{})
		s.deadAre(s.dead(queue.DeadFilter{IDs: []string{all[1].ID, all[3].ID, "no-such-id"}}), 3, 1)
		s.deadAre(s.dead(queue.DeadFilter{IDs: []string{all[1].ID}, Destination: crm.Name}))
	}},
	{name: "of one tenant", run: func(s *suite) {
		theirs := queue.Dest{Tenant: other.Tenant, Name: crm.Name} // of the same name, and not taken over yet
		s.kill(crm, "x", 1)
		s.kill(other, "x", 2)
		s.append(s.group(crm, 3))
		s.Clock.Advance(time.Second)
		g := s.group(theirs, 4)
		g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
		s.append(g)
		g = s.group(queue.Unmatched, 5)
		g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
		s.append(g)
		s.deadAre(s.dead(queue.DeadFilter{Tenant: crm.Tenant}), 1)
		s.deadAre(s.dead(queue.DeadFilter{Tenant: crm.Tenant, Destination: other.Name}))
		s.deadAre(s.dead(queue.DeadFilter{Tenant: crm.Tenant, Destination: queue.Unmatched.Name}))
		s.deadAre(s.dead(queue.DeadFilter{Tenant: other.Tenant, Limit: 1}), 4)
		var ids []string
		for _, l := range s.dead(queue.DeadFilter{}) {
			ids = append(ids, l.ID)
		}
		expect(s, "letters of all", len(ids), 4)
		s.deadAre(s.dead(queue.DeadFilter{Tenant: crm.Tenant, IDs: ids}), 1)
		s.deadAre(s.dead(queue.DeadFilter{Tenant: "nobody", IDs: ids}))
		for _, change := range []func(context.Context, queue.DeadFilter) (int, error){s.Queue.ReplayDead, s.Queue.DropDead} {
			n, err := change(s.Context(), queue.DeadFilter{Tenant: crm.Tenant, Destination: other.Name})
			s.check(err)
			expect(s, "changed of another tenant's", n, 0)
			n, err = change(s.Context(), queue.DeadFilter{Tenant: "nobody", IDs: ids})
			s.check(err)
			expect(s, "changed of nobody's", n, 0)
		}
		n, err := s.Queue.DropDead(s.Context(), queue.DeadFilter{Tenant: other.Tenant, Destination: crm.Name})
		s.check(err)
		expect(s, "dropped", n, 1)
		s.deadAre(s.dead(queue.DeadFilter{Destination: crm.Name}), 1)
	}},
	{name: "paging", run: func(s *suite) {
		s.kill(crm, "x", 1, 2, 3, 4, 5)
		for _, destination := range []string{"", crm.Name} {
			var seen []queue.DeadLetter
			f := queue.DeadFilter{Destination: destination, Limit: 2}
			for {
				page := s.dead(f)
				if len(page) == 0 {
					break
				}
				seen = append(seen, page...)
				f.After = page[len(page)-1].ID
			}
			s.deadAre(seen, 5, 4, 3, 2, 1)
		}
		// A page's last letter may be gone when the next page is asked for.
		page := s.dead(queue.DeadFilter{Limit: 2})
		_, err := s.Queue.DropDead(s.Context(), queue.DeadFilter{IDs: []string{page[1].ID}})
		s.check(err)
		s.deadAre(s.dead(queue.DeadFilter{Limit: 2, After: page[1].ID}), 3, 2)
	}},
	{name: "bounded by bytes, and bare", run: func(s *suite) {
		g := s.group(crm, 1, 2, 3, 4)
		for i := range g.Jobs {
			g.Payloads[i], g.Jobs[i].Dead = bytes.Repeat([]byte{'x'}, 1000), &queue.Reason{Reason: "x"}
		}
		s.append(g)
		all := s.dead(queue.DeadFilter{})
		expect(s, "letters", len(all), 4)
		for bytes, want := range map[int]int{1: 1, 999: 1, 1000: 2, 2500: 3, 1 << 20: 4} {
			expect(s, fmt.Sprintf("letters to %d bytes", bytes), len(s.dead(queue.DeadFilter{Bytes: bytes})), want)
			expect(s, "no more than the limit", len(s.dead(queue.DeadFilter{Bytes: bytes, Limit: 2})), min(want, 2))
		}
		for i, l := range s.dead(queue.DeadFilter{Bare: true}) {
			expect(s, "bare", l.ID == all[i].ID && l.Reason == all[i].Reason && l.Payload == nil, true)
			expect(s, "header", l.Header.EventID, all[i].Header.EventID)
		}
	}},
	{name: "ids that a shell leaves alone", run: func(s *suite) {
		plain := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
		odd := []queue.Dest{crm, {Tenant: "a.b", Name: "c.d"}, {Tenant: "a", Name: "b.c.d"}, {Tenant: "-", Name: "1.-"}, queue.Unmatched}
		for n, d := range odd {
			g := s.group(d, n+1)
			g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
			s.append(g)
		}
		all := s.dead(queue.DeadFilter{})
		expect(s, "letters", len(all), 5)
		for _, l := range all {
			if !plain.MatchString(l.ID) {
				s.Fatalf("the id %q", l.ID)
			}
			found := s.dead(queue.DeadFilter{IDs: []string{l.ID}, Destination: l.Dest.Name})
			expect(s, "found by "+l.ID, len(found), 1)
			expect(s, "event", found[0].Header.EventID, l.Header.EventID)
			expect(s, "destination", found[0].Dest, l.Dest)
		}
	}},
	{name: "after what is no letter's id", run: func(s *suite) {
		for _, after := range []string{
			"x", "404 Not Found", "../1-2", "18446744073709551616-1", "acme/crm/zzzzzzzzzzzzzzzzzzzz", "4.acme.crm.zzzzzzzzzzzzzzzzzzzz",
			"99.acme.crm.01a21ac599c900000000", "-1.acme.crm.01a21ac599c900000000", "4.acme.01a21ac599c900000000",
		} {
			if _, err := s.Queue.Dead(s.Context(), queue.DeadFilter{After: after}); !errors.Is(err, queue.ErrInvalid) {
				s.Fatalf("after %q, of an empty store: %v, want %v", after, err, queue.ErrInvalid)
			}
		}
		s.kill(crm, "x", 1)
		if _, err := s.Queue.Dead(s.Context(), queue.DeadFilter{After: "x", Destination: crm.Name, Limit: 1}); !errors.Is(err, queue.ErrInvalid) {
			s.Fatalf("after x: %v, want %v", err, queue.ErrInvalid)
		}
	}},
	{name: "paging at one time", run: func(s *suite) {
		g := s.group(crm, 1, 2, 3)
		for i := range g.Jobs {
			g.Jobs[i].Dead = &queue.Reason{Reason: "x"}
		}
		s.append(g)
		letters := s.dead(queue.DeadFilter{})
		expect(s, "letters", len(letters), 3)
		expect(s, "different ids", letters[0].ID != letters[1].ID && letters[1].ID != letters[2].ID, true)
		rest := s.dead(queue.DeadFilter{After: letters[0].ID})
		expect(s, "after the first", len(rest), 2)
		expect(s, "order", rest[0].ID, letters[1].ID)
	}},
	{name: "keep_dead over all that there is", expiry: true, run: func(s *suite) {
		g := s.group(crm, upTo(100)...)
		for i := range g.Jobs {
			g.Payloads[i], g.Jobs[i].Dead = bytes.Repeat([]byte{'x'}, 2000), &queue.Reason{Reason: "x"}
		}
		s.append(g)
		s.reopen()
		s.Clock.Advance(31 * day)
		s.kill(n8n, "x", 200)
		s.sweep()
		s.deadAre(s.dead(queue.DeadFilter{}), 200)
		s.deadAre(s.dead(queue.DeadFilter{Destination: crm.Name}))
		s.kill(crm, "x", 201)
		s.deadAre(s.dead(queue.DeadFilter{}), 201, 200)
		expect(s, "counted", s.info(crm).Dead, 1)
	}},
	{name: "what is past keep_dead is not shown", expiry: true, run: func(s *suite) {
		s.kill(crm, "x", 1)
		s.Clock.Advance(30*day - 1)
		s.kill(crm, "x", 2) // a second later
		s.deadAre(s.dead(queue.DeadFilter{}), 2)
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		expect(s, "replayed", n, 1)
		s.holds(crm, 2)
	}},
	{name: "keep_dead", expiry: true, run: func(s *suite) {
		s.kill(crm, "x", 1)
		s.Clock.Advance(10 * day)
		s.kill(crm, "x", 2)
		s.Clock.Advance(20*day + time.Hour)
		s.sweep()
		s.deadAre(s.dead(queue.DeadFilter{}), 2)
		expect(s, "counted", s.info(crm).Dead, 1)
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		expect(s, "replayed", n, 1)
	}},
}
