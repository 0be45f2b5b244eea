package queuetest

import (
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// twinTimes are how far the time that a second copy of an event carries is from
// that of the first: as two of a provider's webhooks, a clock that is wrong, and
// a provider that gives none.
var twinTimes = []struct {
	name  string
	apart time.Duration
}{
	{"0 ms", 0},
	{"123 ms", 123 * time.Millisecond},
	{"5 s", 5 * time.Second},
	{"9 min", 9 * time.Minute},
	{"11 min", 11 * time.Minute},
	{"1 h", time.Hour},
	{"1 day", day},
	{"6.9 days", 69 * day / 10},
	{"8 days", 8 * day},
	{"3 days ahead", -3 * day},
	{"a year ahead", -365 * day},
	{"none", 0},
}

// twin is a copy of event n, the i-th of twinTimes.
func (s *suite) twin(n, i int) queue.Group {
	g := s.group(crm, n)
	g.Events[0].Time = s.start - twinTimes[i].apart.Milliseconds()
	if twinTimes[i].name == "none" {
		g.Events[0].Time = 0
	}
	return g
}

// others stores n events that are no one's twin, of times before and after.
func (s *suite) others(from, n int) {
	s.Helper()
	for i := 0; i < n; i += 500 {
		g := queue.Group{Tenant: tenant}
		for k := i; k < min(i+500, n); k++ {
			ev := s.event(from + k)
			ev.Time += int64(k%100) * 1000 * 60
			g.Events = append(g.Events, ev)
		}
		for k, fresh := range s.append(g)[0].New {
			if !fresh {
				s.Fatalf("event %d is taken for another", from+i+k)
			}
		}
	}
}

// pairs calls f with every two of the times, and a number for their event.
func pairs(f func(n, a, b int)) {
	n := 1
	for a := range twinTimes {
		for b := range twinTimes {
			f(n, a, b)
			n++
		}
	}
}

// firsts stores the first copies of all pairs.
func (s *suite) firsts() {
	s.Helper()
	pairs(func(n, a, _ int) {
		if got := s.outcome(s.twin(n, a)); got != queue.Queued {
			s.Fatalf("first copy, time %s: %v", twinTimes[a].name, got)
		}
	})
}

// seconds checks that the second copies are known.
func (s *suite) seconds(when string) {
	s.Helper()
	pairs(func(n, a, b int) {
		if got := s.outcome(s.twin(n, b)); got != queue.Duplicate {
			s.Fatalf("%s: a copy of time %s, the first was %s: %v", when, twinTimes[b].name, twinTimes[a].name, got)
		}
	})
}

var idTests = []test{
	{name: "twins of other times", run: func(s *suite) {
		s.firsts()
		s.seconds("at once")
		expect(s, "entries", len(s.entries(crm)), len(twinTimes)*len(twinTimes))
	}},
	{name: "twins in one group and in one call", run: func(s *suite) {
		pairs(func(n, a, b int) {
			g, second := s.twin(n, a), s.twin(n, b)
			g.Events = append(g.Events, second.Events[0])
			g.Payloads = append(g.Payloads, second.Payloads[0])
			job := second.Jobs[0]
			job.Events, job.Payload = []int{1}, 1
			g.Jobs = append(g.Jobs, job)
			r := s.append(g)[0]
			if r.Jobs[0] != queue.Queued || r.Jobs[1] != queue.Duplicate {
				s.Fatalf("in a group, times %s and %s: %v", twinTimes[a].name, twinTimes[b].name, r.Jobs)
			}
			all := s.append(s.twin(1000+n, a), s.twin(1000+n, b))
			if all[0].Jobs[0] != queue.Queued || all[1].Jobs[0] != queue.Duplicate {
				s.Fatalf("in a call, times %s and %s: %v", twinTimes[a].name, twinTimes[b].name, all)
			}
		})
	}},
	{name: "twins with thousands between", run: func(s *suite) {
		s.others(10_000, 3000)
		s.firsts()
		s.others(20_000, 12_000)
		s.seconds("after thousands")
		s.reopen()
		s.others(40_000, 1000)
		for n := 10_000; n < 13_000; n += 500 {
			for k := n; k < n+500; k += 100 {
				expect(s, "an old one", s.append(queue.Group{Tenant: tenant, Events: []queue.Event{{ID: id(k)}}})[0].New[0], false)
			}
		}
	}},
	{name: "twins through the window", expiry: true, run: func(s *suite) {
		s.firsts()
		for d := range 7 {
			s.sweep()
			pairs(func(n, a, b int) {
				if d == n%7 {
					if got := s.outcome(s.twin(n, b)); got != queue.Duplicate {
						s.Fatalf("%d days later, a copy of time %s, the first was %s: %v", d, twinTimes[b].name, twinTimes[a].name, got)
					}
				}
			})
			s.others(50_000+d*1000, 300)
			if d == 3 {
				s.reopen()
			}
			s.Clock.Advance(day - time.Minute)
		}
		s.Clock.Advance(8 * day)
		s.sweep()
		s.others(60_000, 1)
		s.sweep()
		expect(s, "after twice the window", s.outcome(s.twin(1, 0)), queue.Queued)
		expect(s, "one without a time", s.outcome(s.twin(len(twinTimes), len(twinTimes)-1)), queue.Queued)
	}},
	{name: "an id counts from its event's time, if that is later", expiry: true, run: func(s *suite) {
		g := s.group(crm, 1)
		g.Events[0].Time = s.start + day.Milliseconds()
		s.append(g)
		s.Clock.Advance(8*day - time.Hour)
		s.sweep()
		expect(s, "within the window from then", s.outcome(g), queue.Duplicate)
	}},
	{name: "twins after the clock went back", run: func(s *suite) {
		for i, back := range []time.Duration{time.Millisecond, time.Second, 20 * time.Minute, 2 * time.Hour, 3 * day, 40 * day} {
			n := 100 * (i + 1)
			for k := range twinTimes {
				expect(s, "first", s.outcome(s.twin(n+k, k)), queue.Queued)
			}
			s.others(70_000+i*1000, 200)
			s.Clock.Advance(-back)
			for k := range twinTimes {
				if got := s.outcome(s.twin(n+k, (k+1)%len(twinTimes))); got != queue.Duplicate {
					s.Fatalf("%v back, the first copy's time was %s: %v", back, twinTimes[k].name, got)
				}
			}
			s.others(90_000+i*1000, 200)
			s.Clock.Advance(back)
			for k := range twinTimes {
				if got := s.outcome(s.twin(n+k, (k+2)%len(twinTimes))); got != queue.Duplicate {
					s.Fatalf("%v back and forth, the first copy's time was %s: %v", back, twinTimes[k].name, got)
				}
			}
		}
	}},
	{name: "twins after a crash", run: func(s *suite) {
		if s.Crash == nil {
			return
		}
		s.firsts()
		s.others(10_000, 5000)
		s.Queue = s.Crash(s.T)
		s.others(20_000, 100)
		s.seconds("after a crash")
	}},
	{name: "twins from two edges", run: func(s *suite) {
		if s.Second == nil {
			return
		}
		first, second := s.Queue, s.Second(s.T)
		pairs(func(n, a, b int) {
			s.Queue = first
			expect(s, "first", s.outcome(s.twin(n, a)), queue.Queued)
			if n%20 == 0 {
				s.others(10_000+n*100, 90)
			}
			s.Queue = second
			if got := s.outcome(s.twin(n, b)); got != queue.Duplicate {
				s.Fatalf("a copy of time %s, the first was %s: %v", twinTimes[b].name, twinTimes[a].name, got)
			}
		})
	}},
}
