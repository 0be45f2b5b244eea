package queuetest

import (
	"github.com/leadgate/leadgate/internal/queue"
)

// sealed is a group with one event, which a seal vouches for.
func (s *suite) sealed(n, seal int) queue.Group {
	g := s.group(crm, n)
	g.Events[0].Time, g.Events[0].Seal = 0, id(1000+seal)
	return g
}

var sealTests = []test{
	{name: "one event under a seal", expiry: true, run: func(s *suite) {
		expect(s, "first", s.outcome(s.sealed(1, 1)), queue.Queued)
		expect(s, "redelivery", s.outcome(s.sealed(1, 1)), queue.Duplicate)
		altered := s.sealed(2, 1)
		altered.Events[0].Contact = "whatsapp\n15551234567"
		altered.Events[0].Clicks = []queue.Click{{At: s.now(), Kind: queue.ClickClid, Data: []byte(`{"forged":true}`)}}
		r := s.append(altered)[0]
		expect(s, "another event", r.Jobs[0], queue.Duplicate)
		expect(s, "it is not new", r.New[0], false)
		clicks, err := s.Queue.Clicks(s.Context(), tenant, []string{"whatsapp\n15551234567"})
		if err != nil || len(clicks) != 1 || clicks[0].First != nil {
			s.Fatalf("clicks %q, %v", clicks, err)
		}
		s.reopen()
		s.Clock.Advance(7*day - 1)
		s.sweep()
		expect(s, "another event, later", s.outcome(s.sealed(3, 1)), queue.Duplicate)
		s.Clock.Advance(2 * day)
		s.sweep()
		expect(s, "after the window", s.outcome(s.sealed(4, 1)), queue.Queued)
		s.holds(crm, 1, 4)
	}},
	{name: "an id under a known seal is not remembered", run: func(s *suite) {
		s.append(s.sealed(1, 1))
		s.append(s.sealed(2, 1))
		expect(s, "the real one", s.outcome(s.sealed(2, 2)), queue.Queued)
		s.holds(crm, 1, 2)
	}},
	{name: "an event under two seals", run: func(s *suite) {
		s.append(s.sealed(1, 1))
		expect(s, "again, by another way", s.outcome(s.sealed(1, 2)), queue.Duplicate)
		expect(s, "another under the second seal", s.outcome(s.sealed(2, 2)), queue.Duplicate)
		s.holds(crm, 1)
	}},
	{name: "two events of a group under one seal", run: func(s *suite) {
		g := s.group(crm, 1, 2)
		g.Events[0].Seal, g.Events[1].Seal = id(1001), id(1001)
		expect(s, "new", [2]bool(s.append(g)[0].New), [2]bool{true, false})
		s.holds(crm, 1)
	}},
}
