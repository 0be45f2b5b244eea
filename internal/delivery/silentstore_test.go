package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/destination"
)

// TestSilentStoreStopsTheSenders has a store not answer a write any more, in the midst
// of a backlog that the engine has in memory. What is sent from then on would be sent
// again by whoever drains next: it is what was on its way, and what goes in the time
// that a write may take. When the store answers, all goes on, and nothing is sent twice.
func TestSilentStoreStopsTheSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events, concurrency, took = 2000, 8, 10 * time.Millisecond
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			<-time.After(took)
			return destination.Verdict{Action: destination.Done}
		}}
		core, logs := observer.New(zapcore.InfoLevel)
		q.add(crm, numbered("c", events)...)
		e := start(t, q, Options{Logger: zap.New(core)}, forwardTo(s))
		elapse(20 * took)

		hold := make(chan struct{})
		q.mu.Lock()
		q.hold = hold
		q.mu.Unlock()
		elapse(gate.StorePatience + 5*took)
		unsettled := len(s.seqs()) - (events - q.info(crm).Backlog)
		if most := concurrency + concurrency*int((gate.StorePatience+gatherTime)/took+1); unsettled > most {
			t.Errorf("%d events are sent and not settled, want at most %d", unsettled, most)
		}
		sent := len(s.seqs())
		elapse(20 * time.Second)
		if more := len(s.seqs()) - sent; more > 0 {
			t.Errorf("%d events were sent later", more)
		}
		if state := statusOf(t, e, crm.Name).State; state != StateRunning {
			t.Errorf("the destination is %s", state)
		}
		if n := logs.FilterMessageSnippet("does not answer").Len(); n != 1 {
			t.Errorf("%d lines say that the store does not answer", n)
		}

		close(hold)
		elapse(time.Minute)
		if n := q.info(crm).Backlog; n > 0 || len(s.seqs()) != events {
			t.Errorf("%d events are left, %d of %d were sent", n, len(s.seqs()), events)
		}
		if n := logs.FilterMessageSnippet("answers again").Len(); n != 1 {
			t.Errorf("%d lines say that it does again", n)
		}
	})
}

// TestSilentStoreForAMoment has each write take a little less than it may: that stops
// nothing, and nothing is said of it.
func TestSilentStoreForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			<-time.After(10 * time.Millisecond)
			return destination.Verdict{Action: destination.Done}
		}}
		core, logs := observer.New(zapcore.WarnLevel)
		hold := make(chan struct{})
		q.hold = hold
		q.add(crm, numbered("c", 1000)...)
		start(t, q, Options{Logger: zap.New(core)}, forwardTo(s))
		elapse(gate.StorePatience - 50*time.Millisecond)
		before := len(s.seqs())
		elapse(30 * time.Millisecond)
		if len(s.seqs()) == before {
			t.Error("nothing was sent while a write took its time")
		}
		close(hold)
		elapse(time.Minute)
		if n := q.info(crm).Backlog; n > 0 || logs.Len() > 0 {
			t.Errorf("%d events are left; said: %v", n, logs.All())
		}
	})
}
