package delivery

import (
	"cmp"
	"fmt"
	"time"
)

// stateReadEvery is how often the stored state is looked at: another edge may change it.
const stateReadEvery = time.Second

// enter says whether this edge may read and send now. When the right to the
// queue was lost in between, it starts a new view.
func (w *worker) enter() bool {
	epoch, ok := w.drain.Epoch()
	if epoch != w.epoch {
		w.epoch = epoch
		w.reset()
	}
	if !ok || w.resting(&w.reader.outage) {
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

// fill begins to read when what is ready will soon not keep the senders busy, and
// then as far ahead as the window allows. While events can be sent or are in
// flight, it reads for half of the time at most, so as not to ask the store for
// each event.
func (w *worker) fill() {
	w.view.CollectDue(w.now)
	w.fetch()
	if w.reader.ahead || !w.view.Low() || !w.view.MayRead() {
		return
	}
	busy := w.senders.flying() > 0 || w.view.InMemory() > 0
	if busy && w.reader.after > w.now && w.settings.Batch == 1 {
		w.at(w.reader.after)
		return
	}
	w.reader.begin(w.view.Ahead(0))
}

// fetch begins to read again what is to be sent and has no payload in memory.
func (w *worker) fetch() {
	if w.reader.again {
		return
	}
	if r := w.view.Again(); r != nil {
		w.reader.begin(r)
	}
}

// fetchNow is fetch for a probe, which waits for it. No read may be on its way.
func (w *worker) fetchNow() {
	for r := w.view.Again(); r != nil; r = w.view.Again() {
		if !w.apply(w.reader.carryOut(r)) {
			return
		}
	}
}

// readNow takes the next entries into the view, for a probe, which waits for
// them. No read may be on its way.
func (w *worker) readNow(n int) bool {
	return w.apply(w.reader.carryOut(w.view.Ahead(n)))
}

// arrived takes in a read that ran beside the loop.
func (w *worker) arrived(r *reading) {
	w.now = w.e.tick()
	w.reader.end(r.Read)
	w.apply(r)
}

// apply takes in what was read; it reports whether there was anything.
func (w *worker) apply(r *reading) bool {
	if len(r.At) == 0 {
		w.reader.after = w.e.tick() + r.took
	}
	if !w.view.IsFor(r.Read) {
		return false
	}
	if r.err != nil {
		w.view.Undo(r.Read)
		w.storeFailed(&w.reader.outage, fmt.Errorf("reading entries: %w", r.err))
		return false
	}
	w.storeAnswered(&w.reader.outage)
	found, unsaved := w.view.Apply(r.Read, w.now, w.wall())
	w.acks.pending.retry = append(w.acks.pending.retry, unsaved...)
	return found
}
