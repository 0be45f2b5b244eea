package delivery

import (
	"cmp"
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
)

// TestPlacesComeFree has something go wrong while calls count as in flight whose
// outcomes are not stored. Until it is right again no more are sent than may be at once,
// and then all places are free: every event is sent, as many at once as may be.
func TestPlacesComeFree(t *testing.T) {
	const events, concurrency = 300, 8
	fewer := func(e *Engine, s destination.Sender, n int) {
		d := forwardTo(s)
		d.Concurrency = n
		e.Configure([]destination.Destination{d})
	}
	for name, c := range map[string]struct {
		wrong, right func(*Engine, *memQueue, *sink)
		meanwhile    func() destination.Verdict // nil: all is delivered, and so no more is to be sent
		most         int                        // that are sent at once in the end; 0 = as many as at first
	}{
		"the store refuses what it is told": {
			wrong: func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.noDone = true }) },
			right: func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.noDone = false }) },
		},
		"the store is away": {
			wrong: func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.away = true }) },
			right: func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.away = false }) },
		},
		"the lease is lost while the store refuses": {
			wrong: func(_ *Engine, q *memQueue, _ *sink) {
				q.change(crm, func(m *memDest) { m.lost, q.noDone = true, true })
			},
			right: func(_ *Engine, q *memQueue, _ *sink) {
				q.change(crm, func(m *memDest) { m.lost, q.noDone = false, false; m.epoch++ })
			},
		},
		"a pause": {
			wrong: func(e *Engine, _ *memQueue, _ *sink) { _ = e.Pause(context.Background(), crm.Name, "by hand") },
			right: func(e *Engine, _ *memQueue, _ *sink) { _ = e.Resume(context.Background(), crm.Name) },
		},
		"fewer at once, while the store refuses": {
			wrong: func(e *Engine, q *memQueue, s *sink) {
				q.change(crm, func(*memDest) { q.noDone = true })
				fewer(e, s, 1)
			},
			right: func(e *Engine, q *memQueue, s *sink) {
				q.change(crm, func(*memDest) { q.noDone = false })
				fewer(e, s, concurrency)
			},
		},
		"fewer at once from now on, while the store refuses": {
			wrong: func(e *Engine, q *memQueue, s *sink) {
				q.change(crm, func(*memDest) { q.noDone = true })
				fewer(e, s, 3)
			},
			right: func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.noDone = false }) },
			most:  3,
		},
		"the store refuses to be told of failures": {
			wrong:     func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.noRetry = errAway }) },
			right:     func(_ *Engine, q *memQueue, _ *sink) { q.change(crm, func(*memDest) { q.noRetry = nil }) },
			meanwhile: func() destination.Verdict { return destination.Verdict{Action: destination.Retry, Reason: "503"} },
		},
		"a hold": {
			wrong: func(e *Engine, _ *memQueue, _ *sink) { e.Hold() },
			right: func(e *Engine, _ *memQueue, _ *sink) { e.Release() },
		},
		"senders panic":    {meanwhile: func() destination.Verdict { panic("a bug") }},
		"nothing is tried": {meanwhile: func() destination.Verdict { return destination.Verdict{Action: destination.Again} }},
		"it is throttled": {meanwhile: func() destination.Verdict {
			return destination.Verdict{Action: destination.Throttle, After: time.Second, Reason: "throttled"}
		}},
		"it is parked": {meanwhile: func() destination.Verdict { return destination.Verdict{Action: destination.Park, Reason: "token"} }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, s := newMemQueue(), &sink{}
				meanwhile := new(atomic.Bool)
				meanwhile.Store(c.meanwhile != nil)
				s.answer = func(context.Context, *destination.Item) destination.Verdict {
					<-time.After(10 * time.Millisecond)
					if meanwhile.Load() {
						return c.meanwhile()
					}
					return destination.Verdict{Action: destination.Done}
				}
				q.add(crm, numbered("c", events)...)
				e := start(t, q, Options{}, forwardTo(s))
				elapse(45 * time.Millisecond)
				before := len(s.seqs())
				if c.wrong != nil {
					c.wrong(e, q, s)
				}
				elapse(10 * time.Minute)
				if more := len(s.seqs()) - before; c.meanwhile == nil && more > concurrency {
					t.Errorf("%d more were sent meanwhile", more)
				}
				meanwhile.Store(false)
				s.mu.Lock()
				s.most, s.now = 0, 0 // who panicked is counted still
				s.mu.Unlock()
				if c.right != nil {
					c.right(e, q, s)
				}
				elapse(30 * time.Minute)
				if n := q.info(crm).Backlog; n > 0 {
					t.Errorf("%d events are left", n)
				}
				if s.most != cmp.Or(c.most, concurrency) {
					t.Errorf("up to %d are sent at once", s.most)
				}
				if again := len(s.seqs()) - events; c.meanwhile == nil && again != 0 {
					t.Errorf("%d were sent again", again)
				}
				inspect(e.workers[crm], func(w *worker) {
					if w.senders.owed != 0 || w.senders.busy != 0 || w.acks.pending.calls != 0 {
						t.Errorf("%d calls are owed, %d are made, %d wait to be stored", w.senders.owed, w.senders.busy, w.acks.pending.calls)
					}
				})
			})
		})
	}
}

// TestCloseWithPlacesTaken closes an engine while the store refuses to be told of what
// was sent. It is told as soon as it listens, and not waited for longer than may be.
func TestCloseWithPlacesTaken(t *testing.T) {
	const events, grace = 300, 5 * time.Second
	for name, c := range map[string]struct {
		listens time.Duration // after it refused, 0 = never
		took    time.Duration // at most
	}{
		"the store listens again": {listens: grace / 2, took: grace},
		"it never does":           {took: grace + lastWriteTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newMemQueue()
				s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
					<-time.After(10 * time.Millisecond)
					return destination.Verdict{Action: destination.Done}
				}}
				q.add(crm, numbered("c", events)...)
				e := New(q, Options{})
				e.Configure([]destination.Destination{forwardTo(s)})
				elapse(45 * time.Millisecond)
				q.change(crm, func(*memDest) { q.noDone = true })
				elapse(time.Second)
				if c.listens > 0 {
					time.AfterFunc(c.listens, func() { q.change(crm, func(*memDest) { q.noDone = false }) })
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), grace)
				defer cancel()
				e.Close(ctx)
				if took := time.Since(began); took > c.took {
					t.Errorf("it took %v", took)
				}
				stored := events - q.info(crm).Backlog
				if sent := len(s.seqs()); c.listens > 0 && sent != stored || sent-stored > 8 || sent == events {
					t.Errorf("%d were sent, %d are stored", sent, stored)
				}
			})
		})
	}
}
