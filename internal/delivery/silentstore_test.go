package delivery

import (
	"context"
	"fmt"
	"sync"
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
// again by whoever drains next: with what was on its way, no more than may be at once.
// When the store answers, all goes on, and nothing is sent twice.
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
		if unsettled > concurrency {
			t.Errorf("%d events are sent and not settled, want at most %d", unsettled, concurrency)
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

// TestSilentStoreForAMoment has a write take a little less than it may, and nothing is
// said of it. Where what is sent is noted before, that stops nothing; where not, what was
// sent and is not stored stays within what may be sent at once.
func TestSilentStoreForAMoment(t *testing.T) {
	for name, doubt := range map[string]destination.InDoubt{"not noted": destination.Unnoted, "noted": destination.SendAgain} {
		t.Run(name, func(t *testing.T) {
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
				d := forwardTo(s)
				d.InDoubt = doubt
				start(t, q, Options{Logger: zap.New(core)}, d)
				elapse(gate.StorePatience - 50*time.Millisecond)
				before := len(s.seqs())
				elapse(30 * time.Millisecond)
				goesOn := len(s.seqs()) > before
				if noted := doubt != destination.Unnoted; goesOn != noted || !noted && before != d.Concurrency {
					t.Errorf("%d were sent while a write took its time, and more then: %v", before, goesOn)
				}
				close(hold)
				elapse(time.Minute)
				if n := q.info(crm).Backlog; n > 0 || logs.Len() > 0 {
					t.Errorf("%d events are left; said: %v", n, logs.All())
				}
			})
		})
	}
}

// TestInFlightUntilStored has outcomes take their time to be stored. At each send, what
// was sent and is not stored yet, which a crash would repeat, is at most what may be sent
// at once; that is made use of, and whatever the outcomes are, nothing gets stuck.
func TestInFlightUntilStored(t *testing.T) {
	const events = 400
	for _, concurrency := range []int{1, 2, 8, 32} {
		t.Run(fmt.Sprint(concurrency, " at once"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newMemQueue()
				q.slowDone = 3 * time.Millisecond
				var mu sync.Mutex
				begun, most := 0, 0
				s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
					if it.Attempt == 1 {
						stored := events - q.info(crm).Backlog // before begun, which only grows
						mu.Lock()
						begun++
						most = max(most, begun-stored)
						mu.Unlock()
					}
					<-time.After(time.Duration(1+it.Pos.Seq%4) * time.Millisecond)
					switch {
					case it.Pos.Seq%50 == 7:
						return destination.Verdict{Action: destination.Dead, Reason: "400 Bad Request"}
					case it.Pos.Seq == 100 && it.Attempt == 1:
						return destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"}
					}
					return destination.Verdict{Action: destination.Done}
				}}
				q.add(crm, numbered("c", events)...)
				d := forwardTo(s)
				d.Concurrency = concurrency
				start(t, q, Options{}, d)
				elapse(time.Minute)
				// The one that failed waits in the queue while others are sent.
				if most < concurrency || most > concurrency+1 {
					t.Errorf("up to %d were sent and not stored, want %d", most, concurrency)
				}
				if n, retries, dead := q.counts(crm); n > 0 || retries > 0 || dead != events/50 {
					t.Errorf("%d events are left, %d retries, %d are dead", n, retries, dead)
				}
			})
		})
	}
}
