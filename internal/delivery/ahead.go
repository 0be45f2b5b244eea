package delivery

import (
	"fmt"
)

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
