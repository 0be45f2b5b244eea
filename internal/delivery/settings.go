package delivery

import (
	"slices"

	"github.com/leadgate/leadgate/internal/delivery/gate"
)

// adopt takes over the newest settings, and what was asked of the worker.
func (w *worker) adopt() {
	w.mu.Lock()
	next, resumed, stored := w.next, w.resumed, w.stored
	w.next, w.resumed = nil, false
	w.stopping = w.removed || w.e.closing.Load()
	w.mu.Unlock()

	if !w.unsavedState {
		w.enterState(stored)
	}
	if resumed {
		w.unsavedState = false
		w.enterState(stored)
		w.pause = waiting{}
		w.gate.Resume()
	}
	if share := int(w.e.window.Load()); share != w.windowBytes {
		w.windowBytes = share
		w.windowEntries = min(max(share/4096, 16), windowEntries)
	}
	if next == nil {
		return
	}
	old := w.settings
	w.settings = next
	w.recall() // to be sent with the new ones
	w.crew.limitTo(next.Concurrency)
	w.gate.Configure(gate.Settings{Concurrency: next.Concurrency, Batch: next.Batch, Rate: next.Rate}, w.now)
	if old == nil {
		return
	}
	if old.Ordered != next.Ordered {
		w.reset()
	} else if old.Hold != next.Hold {
		w.rehold()
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
	w.retired = slices.DeleteFunc(w.retired, func(s Sender) bool {
		for _, j := range w.jobs {
			if j.settings.Sender == s {
				return false
			}
		}
		closeIdle(s)
		return true
	})
}
