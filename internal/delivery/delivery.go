// Package delivery drains the queues into their destinations.
//
// An [Engine] has one worker for each configured destination, a loop over these:
//
//   - the view, a package: what was read of the queue, and in which order it may be
//     sent, one event of a contact at a time;
//   - the gate, a package: whether the destination may be sent to, how much, and when
//     next: its rate, its breaker, whether it is parked, throttled or paused;
//   - the reader: reads the store ahead, and again what waited without its payload;
//   - the senders: goroutines that call the destination's [destination.Sender];
//   - the acks: what became of events (delivered, to be tried again, dead), until it is
//     written to the store;
//   - the stored state, paused or parked, which operators and other edges change too;
//   - the report: what [Engine.Status] and the log say.
//
// Begin with worker.go, whose step is the loop; finish.go says what follows from a
// sender's verdict. How an event is sent, and what an answer means, is not known here:
// see package destination.
//
// A dead or slow destination delays nobody else: workers share nothing but the
// store, see [Store]. The package imports no Caddy.
package delivery

import (
	"time"

	"go.uber.org/zap"
)

// Observer is told what happens, for metrics. It is called from many goroutines and
// must not block.
type Observer interface {
	// Delivered tells the outcome (an Action's name, or Confirmed) of so many events of
	// one Send, and how long it took.
	Delivered(destination, kind, outcome string, events int, took time.Duration)
	// InDoubt tells that so many events may have arrived, and nothing says whether.
	InDoubt(destination, kind string, events int)
}

// Confirmed is the outcome of events that were delivered before, with a receipt, and of
// which the destination now said what became of them.
const Confirmed = "confirmed"

// Options are what an engine is made with. All may be left out.
type Options struct {
	Now      func() time.Time
	Timer    func(time.Duration) (c <-chan time.Time, stop func() bool) // fires once, after a duration
	Rand     func() float64                                             // uniform in [0, 1), for the jitter; called from many goroutines
	Logger   *zap.Logger
	Observer Observer
}
