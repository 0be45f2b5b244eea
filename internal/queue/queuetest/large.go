package queuetest

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// large is a webhook of many events for two destinations, and as it came for a
// third, whose job names them all. Each event has a counter.
func (s *suite) large(first, n int) queue.Group {
	g := queue.Group{Tenant: tenant}
	body := bytes.Repeat([]byte("as it came "), 30_000)
	raw := queue.Job{Dest: rawDest, Payload: n, Header: s.header(1_000_000 + first)}
	raw.Header.Format = queue.FormatRaw
	for i := range n {
		number := first + i
		g.Events = append(g.Events, s.event(number))
		g.Payloads = append(g.Payloads, payload(number))
		for _, d := range []queue.Dest{crm, n8n} {
			g.Jobs = append(g.Jobs, queue.Job{Dest: d, Events: []int{i}, Payload: i, Header: s.header(number)})
		}
		raw.Events = append(raw.Events, i)
		g.Counters = append(g.Counters,
			queue.Counter{Day: s.now() / day.Milliseconds(), Key: "ad", Field: "events", Add: 1, Of: i},
			queue.Counter{Day: s.now() / day.Milliseconds(), Key: "ad", Field: "jobs", Add: 1, When: queue.WhenQueued, Of: 2 * i})
	}
	g.Payloads = append(g.Payloads, body)
	g.Jobs = append(g.Jobs, raw)
	return g
}

var rawDest = queue.Dest{Tenant: tenant, Name: "raw"}

// countedLarge is how many of a large webhook's events and jobs were counted.
func (s *suite) countedLarge() (events, jobs int64) {
	s.Helper()
	counts, err := s.Queue.Counters(s.Context(), tenant, 0, s.now()/day.Milliseconds())
	s.check(err)
	for _, c := range counts {
		switch c.Field {
		case "events":
			events += c.N
		case "jobs":
			jobs += c.N
		}
	}
	return events, jobs
}

// outcomes counts what became of a group's events and jobs.
func outcomes(r queue.Result) string {
	fresh, jobs := 0, map[queue.Admission]int{}
	for _, isNew := range r.New {
		if isNew {
			fresh++
		}
	}
	for _, o := range r.Jobs {
		jobs[o]++
	}
	return fmt.Sprintf("%d new, %d queued, %d duplicate, %d overflow, %d died", fresh,
		jobs[queue.Queued], jobs[queue.Duplicate], jobs[queue.Overflow], jobs[queue.Died])
}

func from(first, n int) []int {
	list := upTo(n)
	for i := range list {
		list[i] += first - 1
	}
	return list
}

