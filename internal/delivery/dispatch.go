package delivery

import (
	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/queue"
)

// dispatch sends what may be sent now.
func (w *worker) dispatch() {
	for w.flying < w.gate.Limit(w.failedCount > 0) {
		mode := w.mayStart()
		if mode == gate.Nothing {
			return
		}
		var entries []*entry
		switch mode {
		case gate.ParkProbe:
			entries = w.one(w.oldest())
		case gate.BreakerProbe:
			entries = w.one(w.probe())
		case gate.All:
			entries = w.pick()
		}
		if len(entries) == 0 {
			if mode == gate.All && w.dueHeap.len() > 0 && w.dueHeap.min().due > w.now {
				w.at(w.dueHeap.min().due)
			}
			return
		}
		w.launch(entries, mode)
	}
}

// mayStart says what may be sent now, and notes when that changes by itself.
func (w *worker) mayStart() gate.Mode {
	if w.stopping || !w.loaded || w.reads.resting(w) || w.writes.fails > 0 || w.acks.len() >= maxUnconfirmed {
		return gate.Nothing
	}
	mode, next := w.gate.Check(w.now)
	w.at(next)
	if mode == gate.Nothing {
		return mode
	}
	// Reads may have taken a while.
	if epoch, ok := w.drain.Epoch(); !ok || epoch != w.epoch {
		w.again = ok
		return gate.Nothing
	}
	return mode
}

// pick takes what is sent next: one event, or a batch.
func (w *worker) pick() []*entry {
	w.fill()
	if w.settings.Batch > 1 {
		return w.pickBatch()
	}
	switch fresh := w.ready.len() > 0; {
	case w.due.len() > 0 && (!fresh || w.retriesTurn()):
		w.lastRetried = true
		return w.one(w.due.pop())
	case fresh:
		w.lastRetried = false
		return w.one(w.ready.pop())
	}
	return nil
}

// retriesTurn leaves at least half of the places to events that never failed:
// many that time out must not hold up the rest.
func (w *worker) retriesTurn() bool {
	if w.settings.Concurrency == 1 {
		return !w.lastRetried
	}
	return w.flyingRetries < w.settings.Concurrency/2
}

// pickBatch takes a full batch, or what there is when it has waited long enough.
func (w *worker) pickBatch() []*entry {
	total := w.due.len() + w.ready.len()
	if total == 0 {
		w.batchSince = 0
		return nil
	}
	if total < w.settings.Batch {
		if w.reading || w.getting { // there may be more
			return nil
		}
		if w.batchSince == 0 {
			w.batchSince = w.now
		}
		if until := w.batchSince + w.settings.Linger; w.exhausted && w.now < until {
			w.at(until)
			return nil
		}
	}
	w.batchSince = 0
	batch := make([]*entry, 0, min(total, w.settings.Batch))
	for w.due.len() > 0 && len(batch) < cap(batch) {
		batch = append(batch, w.due.pop())
	}
	for len(batch) < cap(batch) {
		batch = append(batch, w.ready.pop())
	}
	return batch
}

func (w *worker) one(e *entry) []*entry {
	if e == nil {
		return nil
	}
	if n := len(w.freeOnes); n > 0 {
		s := w.freeOnes[n-1]
		w.freeOnes = w.freeOnes[:n-1]
		return append(s, e)
	}
	return append(make([]*entry, 0, 1), e)
}

// oldest takes the oldest event, to see whether a parked destination takes it.
// The view was reset when the destination was parked, so little is in it.
func (w *worker) oldest() *entry {
	if w.reading || w.getting {
		return nil // until they have arrived
	}
	w.fetchNow()
	for reads := 0; w.ready.len()+w.due.len()+w.failedCount == 0; reads++ {
		if reads == probeEntries || !w.mayRead() || !w.readNow(1) {
			return nil
		}
	}
	var first *failed
	for _, f := range w.dueHeap.items {
		if first == nil || f.pos.Less(first.pos) {
			first = f
		}
	}
	from, index := &w.ready, -1
	var pos queue.Pos
	for _, d := range []*deque[*entry]{&w.due, &w.ready} {
		for i := range d.len() {
			if p := d.at(i).Pos; index < 0 || p.Less(pos) {
				from, index, pos = d, i, p
			}
		}
	}
	if first != nil && (index < 0 || first.pos.Less(pos)) && (first.lane == nil || !first.lane.busy) {
		return w.retryNow(first)
	}
	if index < 0 {
		return nil
	}
	return from.remove(index)
}

// probe takes another contact's oldest event than the last probe's: one that
// was never tried if there is one, else the one tried longest ago.
func (w *worker) probe() *entry {
	if w.reading || w.getting {
		return nil // until they have arrived
	}
	w.fetchNow()
	for reads := 0; ; reads++ {
		for i := range w.ready.len() {
			if l := w.ready.at(i).lane; l == nil || len(l.failed) == 0 {
				return w.ready.remove(i)
			}
		}
		if reads == readsPerStep || !w.mayRead() || !w.readNow(probeEntries) {
			break
		}
	}
	var longest *failed
	earliest := never
	for _, f := range w.dueHeap.items {
		if f.lane != nil && (f.lane.busy || f.lane.failed[0] != f) {
			continue
		}
		if f.notUntil > w.now {
			earliest = min(earliest, f.notUntil)
			continue
		}
		if longest == nil || f.triedAt < longest.triedAt {
			longest = f
		}
	}
	if longest != nil {
		return w.retryNow(longest)
	}
	if w.due.len() > 0 {
		return w.due.pop()
	}
	if w.ready.len() > 0 {
		return w.ready.pop()
	}
	w.at(earliest)
	return nil
}

// retryNow claims a failed event, due or not, and reads it.
func (w *worker) retryNow(f *failed) *entry {
	w.claim(f)
	w.fetchNow()
	for i := range w.due.len() {
		if w.due.at(i).failed == f {
			return w.due.remove(i)
		}
	}
	return nil // gone, or the store is away
}

// launch hands entries to the crew.
func (w *worker) launch(entries []*entry, m gate.Mode) {
	j := w.newJob()
	j.entries, j.mode, j.settings, j.epoch = entries, m, w.settings, w.epoch
	wall := w.wall()
	for _, e := range entries {
		w.bytes -= len(e.Payload)
		if e.firstAt == 0 {
			e.firstAt = wall
		}
		if e.failed != nil {
			j.retries++
		}
		j.items = append(j.items, Item{Entry: e.Entry, Attempt: e.attempts + 1, FirstAt: e.firstAt,
			Clicks: e.clicks, Unconfirmed: e.unconfirmed})
	}
	w.flying++
	if j.retries > 0 {
		w.flyingRetries++
	}
	j.place = len(w.jobs)
	w.jobs = append(w.jobs, j)
	w.gate.Began(m, w.now)
	w.hand(j)
}
