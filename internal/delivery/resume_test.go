package delivery

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
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

// TestResumeByAnotherEdge: an operator may ask any of several edges, whichever drains. What
// the order ends is forgotten there: a wish to wait, a block for a time.
func TestResumeByAnotherEdge(t *testing.T) {
	for name, verdict := range map[string]destination.Verdict{
		"failing":   {Action: destination.Retry, After: time.Hour, Reason: "503 Service Unavailable"},
		"throttled": {Action: destination.Throttle, After: time.Hour, Reason: "throttled (368)"},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			open := func() queue.Queue {
				q, err := redis.Open(redis.Config{URLs: []string{server.URL()}}, queue.Options{
					Dedupe: time.Hour, RememberClicks: time.Hour, KeepDead: time.Hour, MaxBacklog: 1000,
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := q.Close(); err != nil {
						t.Error(err)
					}
				})
				return q
			}
			q := open()
			fillStore(t, q, 0, 1, 1, []byte(`{"id":"x"}`))
			var mended atomic.Bool
			drains := start(t, q, Options{}, forwardTo(&sink{answer: func(context.Context, *destination.Item) destination.Verdict {
				if mended.Load() {
					return destination.Verdict{Action: destination.Done}
				}
				return verdict
			}}))
			await(t, func() bool { return statusOf(t, drains, crm.Name).Until != nil })
			asked := start(t, open(), Options{}, forwardTo(&sink{}))
			mended.Store(true)
			if err := asked.Resume(t.Context(), crm.Name); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool { return statusOf(t, drains, crm.Name).Delivered == 1 })
		})
	}
}

// TestResumedWhileKnown: an edge that begins to drain takes nothing that it finds stored for
// an order: whoever drained before has obeyed it.
func TestResumedWhileKnown(t *testing.T) {
	resumed, again := queue.State{Since: 1000}, queue.State{Since: 2000}
	parked := queue.State{Parked: true, Reason: "token", Since: 1500}
	var s storedState
	for i, step := range []struct {
		stored queue.State
		want   bool
	}{
		{resumed, false}, {resumed, false}, {parked, false}, {again, true}, {again, false}, {queue.State{}, false}, {again, true},
	} {
		if got := s.read(step.stored); got != step.want || s.get() != step.stored {
			t.Errorf("step %d: %+v is an order: %v, want %v", i, step.stored, got, step.want)
		}
	}
	if s.forget(); s.read(queue.State{Since: 3000}) {
		t.Error("an order of another edge's time is one")
	}
}