var largeTests = []test{
	{name: "whole, and again", run: func(s *suite) {
		const n = 3000
		g := s.large(1, n)
		expect(s, "first", outcomes(s.append(g)[0]), fmt.Sprintf("%d new, %d queued, 0 duplicate, 0 overflow, 0 died", n, 2*n+1))
		for range 2 {
			expect(s, "redelivery", outcomes(s.append(g)[0]), fmt.Sprintf("0 new, 0 queued, %d duplicate, 0 overflow, 0 died", 2*n+1))
		}
		s.reopen()
		s.holds(crm, upTo(n)...)
		s.holds(n8n, upTo(n)...)
		raw := s.entries(rawDest)
		expect(s, "raw entries", len(raw), 1)
		expect(s, "raw body", bytes.Equal(raw[0].Payload, g.Payloads[n]), true)
		events, jobs := s.countedLarge()
		expect(s, "counted events and jobs", [2]int64{events, jobs}, [2]int64{n, n})
	}},
	{name: "a part is known", run: func(s *suite) {
		s.append(s.group(crm, from(500, 1000)...))
		r := s.append(s.large(1, 3000))[0]
		expect(s, "outcomes", outcomes(r), "2000 new, 4001 queued, 2000 duplicate, 0 overflow, 0 died")
		for i, isNew := range r.New {
			if number := i + 1; isNew != (number < 500 || number >= 1500) {
				s.Fatalf("event %d is new: %v", number, isNew)
			}
		}
		expect(s, "entries", len(s.entries(rawDest)), 1)
		s.holds(n8n, append(from(1, 499), from(1500, 1501)...)...)
	}},
	{name: "one is new, the last", run: func(s *suite) {
		s.append(s.group(n8n, upTo(2999)...))
		r := s.append(s.large(1, 3000))[0]
		expect(s, "outcomes", outcomes(r), "1 new, 3 queued, 5998 duplicate, 0 overflow, 0 died")
		expect(s, "the raw job", r.Jobs[6000], queue.Queued)
		s.holds(crm, 3000)
	}},
	{name: "a raw job between others", run: func(s *suite) {
		g := s.group(crm, upTo(600)...)
		middle := queue.Job{Dest: crm, Payload: 0, Header: s.header(9000)}
		for i := range g.Events {
			middle.Events = append(middle.Events, i)
		}
		g.Jobs = append(g.Jobs[:300:300], append([]queue.Job{middle}, g.Jobs[300:]...)...)
		s.append(g)
		entries := s.entries(crm)
		expect(s, "entries", len(entries), 601)
		expect(s, "its place", entries[300].Header.EventID, id(9000))
	}},
	{name: "ids and once keys across it", run: func(s *suite) {
		g := s.group(crm, append(upTo(600), 1, 600)...)
		for i := range g.Jobs {
			g.Jobs[i].Once = []queue.Once{{Key: "lead" + strconv.Itoa(i%500), Window: time.Hour}}
		}
		r := s.append(g)[0]
		expect(s, "outcomes", outcomes(r), "600 new, 500 queued, 102 duplicate, 0 overflow, 0 died")
		s.holds(crm, upTo(500)...)
	}},
	{name: "clicks and counters of firsts", run: func(s *suite) {
		g, today := queue.Group{Tenant: tenant}, s.now()/day.Milliseconds()
		for i := range 900 {
			c := s.click(i, "whatsapp:"+strconv.Itoa(i%300), s.now()-int64(i), true, "+"+strconv.Itoa(i%300))
			c.Events[0].Time = 0
			g.Events = append(g.Events, c.Events[0])
			g.Counters = append(g.Counters, queue.Counter{Day: today, Key: "ad", Field: "contacts", Add: 1, When: queue.WhenFirst, Of: i})
		}
		s.append(g)
		s.append(g)
		s.touches("+7", 607, 7, 7)
		s.touches("m:wamid.307", 607, 7, 7)
		counts, err := s.Queue.Counters(s.Context(), tenant, today, today)
		s.check(err)
		expect(s, "counters", len(counts), 1)
		expect(s, "contacts", counts[0].N, 300)
	}},
	{name: "the backlog fills in it", run: func(s *suite) {
		s.configure(func(o *queue.Options) { o.MaxBacklog = 700 })
		r := s.append(s.group(crm, upTo(1000)...))[0]
		expect(s, "outcomes", outcomes(r), "1000 new, 700 queued, 0 duplicate, 300 overflow, 0 died")
		s.holds(crm, upTo(700)...)
		expect(s, "dead letters", len(s.dead(queue.DeadFilter{Reason: "overflow"})), 300)
	}},
	{name: "with others in one call", run: func(s *suite) {
		bad := s.large(5000, 600)
		bad.Jobs[700].Payload = 99_999
		results := s.Queue.Append(s.Context(), []queue.Group{s.group(crm, 1), bad, s.large(10, 600), s.group(crm, 2, 10)})
		for i, failed := range []bool{false, true, false, false} {
			expect(s, "group "+strconv.Itoa(i)+" failed", results[i].Err != nil, failed)
		}
		expect(s, "the last", outcomes(results[3]), "1 new, 1 queued, 1 duplicate, 0 overflow, 0 died")
		s.holds(crm, append(append([]int{1}, from(10, 600)...), 2)...)
		r := s.append(s.group(crm, from(5000, 600)...))[0]
		expect(s, "of the refused one", outcomes(r), "600 new, 600 queued, 0 duplicate, 0 overflow, 0 died")
	}},
	{name: "one of eight wins", run: func(s *suite) {
		g := s.large(1, 1000)
		results := make([]queue.Result, 8)
		run(len(results), func(i int) { results[i] = s.Queue.Append(s.Context(), []queue.Group{g})[0] })
		fresh, queued := 0, 0
		for _, r := range results {
			s.check(r.Err)
			for _, isNew := range r.New {
				if isNew {
					fresh++
				}
			}
			for _, o := range r.Jobs {
				if o == queue.Queued {
					queued++
				}
			}
		}
		expect(s, "new", fresh, 1000)
		expect(s, "queued", queued, 2001)
		s.holds(crm, upTo(1000)...)
		expect(s, "raw entries", len(s.entries(rawDest)), 1)
	}},
}
