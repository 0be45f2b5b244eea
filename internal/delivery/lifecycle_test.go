package delivery

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// slow takes a while, and gives up when it is broken off.
func slow(d time.Duration) func(context.Context, *destination.Item) destination.Verdict {
	return func(ctx context.Context, _ *destination.Item) destination.Verdict {
		select {
		case <-time.After(d):
			return destination.Verdict{Action: destination.Done}
		case <-ctx.Done():
			return destination.Verdict{Action: destination.Retry, Reason: "broken off"}
		}
	}
}

// pooled is a sink that counts when its connections are closed.
type pooled struct {
	sink
	closed atomic.Int64
}

func (p *pooled) CloseIdleConnections() { p.closed.Add(1) }

func TestReloadKeepsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		old, next := &pooled{sink: sink{answer: slow(10 * time.Second)}}, &sink{}
		q.add(crm, contacts("a", "a", "b")...)
		e := start(t, q, Options{}, forwardTo(old))
		synctest.Wait()
		e.Configure([]destination.Destination{forwardTo(next)})
		q.add(crm, contacts("c")...)
		synctest.Wait()
		wantSeqs(t, next, 4) // a's second waits for the old config's first
		if n := old.closed.Load(); n > 0 {
			t.Fatalf("the old sender's connections were closed %d times while it sent", n)
		}
		elapse(11 * time.Second)
		if n := old.closed.Load(); n != 1 {
			t.Fatalf("the old sender's connections were closed %d times", n)
		}
		wantSeqs(t, next, 4, 2)
		if n, _, _ := q.counts(crm); n != 0 || len(old.seqs()) != 2 {
			t.Fatalf("%d left; the old sender sent %v", n, old.seqs())
		}
	})
}

func TestRemovedAndNamedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: slow(10 * time.Second)}
		q.add(crm, contacts("a", "a")...)
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		e.Configure(nil)
		if st := statusOf(t, e, "crm"); st.State != StateRemoved {
			t.Fatalf("status %+v", st)
		}
		elapse(5 * time.Second)
		e.Configure([]destination.Destination{forwardTo(s)})
		synctest.Wait()
		wantSeqs(t, s, 1) // still in flight, not sent again
		elapse(30 * time.Second)
		wantSeqs(t, s, 1, 2)
		e.Configure(nil)
		synctest.Wait()
		e.mu.Lock()
		left := len(e.workers)
		e.mu.Unlock()
		if left != 0 || q.drains(crm) != 0 {
			t.Fatal("the worker did not end")
		}
		q.add(crm, contacts("b")...)
		e.Configure([]destination.Destination{forwardTo(s)})
		elapse(30 * time.Second)
		wantSeqs(t, s, 1, 2, 3)
	})
}

func TestCloseWaitsForGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(ctx context.Context, it *destination.Item) destination.Verdict {
			if it.Pos.Seq == 1 {
				return slow(time.Second)(ctx, it)
			}
			return slow(time.Hour)(ctx, it)
		}}
		q.add(crm, contacts("a", "b", "a", "c", "d")...)
		d := forwardTo(s)
		d.Concurrency = 2
		e := New(q, Options{Rand: noJitter})
		e.Configure([]destination.Destination{d})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		e.Close(ctx)
		if took := time.Since(began); took != 3*time.Second {
			t.Fatalf("Close took %v, want the grace", took)
		}
		if sent := slices.Sorted(slices.Values(s.seqs())); !slices.Equal(sent, []uint64{1, 2}) { // nothing new was started
			t.Fatalf("sent %v", sent)
		}
		if n, retries, _ := q.counts(crm); n != 4 || retries != 0 {
			t.Fatalf("%d entries, %d retries: want the first delivered, and no attempt counted", n, retries)
		}
		if q.drains(crm) != 0 {
			t.Fatal("the right to drain was not given back")
		}
		e.Configure([]destination.Destination{d}) // too late: nothing starts
		synctest.Wait()
		wantSeqs(t, s, 1, 2)
	})
}

