package delivery

import (
	"slices"
	"sync"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
)

// assignment is what the configs want of a worker.
type assignment struct {
	mu      sync.Mutex
	next    *destination.Destination // settings to take over; nil = none
	removed bool                     // no config names the destination; written under Engine.mu too
}

// set has the worker take over settings.
func (a *assignment) set(d *destination.Destination) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next, a.removed = d, false
}

// remove has the worker end.
func (a *assignment) remove() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removed = true
}

// peek returns the settings that are not taken over yet, nil for none.
func (a *assignment) peek() (next *destination.Destination, removed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next, a.removed
}

// take is peek, and the settings are taken over.
func (a *assignment) take() (next *destination.Destination, removed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next, a.next = a.next, nil
	return next, a.removed
}

// adopt takes over the newest settings, and what was asked of the worker.
func (w *worker) adopt() {
	next, removed := w.assignment.take()
	w.stopping = removed || w.e.closing.Load()
	w.obey()
	w.view.SetWindow(int(w.e.window.Load()))
	if next == nil {
		return
	}
	old := w.settings
	w.settings = next
	w.recall() // to be sent with the new ones
	w.senders.limitTo(next.Concurrency)
	w.gate.Configure(gate.Settings{Concurrency: next.Concurrency, Batch: next.Batch, Rate: next.Rate}, w.now)
	w.view.Configure(view.Settings{
		Ordered: next.Ordered, Hold: next.Hold, Concurrency: next.Concurrency, Batch: next.Batch, Linger: next.Linger,
	})
	if old == nil {
		return
	}
	if old.Ordered != next.Ordered {
		w.reset()
	}
	if old.Sender != next.Sender {
		w.retired = append(w.retired, old.Sender)
		w.closeRetired()
	}
}

// closeRetired closes the connections of senders that have given way to others,
// when nothing that they send is on its way any more. Not before: a connection
// counts as idle a moment before its answer is handed over, and closing it then
// makes an error of a delivery.
func (w *worker) closeRetired() {
	w.retired = slices.DeleteFunc(w.retired, func(s destination.Sender) bool {
		if w.senders.uses(s) {
			return false
		}
		closeIdle(s)
		return true
	})
}

func closeIdle(s destination.Sender) {
	if c, ok := s.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
