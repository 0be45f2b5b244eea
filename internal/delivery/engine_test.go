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

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/queue"
)

func TestDeliversInOrderAndDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, contacts("a", "a", "b", "", "")...)
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		if n, _, _ := q.counts(crm); n != 0 {
			t.Fatalf("%d entries are left", n)
		}
		if got := s.seqs(); slices.Index(got, 1) > slices.Index(got, 2) || len(got) != 5 {
			t.Fatalf("sent %v", got)
		}
		if s := statusOf(t, e, "crm"); s.Delivered != 5 || s.State != StateRunning || s.Kind != forward.Kind || s.InFlight != 0 {
			t.Fatalf("status %+v", s)
		}
		q.add(crm, contacts("c")...) // wakes an idle worker
		synctest.Wait()
		if n := len(s.seqs()); n != 6 {
			t.Fatalf("%d sent, want 6", n)
		}
	})
}

func TestRetrySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{answer: retryWith("503 Service Unavailable")}
		q.add(crm, contacts("a")...)
		d := forwardTo(s)
		d.RetryFor = time.Hour
		e := start(t, q, Options{}, d)
		began := time.Now()
		elapse(2 * time.Hour)
		var got []time.Duration
		for i, a := range s.attempts() {
			if a.attempt != i+1 {
				t.Fatalf("attempt %d is numbered %d", i+1, a.attempt)
			}
			got = append(got, a.at.Sub(began).Round(time.Second))
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623, 2223, 2823, 3423, 3600}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(got, want) {
			t.Fatalf("attempts at %v, want %v", got, want)
		}
		if n, r, dead := q.counts(crm); n != 0 || r != 0 || dead != 1 {
			t.Fatalf("%d entries, %d retries, %d dead", n, r, dead)
		}
		dead := q.letters(t, crm)[0]
		if dead.Attempts != 16 || dead.Reason.Reason != "503 Service Unavailable" || dead.FirstAt != began.UnixMilli() {
			t.Fatalf("dead letter %+v", dead)
		}
		if s := statusOf(t, e, "crm"); s.State != StateRunning || s.Dead != 1 {
			t.Fatalf("status %+v", s)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for wish, want := range map[time.Duration]time.Duration{
		90 * time.Second: 90 * time.Second,
		5 * time.Hour:    time.Hour, // not believed
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newMemQueue()
			s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
				if it.Attempt == 1 {
					return destination.Verdict{Action: destination.Retry, After: wish}
				}
				return destination.Verdict{Action: destination.Done}
			}}
			q.add(crm, contacts("a")...)
			start(t, q, Options{}, forwardTo(s))
			elapse(6 * time.Hour)
			if a := s.attempts(); len(a) != 2 || a[1].at.Sub(a[0].at).Round(time.Second) != want {
				t.Fatalf("attempts %v", a)
			}
		})
	}
}

func TestRetryStateSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{answer: retryWith("500 Internal Server Error")}
		q.add(crm, contacts("a", "a")...)
		first := New(q, Options{Rand: noJitter})
		first.Configure([]destination.Destination{forwardTo(s)})
		time.Sleep(10 * time.Second) // attempts at 0, 1, 3, 7 s; the next at 15 s
		synctest.Wait()
		first.Close(context.Background())
		s.forget()
		e := start(t, q, Options{}, forwardTo(s))
		elapse(4 * time.Second)
		wantSeqs(t, s)
		if st := statusOf(t, e, "crm"); st.State != StateRetrying || st.Reason != "500 Internal Server Error" {
			t.Fatalf("before the next attempt: %+v", st)
		}
		elapse(2 * time.Second)
		wantSeqs(t, s, 1)
		if a := s.attempts(); a[0].attempt != 5 {
			t.Fatalf("attempt %d, want 5", a[0].attempt)
		}
	})
}

func TestPauseIsDurableAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		q, s := newMemQueue(), &sink{}
		first := New(q, Options{Rand: noJitter})
		first.Configure([]destination.Destination{forwardTo(s)})
		synctest.Wait()
		if err := first.Pause(ctx, "crm", "moving house"); err != nil {
			t.Fatal(err)
		}
		q.add(crm, contacts("a")...)
		synctest.Wait()
		first.Close(ctx)
		e := start(t, q, Options{}, forwardTo(s))
		elapse(time.Hour)
		wantSeqs(t, s)
		if st := statusOf(t, e, "crm"); st.State != StatePaused || st.Reason != "moving house" || st.Backlog != 1 {
			t.Fatalf("status %+v", st)
		}
		if err := e.Resume(ctx, "crm"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantSeqs(t, s, 1)
		if err := e.Pause(ctx, "nobody", ""); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("pausing an unknown destination: %v", err)
		}
	})
}

func TestGonePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			return destination.Verdict{Action: destination.Gone, Reason: "410 Gone", Code: "410"}
		}}
		q.add(crm, contacts("a", "b")...)
		d := forwardTo(s)
		d.Concurrency = 1
		e := start(t, q, Options{}, d)
		elapse(time.Hour)
		wantSeqs(t, s, 1)
		if n, _, dead := q.counts(crm); n != 1 || dead != 1 {
			t.Fatalf("%d entries, %d dead", n, dead)
		}
		if st := statusOf(t, e, "crm"); st.State != StatePaused || st.Reason != "410 Gone" {
			t.Fatalf("status %+v", st)
		}
	})
}

func TestPark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		q := newMemQueue()
		var good atomic.Bool
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			if good.Load() {
				return destination.Verdict{Action: destination.Done}
			}
			return destination.Verdict{Action: destination.Park, Reason: "token has expired", Code: "190"}
		}}
		q.add(crm, numbered("c", 50)...)
		d := forwardTo(s)
		d.Kind, d.Ordered, d.Batch, d.Linger = dataset.Kind, false, 1000, time.Second
		e := start(t, q, Options{Logger: zap.New(core)}, d)
		elapse(10*time.Minute + 2*time.Second)
		sent := s.attempts()
		if len(sent) != 50+10 {
			t.Fatalf("%d sent, want a batch of 50 and 10 probes", len(sent))
		}
		for i, a := range sent[50:] {
			if a.seq != 1 || a.size != 1 || a.attempt != 1 {
				t.Fatalf("probe %d: %+v", i, a)
			}
		}
		if _, r, dead := q.counts(crm); r != 0 || dead != 0 {
			t.Fatalf("%d retries, %d dead: something was burnt", r, dead)
		}
		if n := logs.FilterMessageSnippet("parked").Len(); n != 1 {
			t.Fatalf("%d lines about parking, want 1", n)
		}
		st := statusOf(t, e, "crm")
		if st.State != StateParked || st.Reason != "token has expired (190)" || st.Code != "190" || st.Backlog != 50 {
			t.Fatalf("status %+v", st)
		}
		if !q.info(crm).State.Parked {
			t.Fatal("the store does not know")
		}
		// A reload tries at once.
		s.forget()
		e.Configure([]destination.Destination{d})
		synctest.Wait()
		wantSeqs(t, s, 1)
		// And by itself once the token works.
		good.Store(true)
		elapse(time.Minute + 2*time.Second)
		if n, _, _ := q.counts(crm); n != 0 {
			t.Fatalf("%d entries are left", n)
		}
		if st := statusOf(t, e, "crm"); st.State != StateRunning || st.Delivered != 50 || q.info(crm).State.Parked {
			t.Fatalf("status %+v", st)
		}
	})
}

func TestParkedStateSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, contacts("a", "b", "c")...)
		if err := q.SetState(t.Context(), crm, queue.State{Parked: true, Reason: "token"}); err != nil {
			t.Fatal(err)
		}
		s.answer = func(context.Context, *destination.Item) destination.Verdict {
			return destination.Verdict{Action: destination.Dead, Reason: "expired"}
		}
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		// Dead ones do not cost a minute each.
		if _, _, dead := q.counts(crm); dead != 3 {
			t.Fatalf("%d dead, want 3", dead)
		}
		if st := statusOf(t, e, "crm"); st.State != StateParked {
			t.Fatalf("status %+v", st)
		}
		if err := e.Resume(t.Context(), "crm"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if st := statusOf(t, e, "crm"); st.State != StateRunning {
			t.Fatalf("status %+v", st)
		}
	})
}

// TestResumedInFlight: what was asked before an operator resumed a destination, and is answered
// later, neither parks nor pauses it again.
func TestResumedInFlight(t *testing.T) {
	for action, want := range map[destination.Action]struct {
		state     State
		delivered int64
	}{destination.Park: {StateParked, 2}, destination.Gone: {StatePaused, 0}} { // what is gone is a dead letter
		resumedInFlight(t, action, want.state, want.delivered)
	}
}

func resumedInFlight(t *testing.T, action destination.Action, stopped State, delivered int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, contacts("a", "b")...)
		answers, mended := map[string]chan bool{"a": make(chan bool), "b": make(chan bool)}, false
		s.answer = func(_ context.Context, it *destination.Item) destination.Verdict {
			s.mu.Lock()
			good := mended
			s.mu.Unlock()
			if good {
				return destination.Verdict{Action: destination.Done}
			}
			<-answers[it.Header.Contact]
			return destination.Verdict{Action: action, Reason: "token"}
		}
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		close(answers["a"])
		synctest.Wait()
		if st := statusOf(t, e, "crm"); st.State != stopped || st.InFlight != 1 {
			t.Fatalf("status %+v", st)
		}
		s.mu.Lock()
		mended = true
		s.mu.Unlock()
		if err := e.Resume(t.Context(), "crm"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		close(answers["b"])
		synctest.Wait()
		if st := statusOf(t, e, "crm"); st.State != StateRunning || st.Delivered != delivered {
			t.Fatalf("status %+v", st)
		}
	})
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		throttled := false
		s := &sink{}
		s.answer = func(context.Context, *destination.Item) destination.Verdict {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !throttled {
				throttled = true
				return destination.Verdict{Action: destination.Throttle, After: 20 * time.Second}
			}
			return destination.Verdict{Action: destination.Done}
		}
		q.add(crm, contacts("a", "b", "c")...)
		d := forwardTo(s)
		d.Concurrency = 1
		start(t, q, Options{}, d)
		elapse(19 * time.Second)
		wantSeqs(t, s, 1)
		elapse(2 * time.Second)
		wantSeqs(t, s, 1, 1, 2, 3)
		if a := s.attempts()[1]; a.attempt != 1 {
			t.Fatalf("attempt %d: a throttled send was counted", a.attempt)
		}
	})
}

func TestAgainOnlyDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			return destination.Verdict{Action: destination.Again}
		}}
		q.add(crm, contacts("a")...)
		start(t, q, Options{}, forwardTo(s))
		elapse(10500 * time.Millisecond)
		if n := len(s.seqs()); n != 11 {
			t.Fatalf("%d sends in 10 s, want 11", n)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, numbered("c", 100)...)
		d := forwardTo(s)
		d.Rate = 10
		e := start(t, q, Options{}, d)
		synctest.Wait()
		if n := len(s.seqs()); n != 10 {
			t.Fatalf("%d at once, want a second's worth, 10", n)
		}
		elapse(5*time.Second + time.Millisecond)
		if n := len(s.seqs()); n != 60 {
			t.Fatalf("%d after 5 s, want 60", n)
		}
		d.Rate = 0
		e.Configure([]destination.Destination{d})
		synctest.Wait()
		if n := len(s.seqs()); n != 100 {
			t.Fatalf("%d without a limit, want 100", n)
		}
	})
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, numbered("c", 250)...)
		d := forwardTo(s)
		d.Ordered, d.Batch, d.Linger = false, 100, time.Second
		start(t, q, Options{}, d)
		synctest.Wait()
		if n := len(s.seqs()); n != 200 {
			t.Fatalf("%d at once, want two full batches", n)
		}
		elapse(500 * time.Millisecond)
		q.add(crm, numbered("d", 10)...)
		synctest.Wait()
		if n := len(s.seqs()); n != 200 {
			t.Fatalf("%d after half a second, want 200", n)
		}
		elapse(501 * time.Millisecond)
		sent := s.attempts()
		if len(sent) != 260 || sent[259].size != 60 {
			t.Fatalf("%d sent, the last in a batch of %d", len(sent), sent[len(sent)-1].size)
		}
		q.add(crm, numbered("e", 100)...) // full at once
		synctest.Wait()
		if n := len(s.seqs()); n != 360 {
			t.Fatalf("%d, want a full batch not to wait", n)
		}
	})
}

func TestPanicIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.ErrorLevel)
		q := newMemQueue()
		s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
			if it.Attempt == 1 {
				panic("boom")
			}
			return destination.Verdict{Action: destination.Done}
		}}
		q.add(crm, contacts("a")...)
		start(t, q, Options{Logger: zap.New(core)}, forwardTo(s))
		elapse(time.Minute)
		if n, _, _ := q.counts(crm); n != 0 || len(s.seqs()) != 2 {
			t.Fatalf("%d left after %v", n, s.seqs())
		}
		if logs.FilterMessage("sender panicked").Len() != 1 {
			t.Fatal("no stack was logged")
		}
	})
}

func TestUnmatchedAndRemovedInStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		old := queue.Dest{Tenant: "acme", Name: "old"}
		q.add(old, queue.Header{QueuedAt: time.Now().Add(-time.Minute).UnixMilli()})
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		if st := statusOf(t, e, "old"); st.State != StateRemoved || st.Backlog != 1 || st.OldestAgeSeconds != 60 {
			t.Fatalf("status %+v", st)
		}
		if err := e.Pause(t.Context(), "old", "x"); err != nil || !q.info(old).State.Paused {
			t.Fatalf("pausing a removed destination: %v", err)
		}
	})
}

// A name under two tenants, of which the queue of one is being taken over, is one row.
func TestOneRowForAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{answer: retryWith("503 Service Unavailable")}
		for _, tenant := range []string{"initech", "globex"} {
			q.add(queue.Dest{Tenant: tenant, Name: crm.Name}, queue.Header{QueuedAt: time.Now().Add(-time.Minute).UnixMilli()})
			q.add(queue.Dest{Tenant: tenant, Name: "old"}, contacts("a")...)
		}
		q.add(crm, contacts("a")...)
		e := start(t, q, Options{}, forwardTo(s))
		synctest.Wait()
		list, err := e.Status(t.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v, want crm and old", list, err)
		}
		if st := list[0]; st.Tenant != crm.Tenant || st.Backlog != 3 || st.OldestAgeSeconds < 60 || st.State == StateRemoved {
			t.Errorf("crm: %+v", st)
		}
		if st := list[1]; st.Backlog != 2 || st.State != StateRemoved {
			t.Errorf("old: %+v", st)
		}
	})
}

// An event's clicks are its own tenant's, wherever it waits.
func TestTenantOf(t *testing.T) {
	const id = `{"id":"e70210fe-620f-555d-bc02-bd88cd34dabc","tenantId":"`
	for payload, want := range map[string]string{
		id + `initech","kind":"message"}`: "initech", id + `acme","kind"`: "acme", id: "acme", id + `ini`: "acme",
		`{"object":"whatsapp_business_account"}`: "acme", "": "acme",
	} {
		if got := tenantOf([]byte(payload), "acme"); got != want {
			t.Errorf("%s: %s, want %s", payload, got, want)
		}
	}
}
