package delivery

import (
	"cmp"
	"fmt"
	"time"
)

// stateReadEvery is how often the stored state is looked at: another edge may change it.
const stateReadEvery = time.Second

// enter reports whether this edge may read and send now. When the right to the
// queue was lost in between, it starts a new view.
func (w *worker) enter() bool {
	epoch, ok := w.drain.Epoch()
	if epoch != w.epoch {
		w.epoch = epoch
		w.reset()
	}
	if !ok {
		w.state.forget()
	}
	if !ok || w.e.held.Load() || w.resting(&w.reader.outage) {
		return false
	}
	if !w.view.Loaded() || w.now >= w.state.lookAt {
		if err := w.readState(); err != nil {
			w.storeFailed(&w.reader.outage, fmt.Errorf("reading state: %w", err))
			return false
		}
		w.state.lookAt = w.now + stateReadEvery
	}
	if w.view.Loaded() || w.gate.Paused() {
		return w.view.Loaded()
	}
	retries, err := w.drain.Retries(w.e.storeCtx)
	if err != nil {
		w.storeFailed(&w.reader.outage, fmt.Errorf("reading retries: %w", err))
		return false
	}
	if err := w.judgeDeparted(retries); err != nil {
		w.storeFailed(&w.reader.outage, fmt.Errorf("reading what was sent: %w", err))
		return false
	}
	reason := w.view.Load(retries, w.acks.pending.retry, w.acks.writing.retry)
	w.report.lastFailure = cmp.Or(w.report.lastFailure, reason) // for who asks before the next attempt
	w.storeAnswered(&w.reader.outage)
	return true
}

// reset forgets what was read of the queue, to read it again from the head.
func (w *worker) reset() {
	w.recall()
	w.view.Reset(w.senders.entries(), w.acks.settled())
}
