package delivery

import (
	"slices"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
)

// dispatch sends what may be sent now.
func (w *worker) dispatch() {
	for w.senders.flying() < w.gate.Limit(w.view.Failing() > 0) {
		mode := w.mayStart()
		if mode == gate.Nothing {
			return
		}
		entries := w.pick(mode)
		if len(entries) == 0 {
			if due := w.view.NextDue(); due > w.now {
				w.at(due)
			}
			return
		}
		w.launch(entries, mode)
	}
}

// mayStart says what may be sent now, and notes when that changes by itself.
func (w *worker) mayStart() gate.Mode {
	if w.stopping || !w.view.Loaded() || w.resting(&w.reader.outage) || w.resting(&w.departs) || w.acks.block() {
		return gate.Nothing
	}
	mode, next := w.gate.Check(w.now)
	w.at(next)
	if mode == gate.Nothing {
		return mode
	}
	// Reads may have taken a while.
	if epoch, ok := w.drain.Epoch(); !ok || epoch != w.epoch {
		w.alarm.atOnce = ok
		return gate.Nothing
	}
	return mode
}

// pick takes what is sent next in a mode: one event, or a batch.
func (w *worker) pick(m gate.Mode) []*view.Entry {
	switch m {
	case gate.ParkProbe:
		return w.spares.one(w.oldest())
	case gate.BreakerProbe:
		return w.spares.one(w.probe())
	}
	w.fill()
	if w.settings.Batch == 1 {
		return w.spares.one(w.view.Pick(w.senders.retries))
	}
	batch, until := w.view.PickBatch(w.now, w.reader.busy())
	if until > 0 {
		w.at(until)
	}
	return batch
}

// launch hands entries to the senders.
func (w *worker) launch(entries []*view.Entry, m gate.Mode) {
	j := w.spares.job()
	j.entries, j.mode, j.settings, j.epoch, j.resumes = entries, m, w.settings, w.epoch, w.resumes
	wall := w.wall()
	for _, e := range entries {
		w.view.Began(e, wall)
		if e.Retried() {
			j.retries++
		}
		j.items = append(j.items, destination.Item{
			Entry: e.Entry, Attempt: e.Attempts + 1, FirstAt: e.FirstAt, Clicks: e.Clicks, Unconfirmed: e.Unconfirmed,
			Receipt: e.Receipt, Note: e.Note,
		})
	}
	w.gate.Began(m, w.now)
	w.senders.hand(j)
}

// collect takes in what became of jobs. Where one was not simply delivered, what
// lies ready is taken back: it may be sent no more.
func (w *worker) collect() {
	ended, halted := w.senders.collect()
	if halted {
		w.recall()
	}
	for i, j := range ended {
		ended[i] = nil
		w.finish(j)
	}
	w.senders.spare = ended[:0]
	w.closeRetired()
	if halted {
		w.senders.goOn()
	}
}

// recall takes back the jobs that nobody has begun.
func (w *worker) recall() {
	for _, j := range slices.Backward(w.senders.recall()) {
		w.takeBack(j)
	}
}

// takeBack undoes the launch of a job that was not sent.
func (w *worker) takeBack(j *job) {
	w.untrack(j)
	for _, e := range slices.Backward(j.entries) {
		w.view.Requeue(e, w.wall())
	}
	w.spares.recycle(j)
}

// untrack takes a job off the list of those on their way.
func (w *worker) untrack(j *job) {
	w.senders.untrack(j)
	w.gate.Ended(j.mode)
}
