// Package delivery drains the queues into their destinations.
//
// An [Engine] has one worker for each configured destination. A worker reads
// ahead from the head of its queue, keeps one event of a contact in flight,
// hands what may be sent to the destination's [Sender], and writes what became
// of it back to the queue: delivered, to be tried again, or dead. Retries, the
// breaker, parking, pausing and the limits of a destination are all here; how an
// event is sent, and what an answer means, is the Sender's.
//
// A dead or slow destination delays nobody else: workers share nothing but the
// store.
package delivery

import (
	"time"

	"go.uber.org/zap"
)

// Observer is told what happens, for metrics. It is called from many goroutines and
// must not block.
type Observer interface {
	// Delivered tells the outcome (an Action's name) of so many events of one
	// Send, and how long it took.
	Delivered(destination, kind, outcome string, events int, took time.Duration)
}

// Options are what an engine is made with. All may be left out.
type Options struct {
	Now      func() time.Time
	Timer    func(time.Duration) (c <-chan time.Time, stop func() bool) // fires once, after a duration
	Rand     func() float64                                             // uniform in [0, 1), for the jitter; called from many goroutines
	Logger   *zap.Logger
	Observer Observer
}
