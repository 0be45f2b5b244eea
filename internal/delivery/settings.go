package delivery

import (
	"math"
	"slices"

	"golang.org/x/time/rate"
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
		w.throttledUntil, w.pause = 0, waiting{}
		w.breaker.success()
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
	// Other settings may be what the destination waited for.
	w.parkProbeAt, w.breaker.probeAt = w.now, w.now
	w.setRate()
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

func (w *worker) setRate() {
	r := w.settings.Rate
	if r <= 0 {
		w.limiter = nil
		return
	}
	burst := max(int(math.Ceil(r)), 1)
	if w.limiter == nil {
		w.limiter = rate.NewLimiter(rate.Limit(r), burst)
		return
	}
	now := w.e.o.Now()
	w.limiter.SetLimitAt(now, rate.Limit(r))
	w.limiter.SetBurstAt(now, burst)
}
