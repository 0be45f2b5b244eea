package queuetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

const ad = "120210000000000001"

func (s *suite) today() int64 { return s.now() / day.Milliseconds() }

// counted returns a group with a counter for its n-th event or job.
func (s *suite) counted(g queue.Group, field string, add int64, when queue.When, of int) queue.Group {
	g.Counters = append(g.Counters, queue.Counter{Day: s.today(), Key: ad, Field: field, Add: add, When: when, Of: of})
	return g
}

// counts checks a tenant's counters of some days, each as "day key field n text",
// the day as its distance from today.
func (s *suite) counts(t string, from, to int64, want ...string) {
	s.Helper()
	counts, err := s.Queue.Counters(s.Context(), t, s.today()+from, s.today()+to)
	s.check(err)
	var got []string
	for _, c := range counts {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s %d %s", c.Day-s.today(), strings.TrimPrefix(c.Key, ad), c.Field, c.N, c.Text)))
	}
	expect(s, "counters", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

var counterTests = []test{
	{name: "new events", run: func(s *suite) {
		s.counts(tenant, -400, 1)
		first := s.counted(s.group(crm, 1), "clicks", 1, queue.WhenNew, 0)
		s.append(first, s.counted(s.group(crm, 2), "clicks", 1, queue.WhenNew, 0))
		s.append(first) // a redelivery
		s.counts(tenant, 0, 0, "0  clicks 2")
		s.reopen()
		s.append(s.counted(s.group(crm, 3), "clicks", 1, queue.WhenNew, 0))
		s.counts(tenant, 0, 0, "0  clicks 3")
	}},
	{name: "one of a group's events is new", run: func(s *suite) {
		s.append(s.group(crm, 1))
		g := s.counted(s.group(crm, 1, 2), "old", 1, queue.WhenNew, 0)
		s.append(s.counted(g, "new", 1, queue.WhenNew, 1))
		s.counts(tenant, 0, 0, "0  new 1")
	}},
	{name: "queued jobs", run: func(s *suite) {
		once := []queue.Once{{Key: "sale", Window: day}}
		a, b := s.group(crm, 1), s.group(crm, 2)
		a.Jobs[0].Once, b.Jobs[0].Once = once, once
		s.append(s.counted(a, "purchases", 1, queue.WhenQueued, 0), s.counted(b, "purchases", 1, queue.WhenQueued, 0))
		c := s.group(crm, 3)
		c.Jobs[0].Dead = &queue.Reason{Reason: "x"}
		s.append(s.counted(c, "purchases", 1, queue.WhenQueued, 0))
		s.counts(tenant, 0, 0, "0  purchases 1")
	}},
	{name: "once", run: func(s *suite) {
		once := func(g queue.Group, key string, window time.Duration) queue.Group {
			g = s.counted(g, "leads", 1, queue.WhenQueued, 0)
			g.Counters[0].Once, g.Counters[0].Window = key, window
			return g
		}
		known := []queue.Once{{Key: "sale", Window: day}}
		first, repeated := s.group(crm, 1), s.group(crm, 2)
		first.Jobs[0].Once, repeated.Jobs[0].Once = known, known
		s.append(first)
		s.append(once(repeated, "a", day)) // no lead, so its key is not remembered
		s.counts(tenant, 0, 0)
		third := once(s.group(crm, 3), "a", day)
		s.append(third, once(s.group(crm, 4), "a", day))
		s.append(third)
		s.append(once(s.group(crm, 5), "a", day), once(s.group(crm, 6), "b", day))
		s.counts(tenant, 0, 0, "0  leads 2")
		elsewhere := once(s.group(other, 7), "a", day)
		s.append(elsewhere)
		s.counts(other.Tenant, 0, 0, "0  leads 1")
		twice := once(s.group(crm, 8), "c", day)
		twice.Counters = append(twice.Counters, twice.Counters[0])
		s.append(twice)
		s.reopen()
		s.append(once(s.group(crm, 9), "c", day))
		s.counts(tenant, 0, 0, "0  leads 3")
		if s.Second == nil { // else the server forgets by its own clock
			s.Clock.Advance(day)
			s.append(once(s.group(crm, 10), "a", day))
			s.counts(tenant, 0, 0, "0  leads 1")
		}
	}},
	{name: "events without jobs", run: func(s *suite) {
		g := queue.Group{Tenant: tenant}
		for n := range 3 {
			g.Events = append(g.Events, queue.Event{ID: s.group(crm, n/2).Events[0].ID}) // the first twice
			g = s.counted(g, "reported", 1, queue.WhenNew, n)
		}
		s.append(g)
		s.append(g)
		s.counts(tenant, 0, 0, "0  reported 2")
	}},
	{name: "a contact's first click", run: func(s *suite) {
		contact := func(g queue.Group) queue.Group { return s.counted(g, "contacts", 1, queue.WhenFirst, 0) }
		first := contact(s.click(1, bsuid, s.now(), true, waID))
		s.append(first, contact(s.click(2, bsuid, s.now(), true)))
		s.append(first)
		s.append(contact(s.click(3, waID, s.now(), true)), contact(s.organic(4, "whatsapp:other")))
		s.counts(tenant, 0, 0, "0  contacts 1")
		s.append(contact(s.click(5, "whatsapp:other", s.now(), false)))
		s.counts(tenant, 0, 0, "0  contacts 2")
	}},
	{name: "a click that joins two contacts is not a first one", run: func(s *suite) {
		s.append(s.click(1, waID, s.now(), true))
		s.append(s.counted(s.click(2, bsuid, s.now(), true, waID), "contacts", 1, queue.WhenFirst, 0))
		s.counts(tenant, 0, 0)
	}},
	{name: "texts", run: func(s *suite) {
		text := func(n int, text string) queue.Group {
			g := s.group(crm, n)
			g.Counters = []queue.Counter{{Day: s.today(), Key: ad, Field: "headline", Text: text}}
			return g
		}
		s.append(text(1, "Sale"))
		s.append(text(2, "Größter Sale\x00\n"), text(2, "not this"))
		s.counts(tenant, 0, 0, "0  headline 0 Größter Sale\x00")
	}},
	{name: "to a text nothing is added", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Counters = []queue.Counter{{Day: s.today(), Key: ad, Field: "x", Text: "Sale"}, {Day: s.today(), Key: ad, Field: "x", Add: 1}}
		s.append(g)
		s.counts(tenant, 0, 0, "0  x 0 Sale")
		g = s.group(crm, 2)
		g.Counters = []queue.Counter{{Day: s.today(), Key: ad, Field: "n", Add: 1}, {Day: s.today(), Key: ad, Field: "n", Text: "Sale"}}
		s.append(g)
		s.counts(tenant, 0, 0, "0  n 0 Sale", "0  x 0 Sale")
	}},
	{name: "days, keys and tenants are apart", run: func(s *suite) {
		g := s.group(crm, 1)
		for _, d := range []int64{-1, 0, 1} {
			for _, key := range []string{"", "a", "b"} {
				g.Counters = append(g.Counters, queue.Counter{Day: s.today() + d, Key: key, Field: "clicks", Add: 2 + d})
			}
		}
		s.append(g)
		s.append(s.counted(s.group(other, 2), "clicks", 7, queue.WhenNew, 0))
		s.counts(tenant, -1, 0, "-1  clicks 1", "-1 a clicks 1", "-1 b clicks 1", "0  clicks 2", "0 a clicks 2", "0 b clicks 2")
		s.counts(tenant, 1, 9, "1  clicks 3", "1 a clicks 3", "1 b clicks 3")
		s.counts(tenant, 2, 1)
		s.counts(other.Tenant, -9, 9, "0  clicks 7")
		s.counts("acm", -9, 9)
		s.counts("", -9, 9)
	}},
	{name: "large sums are exact", run: func(s *suite) {
		g := s.group(crm, 1)
		for range 1000 {
			g = s.counted(g, "value", queue.MaxAdd-1, queue.WhenNew, 0)
		}
		s.append(g)
		s.counts(tenant, 0, 0, "0  value 999999999000")
	}},
	{name: "many fields", run: func(s *suite) {
		g := s.group(crm, 1)
		const n = 3000
		for i := range n {
			g.Counters = append(g.Counters, queue.Counter{Day: s.today(), Key: fmt.Sprint(i), Field: "clicks", Add: 1})
		}
		s.append(g)
		counts, err := s.Queue.Counters(s.Context(), tenant, s.today(), s.today())
		s.check(err)
		expect(s, "counters", len(counts), n)
	}},
	{name: "what cannot be counted is refused whole", run: func(s *suite) {
		for i, c := range []queue.Counter{
			{Field: "x", Of: 1}, {Field: "x", Of: -1}, {Field: "x", When: queue.WhenQueued, Of: 1},
			{Field: "x", Add: -1}, {Field: "x", Add: queue.MaxAdd + 1},
			{Field: ""}, {Field: "a\nb"}, {Field: "x", Key: "a\x00b"}, {Field: "x", Key: strings.Repeat("x", 257)},
		} {
			g := s.group(crm, i)
			g.Counters = []queue.Counter{c}
			if r := s.Queue.Append(s.Context(), []queue.Group{g})[0]; r.Err == nil {
				s.Errorf("%+v was taken", c)
			}
		}
		s.holds(crm)
	}},
	{name: "a crash keeps them", run: func(s *suite) {
		if s.Crash == nil {
			s.Skip("the store cannot crash here")
		}
		s.append(s.counted(s.group(crm, 1), "clicks", 1, queue.WhenNew, 0))
		s.Queue = s.Crash(s.T)
		s.append(s.counted(s.group(crm, 1), "clicks", 1, queue.WhenNew, 0), s.counted(s.group(crm, 2), "clicks", 1, queue.WhenNew, 0))
		s.counts(tenant, 0, 0, "0  clicks 2")
	}},
	{name: "expiry", expiry: true, run: func(s *suite) {
		if s.Second != nil {
			s.Skip("the server expires them, by its own clock")
		}
		s.append(s.counted(s.group(crm, 1), "clicks", 1, queue.WhenNew, 0))
		s.Clock.Advance(queue.KeepCounters)
		s.sweep()
		s.counts(tenant, -400, 0, "-400  clicks 1")
		s.Clock.Advance(2 * day)
		s.sweep()
		s.counts(tenant, -402, 0)
	}},
}
