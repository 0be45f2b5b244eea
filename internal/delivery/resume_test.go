package delivery

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
)

// TestResumeTriesAtOnce: what failed is not left to wait for as long as the destination
// once asked for, when an operator says that it is mended.
func TestResumeTriesAtOnce(t *testing.T) {
	for name, pause := range map[string]bool{"failing": false, "paused meanwhile": true} {
		for _, events := range []int{1, 30} { // of 30 the breaker opens
			t.Run(fmt.Sprint(name, " ", events), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { resumeTriesAtOnce(t, events, pause) })
			})
		}
	}
}

func resumeTriesAtOnce(t *testing.T, events int, pause bool) {
	t.Helper()
	var mended atomic.Bool
	q, s := newMemQueue(), &sink{}
	s.answer = func(context.Context, *destination.Item) destination.Verdict {
		if mended.Load() {
			return destination.Verdict{Action: destination.Done}
		}
		return destination.Verdict{Action: destination.Retry, After: time.Hour, Reason: "503 Service Unavailable"}
	}
	for n := range events {
		q.add(crm, contacts(fmt.Sprint("c", n))...)
	}
	e := start(t, q, Options{}, forwardTo(s))
	elapse(time.Second)
	if pause {
		if err := e.Pause(t.Context(), crm.Name, "by an operator"); err != nil {
			t.Fatal(err)
		}
		elapse(time.Second)
	}
	mended.Store(true)
	if err := e.Resume(t.Context(), crm.Name); err != nil {
		t.Fatal(err)
	}
	elapse(time.Second)
	if st := statusOf(t, e, crm.Name); st.State != StateRunning || st.Delivered != int64(events) || st.Until != nil {
		t.Errorf("status %+v", st)
	}
}