func TestEpochChangeRereads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(ctx context.Context, it *destination.Item) destination.Verdict {
			if it.Pos.Seq == 2 && it.Attempt < 3 {
				return destination.Verdict{Action: destination.Retry, Reason: "500 Internal Server Error"}
			}
			return slow(10*time.Second)(ctx, it)
		}}
		q.add(crm, contacts("a", "b", "a", "c")...)
		d := forwardTo(s)
		d.Concurrency = 2
		start(t, q, Options{Rand: noJitter}, d)
		elapse(2 * gatherTime) // 1 and, once 2 has failed and that is stored, 4 are in flight
		q.change(crm, func(m *memDest) { m.lost = true })
		elapse(2 * time.Second)
		// Another edge delivers 4 meanwhile; ours still is in flight.
		q.elsewhere(t, crm, func(other queue.Drain) error { return other.Done(t.Context(), []queue.Pos{{Seq: 4}}) })
		q.change(crm, func(m *memDest) { m.lost, m.epoch = false, m.epoch+1 })
		elapse(time.Minute)
		count := map[uint64]int{}
		for _, seq := range s.seqs() {
			count[seq]++
		}
		if count[1] != 1 || count[2] != 3 || count[3] != 1 || count[4] != 1 {
			t.Fatalf("sent %v", count)
		}
		if n, retries, _ := q.counts(crm); n != 0 || retries != 0 || s.together {
			t.Fatalf("%d entries, %d retries left, two at once: %v", n, retries, s.together)
		}
	})
}

// When another edge has the right to drain, what was delivered is deleted all the
// same and is not sent again; what failed or died is the other's, and read again
// should the right come back.
func TestLostRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{}
		s.answer = func(ctx context.Context, it *destination.Item) destination.Verdict {
			o := slow(time.Second)(ctx, it)
			switch it.Header.Contact {
			case "fails":
				o = destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"}
			case "dies":
				o = destination.Verdict{Action: destination.Dead, Reason: "400 Bad Request"}
			}
			return o
		}
		core, logs := observer.New(zapcore.InfoLevel)
		q.add(crm, contacts("fails", "dies", "works", "works again")...)
		e := start(t, q, Options{Rand: noJitter, Logger: zap.New(core)}, forwardTo(s))
		synctest.Wait() // all are in flight
		q.change(crm, func(m *memDest) { m.lost = true })
		elapse(2 * time.Second)
		if n, retries, dead := q.counts(crm); n != 2 || retries != 0 || dead != 0 {
			t.Fatalf("%d entries, %d retries, %d dead letters after the right was lost", n, retries, dead)
		}
		if logs.FilterMessageSnippet("another edge").Len() == 0 || logs.FilterMessageSnippet("does not answer").Len() > 0 {
			t.Errorf("logged: %+v", logs.All())
		}
		if sent := slices.Sorted(slices.Values(s.seqs())); !slices.Equal(sent, []uint64{1, 2, 3, 4}) { // at once: in any order
			t.Fatalf("sent %v", sent)
		}
		s.forget()
		q.retried(t, crm, queue.Retry{Pos: queue.Pos{Seq: 1}, Attempts: 5, FirstAt: time.Now().UnixMilli()})
		q.change(crm, func(m *memDest) { m.lost, m.epoch = false, m.epoch+1 })
		elapse(1500 * time.Millisecond)
		for _, a := range s.attempts() {
			if a.seq == 1 && a.attempt != 6 || a.seq > 2 {
				t.Errorf("event %d is sent, attempt %d", a.seq, a.attempt)
			}
		}
		if n, retries, dead := q.counts(crm); n != 1 || retries != 1 || dead != 1 {
			t.Fatalf("%d entries, %d retries, %d dead letters when the right is back", n, retries, dead)
		}
		// A hard stop at once: there is nothing that it would wait for.
		q.change(crm, func(m *memDest) { m.lost = true })
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		e.Close(ctx)
		if ctx.Err() != nil {
			t.Error("the engine waits for a store that refuses")
		}
	})
}

