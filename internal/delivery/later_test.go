package delivery

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// outcomesSeen counts what an engine tells of deliveries.
type outcomesSeen struct {
	mu sync.Mutex
	n  map[string]int
}

func (o *outcomesSeen) Delivered(_, _, outcome string, events int, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == nil {
		o.n = map[string]int{}
	}
	o.n[outcome] += events
}

func (*outcomesSeen) InDoubt(string, string, int) {}

// ledgerTo is a destination that answers with receipts, in batches.
func ledgerTo(s destination.Sender) destination.Destination {
	d := forwardTo(s)
	d.Hold, d.Batch, d.Linger, d.Concurrency = destination.HoldForever, 100, 0, 4
	return d
}

// receipted takes an event with a receipt, says twice that it is not known yet what
// became of it, once that it is to be sent again, fails once, and is done.
func receipted(_ context.Context, it *destination.Item) destination.Verdict {
	v := destination.Verdict{Action: destination.Later, After: 30 * time.Minute, Reason: "processing"}
	switch {
	case it.Receipt == "" && it.Note == "":
		v.Receipt = "request 1"
	case it.Receipt == "request 1":
		v.Receipt = "request 1 again"
	case it.Receipt == "request 1 again":
		v.Note = "once" // it is sent again
	case it.Receipt == "" && it.Attempt == 1:
		return destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"}
	case it.Receipt == "":
		v.Receipt = "request 2"
	default:
		return destination.Verdict{Action: destination.Done}
	}
	return v
}

// TestLater: what waits though nothing failed counts no attempt, opens no breaker, holds
// its contact and comes back with its receipt when it is due; it is delivered once.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, seen := newMemQueue(), &sink{answer: receipted}, &outcomesSeen{}
		q.add(crm, numbered("c", 20)...)
		q.add(crm, contacts("c0")...) // a correction, say: after what it corrects is settled
		e := start(t, q, Options{Observer: seen}, ledgerTo(s))
		synctest.Wait()
		elapse(time.Second)
		want := func(when string, delivered, awaiting, backlog, retries int) {
			t.Helper()
			st := statusOf(t, e, crm.Name)
			if st.State != StateRunning || int(st.Delivered) != delivered || st.Awaiting != awaiting || st.Backlog != backlog {
				t.Errorf("%s: %+v", when, st)
			}
			if _, n, _ := q.counts(crm); n != retries {
				t.Errorf("%s: %d retries are stored, want %d", when, n, retries)
			}
		}
		want("taken", 20, 20, 1, 20)
		s.forget()
		elapse(29 * time.Minute)
		if n := len(s.seqs()); n != 0 {
			t.Fatalf("%d are asked about before their time", n)
		}
		elapse(time.Minute)
		for _, a := range s.attempts() {
			if a.attempt != 1 || a.item.Receipt != "request 1" || a.size != 20 {
				t.Fatalf("asked about: attempt %d, receipt %q, %d at once", a.attempt, a.item.Receipt, a.size)
			}
		}
		want("asked once", 20, 20, 1, 20)
		elapse(30 * time.Minute)
		want("to be sent again", 20, 0, 21, 20)
		elapse(30*time.Minute + 10*time.Second) // fails, and is taken again
		want("sent again", 20, 20, 1, 20)
		elapse(30 * time.Minute)
		want("settled, and the one that waited is taken", 21, 1, 0, 1)
		elapse(3 * time.Hour)
		want("all is done", 21, 0, 0, 0)
		if !maps.Equal(seen.n, map[string]int{"delivered": 21, "later": 21 * 3, "retried": 21, "confirmed": 21}) {
			t.Errorf("told %v", seen.n)
		}
		if s.together {
			t.Error("two of a contact at once")
		}
	})
}

// TestLaterHoldsForever: what waits holds its contact longer than `hold`, whatever else is
// taken meanwhile; what is never taken is neither delivered nor awaited.
func TestLaterHoldsForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
			if it.Header.Contact == "a" && it.Pos.Seq == 1 {
				return destination.Verdict{Action: destination.Later, After: time.Hour}
			}
			return destination.Verdict{Action: destination.Done}
		}}
		q.add(crm, contacts("a", "a")...)
		d := forwardTo(s)
		d.Hold = time.Minute
		e := start(t, q, Options{}, d)
		for range 100 {
			q.add(crm, contacts("b")...)
			elapse(time.Minute)
		}
		st := statusOf(t, e, crm.Name)
		if st.Delivered != 100 || st.Awaiting != 0 || st.Backlog != 2 || st.State != StateRunning {
			t.Fatalf("%+v", st)
		}
		e.Drain(t.Context()) // waits for nothing that is not due
	})
}

