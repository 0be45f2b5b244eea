package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
)

// TestReadyJobsAreTakenBack has jobs lie ready behind two that are in flight, and
// then something that forbids to send them.
func TestReadyJobsAreTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		forbid, allow func(*Engine, *memQueue)
		first         destination.Action // of the two in flight
	}{
		"a pause": {
			forbid: func(e *Engine, _ *memQueue) { _ = e.Pause(context.Background(), crm.Name, "by hand") },
			allow:  func(e *Engine, _ *memQueue) { _ = e.Resume(context.Background(), crm.Name) },
			first:  destination.Done,
		},
		"a lost lease that the loop has not noticed": {
			forbid: func(_ *Engine, q *memQueue) {
				q.mu.Lock()
				q.dest(crm).lost = true
				q.mu.Unlock()
			},
			allow: func(_ *Engine, q *memQueue) { q.change(crm, func(m *memDest) { m.lost = false }) },
			first: destination.Done,
		},
		"a refused token": {
			forbid: func(*Engine, *memQueue) {},
			allow:  func(e *Engine, _ *memQueue) { _ = e.Resume(context.Background(), crm.Name) },
			first:  destination.Park,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newMemQueue()
				q.add(crm, numbered("", 10)...)
				held, class := make(chan struct{}), c.first
				s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
					<-held
					return destination.Verdict{Action: class}
				}}
				d := forwardTo(s)
				d.Concurrency = 2
				e := start(t, q, Options{}, d)
				inspect(e.workers[crm], func(w *worker) {
					if w.senders.busy != 2 || w.senders.next.Len() != 2 {
						t.Fatalf("%d jobs are in flight, %d lie ready", w.senders.busy, w.senders.next.Len())
					}
				})
				if n := statusOf(t, e, crm.Name).InFlight; n != 2 {
					t.Errorf("%d in flight", n)
				}
				c.forbid(e, q)
				close(held)
				synctest.Wait()
				if n := len(s.seqs()); n != 2 {
					t.Errorf("%d were sent and not 2", n)
				}
				s.forget()
				class = destination.Done
				c.allow(e, q)
				elapse(time.Second)
				sent := map[uint64]int{}
				for _, seq := range s.seqs() {
					sent[seq]++
				}
				want := 8
				if c.first != destination.Done {
					want = 10
				}
				for seq, times := range sent {
					if times != 1 {
						t.Errorf("event %d was sent %d times", seq, times)
					}
				}
				if n, _, _ := q.counts(crm); len(sent) != want || n > 0 {
					t.Errorf("%d were sent afterwards and not %d, %d are left", len(sent), want, n)
				}
			})
		})
	}
}