// What the store refuses of one kind holds up nothing of another.
func TestRefusedRetryHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.noRetry = errors.New("WRONGTYPE")
		s := &sink{answer: failsFor(func(it *destination.Item) bool { return it.Header.Contact == "fails" })}
		q.add(crm, contacts("works", "fails", "works too")...)
		start(t, q, Options{}, forwardTo(s))
		elapse(time.Minute)
		if n, _, _ := q.counts(crm); n != 1 {
			t.Fatalf("%d entries are left, want the one that fails", n)
		}
	})
}

// What was delivered while the store takes no deletions is deleted later and
// not sent again, over a change of epoch too.
func TestStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		q, s := newMemQueue(), &sink{answer: slow(time.Second)}
		q.add(crm, contacts("a", "a", "b", "c")...)
		start(t, q, Options{Logger: zap.New(core)}, forwardTo(s))
		synctest.Wait()
		q.change(crm, func(m *memDest) { m.q.noDone = true })
		elapse(time.Minute)
		q.change(crm, func(m *memDest) { m.epoch++ })
		elapse(time.Minute)
		if n := len(s.seqs()); n != 3 && n != 4 {
			t.Fatalf("sent %v while nothing could be deleted", s.seqs())
		}
		if n := logs.FilterMessageSnippet("does not answer").Len(); n != 1 {
			t.Fatalf("%d lines about the outage, want 1", n)
		}
		q.change(crm, func(m *memDest) { m.q.away = true })
		elapse(time.Minute)
		q.change(crm, func(m *memDest) { m.q.noDone, m.q.away = false, false; m.epoch++ })
		elapse(time.Minute)
		count := map[uint64]int{}
		for _, seq := range s.seqs() {
			count[seq]++
		}
		if count[1] != 1 || count[2] != 1 || count[3] != 1 || count[4] != 1 {
			t.Fatalf("sent %v", count)
		}
		if n, _, _ := q.counts(crm); n != 0 {
			t.Fatalf("%d left", n)
		}
	})
}

// The same while the store takes its time: the view is read again before what
// was delivered is deleted.
func TestNothingIsSentAgainWhileItIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		hold := make(chan struct{})
		q.hold = hold
		q.add(crm, contacts("a", "b", "")...)
		start(t, q, Options{}, forwardTo(s))
		elapse(gate.StorePatience / 4)
		q.change(crm, func(m *memDest) { m.epoch++ })
		elapse(gate.StorePatience / 4)
		q.add(crm, contacts("c")...)
		elapse(gate.StorePatience / 4)
		if n, _, _ := q.counts(crm); n != 4 || len(s.seqs()) != 4 {
			t.Fatalf("%d entries while none can be deleted; sent %v", n, s.seqs())
		}
		close(hold)
		elapse(time.Second)
		if n, _, _ := q.counts(crm); n != 0 || len(s.seqs()) != 4 {
			t.Fatalf("%d left, sent %v", n, s.seqs())
		}
	})
}

func TestIdleCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, contacts("a")...)
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		reads := q.reads
		elapse(time.Hour)
		if q.reads != reads {
			t.Fatalf("%d reads in an idle hour", q.reads-reads)
		}
		inspect(e.workers[crm], func(w *worker) {
			if w.senders.size > 0 || w.alarm.c != nil {
				t.Fatal("an idle worker keeps senders or a timer")
			}
		})
	})
}

func TestPauseByAnotherEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		start(t, q, Options{}, forwardTo(s))
		elapse(2 * time.Second)
		if err := q.SetState(t.Context(), crm, queue.State{Paused: true, Reason: "elsewhere"}); err != nil {
			t.Fatal(err)
		}
		elapse(2 * time.Second)
		q.add(crm, contacts("a")...)
		elapse(time.Minute)
		wantSeqs(t, s)
		if err := q.SetState(t.Context(), crm, queue.State{}); err != nil {
			t.Fatal(err)
		}
		elapse(time.Second)
		wantSeqs(t, s, 1)
	})
}

