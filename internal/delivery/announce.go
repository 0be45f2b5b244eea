package delivery

import (
	"sync"

	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
)

// Operators are told of a change by who makes it: the worker that parks a destination, the
// edge that takes an operator's order. Who reads of it in the store, another edge, or this
// one after a start, does not tell of it again.

// announced is what operators were told of a worker's breaker.
type announced struct {
	open bool
	why  string
}

// announce tells operators that the breaker opened or closed.
func (w *worker) announce() {
	a := &w.announced
	_, open := w.gate.Open()
	if open == a.open {
		return
	}
	a.open = open
	if !open {
		w.notify(notice.Closed, a.why)
		return
	}
	a.why = w.report.lastFailure
	w.notify(notice.Open, a.why)
}

// notify tells operators of the destination.
func (w *worker) notify(name notice.Name, reason string) {
	n := notice.Notice{Name: name, Destination: w.dest.Name, Tenant: w.dest.Tenant, Reason: reason}
	if name == notice.Dead {
		n.Count = 1
	}
	w.e.notices.Load().Tell(n)
}

// ended remembers the ends of stops that operators were told of: a probe that is taken and
// an operator's order may both end one.
type ended struct {
	mu    sync.Mutex
	since map[queue.Dest]int64 // when the last of them began
}

// first reports whether the end of a stop is not told yet, and notes that it is now.
func (x *ended) first(d queue.Dest, stop *queue.State) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if since, ok := x.since[d]; ok && since == stop.Since {
		return false
	}
	if x.since == nil {
		x.since = map[queue.Dest]int64{}
	}
	x.since[d] = stop.Since
	return true
}

// notifyState tells operators that a destination's state became another.
func (e *Engine) notifyState(d queue.Dest, was, is *queue.State) {
	n := notice.Notice{Destination: d.Name, Tenant: d.Tenant, Reason: is.Reason}
	switch {
	case is.Parked && !was.Parked:
		n.Name = notice.Parked
	case is.Paused && !was.Paused:
		n.Name = notice.Paused
	case (was.Parked || was.Paused) && !is.Parked && !is.Paused && e.ended.first(d, was):
		n.Name, n.Reason = notice.Resumed, was.Reason
	default:
		return
	}
	e.notices.Load().Tell(n)
}
