package queuetest

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var appendTests = []test{
	{name: "empty group", run: func(s *suite) {
		r := s.append(queue.Group{Tenant: tenant})
		expect(s, "answers", len(r[0].New)+len(r[0].Jobs), 0)
		expect(s, "results of nothing", len(s.Queue.Append(s.Context(), nil)), 0)
	}},
	{name: "several groups", run: func(s *suite) {
		r := s.append(s.group(crm, 1, 2), s.group(other, 3), s.group(n8n, 4))
		expect(s, "first is new", r[0].New[0] && r[0].New[1] && r[1].New[0] && r[2].New[0], true)
		s.holds(crm, 1, 2)
		s.holds(other, 3)
		s.holds(n8n, 4)
	}},
	{name: "header and payload come back whole", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Header = queue.Header{
			EventID: id(1), Format: queue.FormatRaw, Kind: 3, Contact: "16505551234", ClickKey: "whatsapp\n16505551234",
			Time: s.now() - 5000, QueuedAt: s.now(), Attribution: 1 << 20,
			HTTP:  []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Hub-Signature-256", Value: "sha256=00"}},
			Meta:  []byte{0, 1, 255},
			Trace: "\x00sixteen and eight bytes\xff",
		}
		g.Payloads[0] = []byte{0, 255, '\n', 0}
		s.append(g)
		e := s.entries(crm)[0]
		want := g.Jobs[0].Header
		if !bytes.Equal(e.Payload, g.Payloads[0]) || !bytes.Equal(e.Header.Meta, want.Meta) {
			s.Fatalf("payload %v, meta %v", e.Payload, e.Header.Meta)
		}
		expect(s, "HTTP headers", len(e.Header.HTTP), 2)
		expect(s, "first HTTP header", e.Header.HTTP[0], want.HTTP[0])
		expect(s, "second HTTP header", e.Header.HTTP[1], want.HTTP[1])
		e.Header.HTTP, e.Header.Meta, want.HTTP, want.Meta = nil, nil, nil, nil
		expect(s, "contact", e.Header.Contact, want.Contact)
		expect(s, "click key", e.Header.ClickKey, want.ClickKey)
		expect(s, "times", [2]int64{e.Header.Time, e.Header.QueuedAt}, [2]int64{want.Time, want.QueuedAt})
		expect(s, "format and kind", [2]uint8{uint8(e.Header.Format), e.Header.Kind}, [2]uint8{uint8(want.Format), want.Kind})
		expect(s, "attribution", e.Header.Attribution, want.Attribution)
		expect(s, "event id", e.Header.EventID, want.EventID)
		expect(s, "trace", e.Header.Trace, want.Trace)
	}},
	{name: "what an entry has not is nil", run: func(s *suite) {
		none := func(what string, h *queue.Header, payload []byte) {
			s.Helper()
			expect(s, what+" has nil for nothing", h.HTTP == nil && h.Meta == nil && payload == nil, true)
		}
		g := s.group(crm, 1, 2) // in a page, and on its own
		g.Payloads[0], g.Payloads[1] = []byte{}, []byte{}
		g.Jobs[0].Header.HTTP, g.Jobs[0].Header.Meta = []queue.HTTPHeader{}, []byte{}
		h := s.group(n8n, 3)
		h.Payloads[0] = []byte{}
		dead := s.group(crm, 4)
		dead.Payloads[0], dead.Jobs[0].Dead = []byte{}, &queue.Reason{Reason: "x"}
		s.append(g, h, dead)
		for _, e := range append(s.entries(crm), s.entries(n8n)...) {
			none("an entry", &e.Header, e.Payload)
		}
		letters := s.dead(queue.DeadFilter{})
		none("a dead letter", &letters[0].Header, letters[0].Payload)

		nobody := s.drain(queue.Dest{Tenant: tenant, Name: "nobody"})
		defer nobody.Close()
		read, err := nobody.Read(s.Context(), queue.Pos{}, 10, 1<<20)
		s.check(err)
		got, err := nobody.Get(s.Context(), []queue.Pos{{Seq: 1 << 8}})
		s.check(err)
		retries, err := nobody.Retries(s.Context())
		s.check(err)
		clicks, err := s.Queue.Clicks(s.Context(), tenant, nil)
		s.check(err)
		counts, err := s.Queue.Counters(s.Context(), tenant, 0, 1)
		s.check(err)
		expect(s, "a list of nothing is nil", read == nil && got == nil && retries == nil && clicks == nil && counts == nil &&
			s.dead(queue.DeadFilter{Destination: "nobody"}) == nil && s.Queue.Append(s.Context(), nil) == nil, true)
	}},
	{name: "a group that makes no sense is refused, and not its neighbours", run: func(s *suite) {
		for i, spoil := range []func(*queue.Group){
			func(g *queue.Group) { g.Jobs[0].Dest = other }, // another tenant's
			func(g *queue.Group) { g.Jobs[0].Payload = 1 },
			func(g *queue.Group) { g.Jobs[0].Payload = -1 },
			func(g *queue.Group) { g.Jobs[0].Events = []int{1} },
			func(g *queue.Group) { g.Jobs[0].Events = []int{0, -1} },
			func(g *queue.Group) { g.Jobs[0].Dest.Name = strings.Repeat("x", 600) },
			func(g *queue.Group) { g.Tenant, g.Jobs[0].Dest.Tenant = "a}b", "a}b" },
		} {
			bad := s.group(crm, 100+i)
			spoil(&bad)
			r := s.Queue.Append(s.Context(), []queue.Group{s.group(crm, 2*i), bad, s.group(crm, 2*i+1)})
			if r[1].Err == nil {
				s.Errorf("group %d was taken", i)
			}
			s.check(r[0].Err)
			s.check(r[2].Err)
		}
		expect(s, "neighbours", len(s.entries(crm)), 14)
	}},
	{name: "one payload for several destinations", run: func(s *suite) {
		g := s.group(crm, 1)
		job := g.Jobs[0]
		job.Dest = n8n
		g.Jobs = append(g.Jobs, job)
		s.append(g)
		s.holds(crm, 1)
		s.holds(n8n, 1)
	}},
	{name: "redelivery", expiry: true, run: func(s *suite) {
		g := s.group(crm, 1)
		expect(s, "first", s.outcome(g), queue.Queued)
		expect(s, "at once", s.outcome(g), queue.Duplicate)
		s.Clock.Advance(7*day - time.Hour)
		s.sweep()
		r := s.append(g)[0]
		expect(s, "within the window", r.Jobs[0], queue.Duplicate)
		expect(s, "new within the window", r.New[0], false)
		s.holds(crm, 1)
		s.Clock.Advance(3 * day)
		s.sweep()
		expect(s, "after the window", s.outcome(g), queue.Queued)
		s.holds(crm, 1, 1)
	}},
	{name: "redelivery without a provider time", expiry: true, run: func(s *suite) {
		g := s.group(crm, 1)
		g.Events[0].Time = 0
		expect(s, "first", s.outcome(g), queue.Queued)
		for range 6 {
			s.Clock.Advance(day)
			s.sweep()
			expect(s, "on a later day", s.outcome(g), queue.Duplicate)
		}
		s.Clock.Advance(day - time.Minute)
		s.sweep()
		expect(s, "at the window's end", s.outcome(g), queue.Duplicate)
		s.Clock.Advance(3 * day)
		s.sweep()
		expect(s, "after the window", s.outcome(g), queue.Queued)
	}},
	{name: "redelivery after the clock went back", run: func(s *suite) {
		g, untimed := s.group(crm, 1), s.group(crm, 2)
		untimed.Events[0].Time = 0
		s.append(g, untimed)
		s.Clock.Advance(-2 * time.Hour)
		expect(s, "with a time", s.outcome(g), queue.Duplicate)
		expect(s, "without a time", s.outcome(untimed), queue.Duplicate)
		s.append(s.group(crm, 3))
		s.holds(crm, 1, 2, 3)
	}},
	{name: "redelivery after reopening", run: func(s *suite) {
		g := s.group(crm, 1)
		s.append(g)
		s.reopen()
		expect(s, "after reopening", s.outcome(g), queue.Duplicate)
		s.holds(crm, 1)
	}},
	{name: "an id twice in a group", run: func(s *suite) {
		g := s.group(crm, 1, 2, 1)
		r := s.append(g)[0]
		expect(s, "new", [3]bool(r.New), [3]bool{true, true, false})
		expect(s, "outcomes", [3]queue.Admission(r.Jobs), [3]queue.Admission{queue.Queued, queue.Queued, queue.Duplicate})
		s.holds(crm, 1, 2)
	}},
	{name: "an id in two groups of one call", run: func(s *suite) {
		r := s.append(s.group(crm, 1), s.group(crm, 1, 2))
		expect(s, "first", r[0].Jobs[0], queue.Queued)
		expect(s, "again", r[1].Jobs[0], queue.Duplicate)
		expect(s, "its sibling", r[1].Jobs[1], queue.Queued)
		s.holds(crm, 1, 2)
	}},
	{name: "a part is new", run: func(s *suite) {
		s.append(s.group(crm, 2))
		r := s.append(s.group(crm, 1, 2, 3))[0]
		expect(s, "new", [3]bool(r.New), [3]bool{true, false, true})
		s.holds(crm, 2, 1, 3)
	}},
	{name: "a job of several events", run: func(s *suite) {
		raw := func(job int, events ...int) queue.Group {
			g := s.group(crm, events...)
			h := s.header(job)
			g.Payloads = [][]byte{payload(job)}
			g.Jobs = []queue.Job{{Dest: crm, Header: h}}
			for i := range events {
				g.Jobs[0].Events = append(g.Jobs[0].Events, i)
			}
			return g
		}
		expect(s, "all new", s.outcome(raw(101, 1, 2)), queue.Queued)
		expect(s, "none new", s.outcome(raw(102, 1, 2)), queue.Duplicate)
		expect(s, "one new", s.outcome(raw(103, 1, 2, 3)), queue.Queued)
		s.holds(crm, 101, 103)
	}},
	{name: "an event without jobs is remembered", run: func(s *suite) {
		g := s.group(crm, 1)
		jobs := g.Jobs
		g.Jobs = nil
		expect(s, "new", s.append(g)[0].New[0], true)
		g.Jobs = jobs
		expect(s, "with a job", s.outcome(g), queue.Duplicate)
	}},
	{name: "one of 32 wins", run: func(s *suite) {
		const writers, events = 32, 25
		wins := make([]int, writers)
		run(writers, func(w int) {
			for n := range events {
				g := s.group(crm, n)
				if n%2 == 1 {
					g.Events[0].Time = 0
				}
				r := s.Queue.Append(s.Context(), []queue.Group{g})[0]
				if r.Err != nil {
					s.Error(r.Err)
				} else if r.New[0] {
					wins[w]++
				}
			}
		})
		total := 0
		for _, n := range wins {
			total += n
		}
		expect(s, "events that were new", total, events)
		expect(s, "entries", len(s.entries(crm)), events)
	}},
	{name: "order across concurrent appends", run: func(s *suite) {
		const writers, each = 16, 20
		run(writers, func(w int) {
			for i := range each {
				if r := s.Queue.Append(s.Context(), []queue.Group{s.group(crm, w*1000+i)})[0]; r.Err != nil {
					s.Error(r.Err)
				}
			}
		})
		place := map[queue.ID]int{}
		for i, e := range s.entries(crm) {
			place[e.Header.EventID] = i
		}
		expect(s, "entries", len(place), writers*each)
		for w := range writers {
			for i := 1; i < each; i++ {
				if place[id(w*1000+i)] < place[id(w*1000+i-1)] {
					s.Fatalf("event %d of writer %d comes before the one that it was appended after", i, w)
				}
			}
		}
	}},
	{name: "a thousand events in a group", run: func(s *suite) {
		n := make([]int, 1000)
		for i := range n {
			n[i] = i + 1
		}
		s.append(s.group(crm, n...))
		s.holds(crm, n...)
		for i, fresh := range s.append(s.group(crm, n...))[0].New {
			if fresh {
				s.Fatalf("event %d is new again", i)
			}
		}
	}},
	{name: "9 MB payload", run: func(s *suite) {
		g := s.group(crm, 1, 2)
		large := bytes.Repeat([]byte("0123456789abcdef"), 9<<16)
		g.Payloads[0] = large
		s.append(g)
		s.reopen()
		entries := s.entries(crm)
		expect(s, "entries", len(entries), 2)
		if !bytes.Equal(entries[0].Payload, large) || !bytes.Equal(entries[1].Payload, payload(2)) {
			s.Fatal("a payload changed")
		}
	}},
}

// run calls f(0) … f(n-1) at once and waits.
func run(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
