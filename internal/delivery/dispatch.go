package delivery

import (
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// mode says what may be sent now.
type mode uint8

const (
	sendNothing mode = iota
	sendAll
	sendBreakerProbe
	sendParkProbe
)

// dispatch sends what may be sent now.
func (w *worker) dispatch() {
	for w.flying < w.settings.Concurrency+w.ahead() {
		mode := w.gate()
		if mode == sendNothing {
			return
		}
		var entries []*entry
		switch mode {
		case sendParkProbe:
			entries = w.one(w.oldest())
		case sendBreakerProbe:
			entries = w.one(w.probe())
		case sendAll:
			entries = w.pick()
		}
		if len(entries) == 0 {
			if mode == sendAll && w.dueHeap.len() > 0 && w.dueHeap.min().due > w.now {
				w.at(w.dueHeap.min().due)
			}
			return
		}
		w.launch(entries, mode)
	}
}

// ahead is how many jobs may lie ready behind those in flight: none where the
// next outcome, or the time, says what may be sent.
func (w *worker) ahead() int {
	if w.settings.Batch > 1 || w.limiter != nil || w.breaker.fails > 0 || w.breaker.open || w.state.Parked || w.failedCount > 0 {
		return 0
	}
	return w.settings.Concurrency
}

// gate says what may be sent now, and notes when that changes by itself.
func (w *worker) gate() mode {
	switch {
	case w.stopping, !w.loaded, w.state.Paused, w.reads.resting(w), w.writes.fails > 0, w.acks.len() >= maxUnconfirmed:
		return sendNothing
	case w.throttledUntil > w.now:
		w.at(w.throttledUntil)
		return sendNothing
	}
	// Reads may have taken a while.
	if epoch, ok := w.drain.Epoch(); !ok || epoch != w.epoch {
		w.again = ok
		return sendNothing
	}
	result := sendAll
	switch {
	case w.state.Parked && w.parkProbing, w.breaker.open && w.breaker.probing:
		return sendNothing
	case w.state.Parked:
		if w.parkProbeAt > w.now {
			w.at(w.parkProbeAt)
			return sendNothing
		}
		result = sendParkProbe
	case w.breaker.open:
		if w.breaker.probeAt > w.now {
			w.at(w.breaker.probeAt)
			return sendNothing
		}
		result = sendBreakerProbe
	}
	if w.limiter != nil {
		now := w.e.o.Now()
		if missing := 1 - w.limiter.TokensAt(now); missing > 0 {
			w.at(w.now + max(time.Duration(missing/w.settings.Rate*float64(time.Second)), time.Microsecond))
			return sendNothing
		}
	}
	return result
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
func (w *worker) launch(entries []*entry, m mode) {
	if w.limiter != nil {
		w.limiter.AllowN(w.e.o.Now(), 1)
	}
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
	switch m {
	case sendBreakerProbe:
		w.breaker.probing = true
	case sendParkProbe:
		w.parkProbing = true
	}
	w.hand(j)
}
