package queuetest

import (
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var lifecycleTests = []test{
	{name: "what was acknowledged survives a crash", run: func(s *suite) {
		if s.Crash == nil {
			s.Skip("the store can't crash here")
		}
		s.append(s.group(crm, 1, 2, 3))
		d := s.drain(crm)
		at := positions(d.all())
		s.check(d.Done(s.Context(), at[:1]))
		s.check(d.Retry(s.Context(), []queue.Retry{{Pos: at[1], Attempts: 1, FirstAt: s.now(), Due: s.now() + 1000}}))
		s.append(s.group(crm, 4))
		d.Close()
		s.Queue = s.Crash(s.T)
		s.holds(crm, 2, 3, 4)
		expect(s, "redelivery", s.outcome(s.group(crm, 4)), queue.Duplicate)
		d = s.drain(crm)
		defer d.Close()
		retries, err := d.Retries(s.Context())
		s.check(err)
		expect(s, "retries", len(retries), 1)
	}},
	{name: "closing", run: func(s *suite) {
		s.append(s.group(crm, 1))
		s.check(s.Queue.Close())
		s.check(s.Queue.Close())
		g := s.group(crm, 2)
		if err := s.Queue.Append(s.Context(), []queue.Group{g})[0].Err; err == nil {
			s.Fatal("appended to a closed store")
		}
		if _, err := s.Queue.Destinations(s.Context()); err == nil {
			s.Fatal("a closed store answered")
		}
		s.reopen()
		s.holds(crm, 1)
	}},
	{name: "closing under load", run: func(s *suite) {
		const writers, each = 8, 50
		stored := make([][]int, writers)
		half := make(chan struct{}, writers)
		done := make(chan struct{})
		go func() {
			defer close(done)
			run(writers, func(w int) {
				for i := range each {
					n := w*1000 + i
					if s.Queue.Append(s.Context(), []queue.Group{s.group(crm, n)})[0].Err == nil {
						stored[w] = append(stored[w], n)
					}
					if i == each/2 {
						half <- struct{}{}
					}
				}
			})
		}()
		<-half
		s.check(s.Queue.Close())
		<-done
		s.reopen()
		found := map[queue.ID]bool{}
		for _, e := range s.entries(crm) {
			found[e.Header.EventID] = true
		}
		for _, w := range stored {
			for _, n := range w {
				if !found[id(n)] {
					s.Fatalf("event %d was acknowledged and is gone", n)
				}
			}
		}
	}},
	{name: "a context that ended", run: func(s *suite) {
		ctx, cancel := contextEnded(s)
		defer cancel()
		g := s.group(crm, 1)
		r := s.Queue.Append(ctx, []queue.Group{g, s.group(crm, 2)})
		expect(s, "results", len(r), 2)
		if r[0].Err == nil || r[1].Err == nil {
			// It may have been stored in time: then it is there.
			s.Log("stored all the same")
		}
		// Whatever became of it, a redelivery makes it be there once.
		s.append(g)
		count := 0
		for _, e := range s.entries(crm) {
			if e.Header.EventID == id(1) {
				count++
			}
		}
		expect(s, "entries of the event", count, 1)
	}},
	{name: "reads and writes at once", run: func(s *suite) {
		const writers, each = 4, 50
		d := s.drain(crm)
		defer d.Close()
		var appended [writers]bool
		delivered := map[queue.ID]bool{}
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			run(writers, func(w int) {
				for i := range each {
					if r := s.Queue.Append(s.Context(), []queue.Group{s.group(crm, w*1000+i)})[0]; r.Err != nil {
						s.Error(r.Err)
						return
					}
				}
				appended[w] = true
			})
		}()
		var after queue.Pos
		d.until("all entries", func() bool {
			for {
				entries, err := d.Read(s.Context(), after, 7, 1<<20)
				s.check(err)
				if len(entries) == 0 {
					break
				}
				for _, e := range entries {
					if delivered[e.Header.EventID] {
						s.Fatalf("event %x came twice", e.Header.EventID)
					}
					delivered[e.Header.EventID] = true
				}
				after = entries[len(entries)-1].Pos
				s.check(d.Done(s.Context(), positions(entries)))
			}
			return len(delivered) == writers*each
		})
		<-finished
		expect(s, "writers that finished", appended, [writers]bool{true, true, true, true})
		expect(s, "backlog", s.info(crm).Backlog, 0)
	}},
	{name: "entries never expire", expiry: true, run: func(s *suite) {
		s.append(s.group(crm, 1))
		s.Clock.Advance(400 * day)
		s.sweep()
		s.holds(crm, 1)
		s.Clock.Advance(-800 * day)
		s.sweep()
		s.append(s.group(crm, 2))
		s.holds(crm, 1, 2)
		s.Clock.Advance(800*day + time.Hour)
	}},
}