// What another edge drains, or none yet, shows as what the store says of it.
func TestStatusOfWhatIsStopped(t *testing.T) {
	for want, stored := range map[State]queue.State{
		StatePaused: {Paused: true, Reason: "elsewhere"},
		StateParked: {Parked: true, Reason: "190: the token has expired"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q, s := newMemQueue(), &sink{}
			q.add(crm, contacts("a")...)
			if err := q.SetState(t.Context(), crm, stored); err != nil {
				t.Fatal(err)
			}
			q.change(crm, func(m *memDest) { m.lost = true })
			e := start(t, q, Options{}, forwardTo(s))
			elapse(time.Second)
			if st := statusOf(t, e, "crm"); st.State != want || st.Reason != stored.Reason {
				t.Errorf("it is %s, because of %q, want %s, %q", st.State, st.Reason, want, stored.Reason)
			}
		})
	}
}

// A paused destination keeps nothing in memory, however long it stays so.
func TestPausedKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{answer: retryWith("500 Internal Server Error")}
		q.add(crm, contacts("a", "a", "b", "b", "b")...)
		e := start(t, q, Options{}, forwardTo(s))
		elapse(time.Second)
		if err := e.Pause(t.Context(), "crm", "test"); err != nil {
			t.Fatal(err)
		}
		elapse(time.Second)
		inspect(e.workers[crm], func(w *worker) {
			if size := w.view.Size(); size.Lanes != 0 || size.Tracked != 0 || size.Bytes != 0 {
				t.Fatalf("%d lanes, %d tracked, %d bytes", size.Lanes, size.Tracked, size.Bytes)
			}
		})
	})
}

func TestClicksComeWithTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.clicks["whatsapp:15551234567"] = queue.Clicks{Last: []byte("last")}
		q.add(crm,
			queue.Header{Contact: "a"},
			queue.Header{Contact: "b", ClickKey: "whatsapp:15551234567", Attribution: 24},
			queue.Header{Contact: "c", ClickKey: "whatsapp:15557654321", Attribution: 24},
			queue.Header{Contact: "d", ClickKey: "whatsapp:15551234567"})
		start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		for _, a := range s.attempts() {
			if got := string(a.item.Clicks.Last); (got == "last") != (a.seq == 2) {
				t.Errorf("event %d came with click %q", a.seq, got)
			}
		}
		if len(s.seqs()) != 4 {
			t.Fatalf("sent %v", s.seqs())
		}
	})
}

// TestHeld delivers nothing until it is released, and then what came meanwhile.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{}
		e := New(q, Options{})
		defer e.Close(t.Context())
		e.Hold()
		e.Configure([]destination.Destination{forwardTo(s)})
		q.add(crm, contacts("a", "b")...)
		elapse(time.Minute)
		if n := len(s.seqs()); n != 0 {
			t.Fatalf("%d were sent", n)
		}
		e.Release()
		synctest.Wait()
		wantSeqs(t, s, 1, 2)
	})
}

// TestDrain goes on until nothing waits, and no longer than it may.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: slow(time.Second)}
		q.add(crm, contacts("a", "a", "a")...)
		e := start(t, q, Options{}, forwardTo(s))
		e.Drain(t.Context())
		if n, _, _ := q.counts(crm); n != 0 || len(s.seqs()) != 3 {
			t.Fatalf("%d left; sent %v", n, s.seqs())
		}
		q.add(crm, contacts("a", "a", "a")...)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		e.Drain(ctx)
		if n, _, _ := q.counts(crm); n != 2 {
			t.Fatalf("%d left after a time for one", n)
		}
		// What cannot be sent to is not waited for.
		if err := e.Pause(t.Context(), "crm", "lunch"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		e.Drain(t.Context())
	})
}
