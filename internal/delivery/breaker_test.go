package delivery

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
)

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		var up atomic.Bool
		s := &sink{}
		s.answer = failsFor(func(*destination.Item) bool { return !up.Load() })
		q.add(crm, numbered("c", 5000)...)
		d := forwardTo(s)
		d.Concurrency = 1
		e := start(t, q, Options{}, d)
		elapse(time.Hour)
		sent := s.attempts()
		if len(sent) < gate.BreakerFailures || len(sent) > 140 {
			t.Fatalf("%d sent in an hour's outage", len(sent))
		}
		want := time.Second
		for i := gate.BreakerFailures; i < len(sent); i++ {
			if gap := sent[i].at.Sub(sent[i-1].at).Round(time.Millisecond); gap != want {
				t.Fatalf("probe %d came after %v, want %v", i-gate.BreakerFailures, gap, want)
			}
			if sent[i].contact == sent[i-1].contact {
				t.Fatalf("probes %d and the one before are of %s", i-gate.BreakerFailures, sent[i].contact)
			}
			want = min(2*want, 30*time.Second)
		}
		if st := statusOf(t, e, "crm"); st.State != StateOpen || st.Reason != "500 Internal Server Error" || st.Backlog != 5000 {
			t.Fatalf("status %+v", st)
		}
		inspect(e.workers[crm], func(w *worker) {
			if size := w.view.Size(); size.Tracked > 200 || size.Ready > view.MaxAhead {
				t.Fatalf("%d tracked and %d ready while the breaker is open", size.Tracked, size.Ready)
			}
		})
		up.Store(true)
		elapse(31 * time.Second)
		elapse(time.Second)
		if n, retries, _ := q.counts(crm); n > 200 || n != retries {
			t.Fatalf("%d left, %d of them wait for a retry", n, retries)
		}
		elapse(time.Hour)
		if n, _, _ := q.counts(crm); n != 0 {
			t.Fatalf("%d left", n)
		}
		if st := statusOf(t, e, "crm"); st.State != StateRunning {
			t.Fatalf("status %+v", st)
		}
	})
}

func TestBreakerNeedsThreeContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{answer: retryWith("503 Service Unavailable")}
		q.add(crm, contacts("a", "b")...)
		e := start(t, q, Options{}, forwardTo(s))
		elapse(time.Hour)
		if st := statusOf(t, e, "crm"); st.State != StateRetrying {
			t.Fatalf("status %+v", st)
		}
	})
}

// One poisoned event cannot keep the breaker open.
func TestProbesTakeAnotherContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		var up atomic.Bool
		s := &sink{}
		s.answer = failsFor(func(it *destination.Item) bool { return it.Header.Contact == "c0" || !up.Load() })
		q.add(crm, numbered("c", 12)...) // no others to come
		e := start(t, q, Options{}, forwardTo(s))
		elapse(10 * time.Minute)
		if st := statusOf(t, e, "crm"); st.State != StateOpen {
			t.Fatalf("status %+v", st)
		}
		up.Store(true)
		elapse(62 * time.Second) // two probes
		if st := statusOf(t, e, "crm"); st.State != StateRetrying {
			t.Fatalf("status %+v", st)
		}
		elapse(20 * time.Minute)
		if n, _, _ := q.counts(crm); n != 1 {
			t.Fatalf("%d left, want the poisoned one", n)
		}
	})
}

// With nothing but events that must wait, the probes wait for the first of them.
func TestProbesHeedRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			return destination.Verdict{Action: destination.Retry, Reason: "429 Too Many Requests", After: 5 * time.Minute}
		}}
		q.add(crm, numbered("c", 10)...)
		e := start(t, q, Options{}, forwardTo(s))
		elapse(299 * time.Second)
		if n := len(s.seqs()); n != 10 {
			t.Fatalf("%d sent before the time that the destination gave", n)
		}
		if st := statusOf(t, e, "crm"); st.State != StateOpen {
			t.Fatalf("status %+v", st)
		}
		elapse(32 * time.Second)
		if n := len(s.seqs()); n < 12 || n > 20 {
			t.Fatalf("%d sent after it", n)
		}
	})
}