// TestParkedWithReceipts: what is only waited for says nothing of a parked destination, so
// that its probes are of what it has not; without any, of what it is asked about.
func TestParkedWithReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		var good atomic.Bool
		s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
			switch {
			case it.Pos.Seq <= 3000:
				return destination.Verdict{Action: destination.Later, After: 24 * time.Hour, Receipt: "r" + it.Receipt}
			case good.Load():
				return destination.Verdict{Action: destination.Done}
			}
			return destination.Verdict{Action: destination.Park, Reason: "token", Code: "401"}
		}}
		q.add(crm, numbered("c", 3000)...)
		e := start(t, q, Options{}, ledgerTo(s))
		elapse(time.Minute)
		q.add(crm, contacts("x", "y")...)
		elapse(5 * time.Minute)
		if st := statusOf(t, e, crm.Name); st.State != StateParked || st.Awaiting != 3000 || st.Backlog != 2 {
			t.Fatalf("%+v", st)
		}
		s.forget()
		elapse(2 * time.Minute)
		wantSeqs(t, s, 3001, 3001)
		good.Store(true)
		elapse(2 * time.Minute)
		if st := statusOf(t, e, crm.Name); st.State != StateRunning || st.Awaiting != 3000 || st.Backlog != 0 || st.Delivered != 3002 {
			t.Fatalf("%+v", st)
		}
	})
}

// TestLaterOverLostRight: a receipt that comes while another edge has the right to drain
// is not stored; should the right come back, what the store has counts.
func TestLaterOverLostRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{}
		s.answer = func(ctx context.Context, it *destination.Item) destination.Verdict {
			slow(time.Second)(ctx, it)
			return destination.Verdict{Action: destination.Later, After: time.Hour, Receipt: "ours"}
		}
		q.add(crm, contacts("a", "b")...)
		d := ledgerTo(s)
		e := start(t, q, Options{}, d)
		synctest.Wait()
		q.change(crm, func(m *memDest) { m.lost = true })
		elapse(2 * time.Second)
		if n, retries, _ := q.counts(crm); n != 2 || retries != 0 {
			t.Fatalf("%d entries, %d retries", n, retries)
		}
		due := time.Now().Add(2 * time.Hour).UnixMilli()
		q.retried(t, crm, queue.Retry{Pos: queue.Pos{Seq: 1}, FirstAt: 1, Due: due, Receipt: "theirs"})
		s.forget()
		q.change(crm, func(m *memDest) { m.lost, m.epoch = false, m.epoch+1 })
		elapse(2 * time.Second)
		for _, a := range s.attempts() {
			if a.seq != 2 || a.item.Receipt != "" {
				t.Errorf("sent: %d with receipt %q", a.seq, a.item.Receipt)
			}
		}
		if st := statusOf(t, e, crm.Name); st.Awaiting != 2 || st.Backlog != 0 {
			t.Errorf("%+v", st)
		}
		s.forget()
		elapse(2*time.Hour + time.Second)
		if a := s.attempts(); len(a) < 2 || a[len(a)-1].item.Receipt == "" {
			t.Errorf("asked about: %+v", a)
		}
	})
}

// TestReceiptsSurvive: on every store, receipts and notes come back after a restart and are
// asked about when they are due, while a reload and a pause in between change nothing.
func TestReceiptsSurvive(t *testing.T) {
	for name, open := range realStores {
		t.Run(name, func(t *testing.T) {
			q := open(t)
			const events = 20
			fillStore(t, q, 0, events, events, []byte(`{"id":"x"}`))
			taken := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
				number := it.Header.EventID[15]
				v := destination.Verdict{Action: destination.Later, After: time.Hour, Receipt: fmt.Sprint("request ", number)}
				if number%2 == 1 {
					v.Note = fmt.Sprint("note ", number)
				}
				return v
			}}
			first := New(q, Options{})
			first.Configure([]destination.Destination{ledgerTo(taken)})
			await(t, func() bool { return statusOf(t, first, crm.Name).Awaiting == events })
			first.Configure([]destination.Destination{ledgerTo(taken)}) // a reload
			if err := first.Pause(t.Context(), crm.Name, "lunch"); err != nil {
				t.Fatal(err)
			}
			first.Close(t.Context()) // gives the right back: so it is for whoever takes over

			var mu sync.Mutex
			asked := map[byte][2]string{}
			later := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
				mu.Lock()
				defer mu.Unlock()
				asked[it.Header.EventID[15]] = [2]string{it.Receipt, it.Note}
				return destination.Verdict{Action: destination.Done}
			}}
			var ahead time.Duration
			e := New(q, Options{Now: func() time.Time { return time.Now().Add(ahead) }})
			e.Configure([]destination.Destination{ledgerTo(later)})
			if err := e.Resume(t.Context(), crm.Name); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool { return statusOf(t, e, crm.Name).Awaiting == events })
			if st := statusOf(t, e, crm.Name); st.Delivered != 0 || st.Backlog != 0 || len(later.seqs()) != 0 {
				t.Errorf("before it is due: %+v, asked %d", st, len(later.seqs()))
			}
			e.Close(t.Context())

			ahead = time.Hour
			e = start(t, q, Options{Now: func() time.Time { return time.Now().Add(ahead) }}, ledgerTo(later))
			await(t, func() bool {
				st := statusOf(t, e, crm.Name)
				return st.Awaiting == 0 && st.Backlog == 0
			})
			if st := statusOf(t, e, crm.Name); st.Delivered != 0 { // it was, before
				t.Errorf("afterwards: %+v", st)
			}
			for number := range byte(events) {
				want := [2]string{fmt.Sprint("request ", number)}
				if number%2 == 1 {
					want[1] = fmt.Sprint("note ", number)
				}
				if asked[number] != want {
					t.Errorf("%d came back with %q, want %q", number, asked[number], want)
				}
			}
		})
	}
}

// await polls until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not come about")
		}
	}
}
