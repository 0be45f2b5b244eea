package delivery

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
)

// A destination that is asked to wait says so until it takes an event: also while
// the next one is on its way, which may be refused again.
func TestThrottledState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		q := newMemQueue()
		var answer atomic.Pointer[destination.Verdict]
		blocked := destination.Verdict{
			Action: destination.Throttle, After: time.Hour, Reason: "throttled", Code: "368", Explanation: "Meta has blocked the action",
		}
		answer.Store(&blocked)
		s := &sink{answer: func(ctx context.Context, it *destination.Item) destination.Verdict {
			slow(10*time.Second)(ctx, it)
			return *answer.Load()
		}}
		q.add(crm, contacts("a", "b")...)
		d := forwardTo(s)
		d.Kind, d.Ordered = dataset.Kind, false
		e := start(t, q, Options{Logger: zap.New(core)}, d)
		elapse(11 * time.Second)
		until := time.Now().Add(time.Hour - time.Second)
		st := statusOf(t, e, "crm")
		if st.State != StateRetrying || st.Code != "368" || st.Until == nil || *st.Until != until.UnixMilli() {
			t.Fatalf("status %+v", st)
		}
		if want := "throttled (368): Meta has blocked the action; it waits until " + until.UTC().Format(time.RFC3339); st.Reason != want {
			t.Errorf("reason %q, want %q", st.Reason, want)
		}
		elapse(time.Hour + 5*time.Second) // the next request is on its way
		st = statusOf(t, e, "crm")
		if st.State != StateRetrying || st.InFlight == 0 || st.Until != nil || !strings.HasPrefix(st.Reason, "throttled (368)") {
			t.Errorf("while it is tried again: %+v", st)
		}
		elapse(10 * time.Second)
		if n := logs.FilterMessageSnippet("takes events again").Len(); n != 0 {
			t.Errorf("%d lines say that it takes events again", n)
		}
		answer.Store(&destination.Verdict{Action: destination.Done})
		if err := e.Resume(t.Context(), "crm"); err != nil { // at once
			t.Fatal(err)
		}
		elapse(11 * time.Second)
		if st := statusOf(t, e, "crm"); st.State != StateRunning || st.Reason != "" || st.Code != "" || st.Until != nil || st.Backlog != 0 {
			t.Errorf("after it took them: %+v", st)
		}

		// Taken, with the headers' wish to wait: what comes next waits.
		answer.Store(&destination.Verdict{Action: destination.Done, After: time.Minute})
		q.add(crm, contacts("c")...)
		elapse(11 * time.Second)
		q.add(crm, contacts("d")...)
		elapse(time.Second)
		if st := statusOf(t, e, "crm"); st.State != StateRetrying || st.Until == nil || !strings.Contains(st.Reason, "a limit is reached") {
			t.Errorf("after a limit was reached: %+v", st)
		}
		answer.Store(&destination.Verdict{Action: destination.Done})
		elapse(2 * time.Minute)
		if st := statusOf(t, e, "crm"); st.State != StateRunning || st.Backlog != 0 {
			t.Errorf("in the end: %+v", st)
		}
	})
}

// What a limit was reached for may have been the last event.
func TestThrottledStateEndsWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			return destination.Verdict{Action: destination.Done, After: time.Minute}
		}}
		q.add(crm, contacts("a")...)
		e := start(t, q, Options{}, forwardTo(s))
		elapse(2 * time.Minute)
		if st := statusOf(t, e, "crm"); st.State != StateRunning {
			t.Errorf("status %+v", st)
		}
	})
}

func TestCodeOf(t *testing.T) {
	for want, outcomes := range map[string][]destination.Verdict{
		"190/463": {{Reason: "token", Code: "190/463", Explanation: "the access token has expired: make a new one (today)"}},
		"404":     {{Reason: "404 Not Found", Code: "404"}, {Reason: "404 Not Found", Code: "404", Explanation: "nothing answers (see n8n)"}},
		"999":     {{Reason: "999", Code: "999"}},
		"SERVICE_DISABLED": {{Reason: "permission", Code: "SERVICE_DISABLED"},
			{Reason: "permission", Code: "SERVICE_DISABLED", Explanation: "the API is off (see HTTP)"}},
		"": {{Reason: "timeout after 10s"}, {Reason: "no address found for crm (12)x"}, {Reason: "HTTP"}, {}},
	} {
		for _, o := range outcomes {
			if got := destination.CodeOf(o.Why()); got != want {
				t.Errorf("%q: %q, want %q", o.Why(), got, want)
			}
		}
	}
}
