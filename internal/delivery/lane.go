package delivery

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// entry is an event with its payload, about to be sent or in flight.
type entry struct {
	queue.Entry
	clicks   queue.Clicks
	contact  uint64  // the contact's hash, or the event's own where it has none
	lane     *lane   // nil for unordered events
	failed   *failed // nil if it never failed
	attempts int     // that failed
	firstAt  int64   // ms; 0 = never tried
	seen     bool    // read in the current view of the queue

	unconfirmed int // see Item.Unconfirmed
}

// lane is the events of one contact, known by its hash: should two contacts
// share one, they merely wait for each other. One event of a lane is in flight,
// or ready to be, at a time.
type lane struct {
	key     uint64
	busy    bool
	held    int       // failed events that still hold back the waiting ones
	kept    int       // waiting events with a payload, the first ones
	thin    bool      // in worker.thin
	waiting []waiter  // never tried, in order
	failed  []*failed // in the order of their first failure
}

// waiter is an event behind another of its contact.
type waiter struct {
	pos   queue.Pos
	entry *entry // nil: read again when its turn comes
}

// failed is an event that waits for another attempt. Its payload and its last
// reason are in the store.
type failed struct {
	pos      queue.Pos
	lane     *lane
	contact  uint64
	attempts int
	firstAt  int64         // ms
	triedAt  time.Duration // when it failed last
	due      time.Duration
	notUntil time.Duration // the destination's own wish
	duePlace int
	claimed  bool // in flight, or ready to be
	isDue    bool // its time came while its lane was busy

	unconfirmed int // see Item.Unconfirmed

	// The hold. spent is for how long it failed while the destination took
	// others, since is the first success of another after its last failure
	// (0 = none yet), holdsUntil when a further success ends the hold.
	holds      bool
	spent      time.Duration
	since      time.Duration
	holdsUntil time.Duration
	holdPlace  int
	marked     bool // in worker.unmarked
}

func newDueHeap() timeHeap {
	return timeHeap{
		key:   func(f *failed) time.Duration { return f.due },
		place: func(f *failed) *int { return &f.duePlace },
	}
}

func newHoldHeap() timeHeap {
	return timeHeap{
		key:   func(f *failed) time.Duration { return f.holdsUntil },
		place: func(f *failed) *int { return &f.holdPlace },
	}
}

// laneOf returns the lane of a contact.
func (w *worker) laneOf(key uint64) *lane {
	l := w.lanes[key]
	if l == nil {
		if n := len(w.freeLanes); n > 0 {
			l, w.freeLanes = w.freeLanes[n-1], w.freeLanes[:n-1]
		} else {
			l = new(lane)
		}
		l.key = key
		w.lanes[key] = l
	}
	return l
}

// admit puts a freshly read event in its place: to be sent, or behind others of
// its contact.
func (w *worker) admit(e *entry) {
	l := e.lane
	if l == nil {
		w.ready.push(e)
		w.bytes += len(e.Payload)
		return
	}
	if !l.busy && l.held == 0 && len(l.waiting) == 0 {
		l.busy = true
		w.ready.push(e)
		w.bytes += len(e.Payload)
		return
	}
	x := waiter{pos: e.Pos}
	if l.held == 0 && l.kept < w.keptAhead() && l.kept == len(l.waiting) && w.bytes < w.windowBytes {
		x.entry = e
		l.kept++
		w.bytes += len(e.Payload)
	}
	l.waiting = append(l.waiting, x)
	w.track(1)
}

// advance takes the next event of a lane that is not busy, and forgets the lane
// when nothing is left of it.
func (w *worker) advance(l *lane) {
	if l == nil || l.busy {
		return
	}
	for _, f := range l.failed {
		if f.isDue {
			w.claim(f)
			return
		}
	}
	if l.held == 0 && len(l.waiting) > 0 {
		x := l.waiting[0]
		l.waiting[0] = waiter{}
		l.waiting = l.waiting[1:]
		w.track(-1)
		l.busy = true
		if x.entry != nil {
			l.kept--
			w.ready.push(x.entry)
			w.checkThin(l)
		} else {
			w.wanted.push(wanted{x.pos, l})
		}
		return
	}
	if len(l.failed) == 0 && len(l.waiting) == 0 {
		delete(w.lanes, l.key)
		if len(w.freeLanes) < 256 && !l.thin {
			*l = lane{failed: l.failed[:0]}
			w.freeLanes = append(w.freeLanes, l)
		}
	}
}

// claim takes a failed event whose lane is free for its next attempt; it is
// read again before.
func (w *worker) claim(f *failed) {
	w.dueHeap.remove(f)
	f.claimed, f.isDue = true, false
	if f.lane != nil {
		f.lane.busy = true
	}
	w.wantedDue.push(f)
}

// unpack drops the payloads of what waits in a lane, since it will wait long.
func (w *worker) unpack(l *lane) {
	for i := 0; l.kept > 0; i++ {
		if x := &l.waiting[i]; x.entry != nil {
			w.bytes -= len(x.entry.Payload)
			x.entry = nil
			l.kept--
		}
	}
}

// addFailed notes that an event failed; it holds its lane from now on.
func (w *worker) addFailed(f *failed) {
	w.failedCount++
	w.track(1)
	if f.lane == nil {
		return
	}
	f.lane.failed = append(f.lane.failed, f)
	f.lane.held++
	f.holds = true
	w.unpack(f.lane)
}

// dropFailed forgets a failed event: it was delivered, died or is gone.
func (w *worker) dropFailed(f *failed) {
	w.failedCount--
	w.track(-1)
	w.dueHeap.remove(f)
	w.endHold(f)
	if f.lane != nil {
		if i := slices.Index(f.lane.failed, f); i >= 0 {
			f.lane.failed = slices.Delete(f.lane.failed, i, i+1)
		}
	}
}

func (w *worker) endHold(f *failed) {
	w.holdHeap.remove(f)
	if f.holds {
		f.holds = false
		f.lane.held--
	}
}

// heldFailure counts the time that a holding event failed while the destination
// took others; past the hold, it holds nobody back any more.
func (w *worker) heldFailure(f *failed) {
	if !f.holds || w.settings.Hold < 0 {
		return
	}
	if f.since > 0 {
		f.spent += w.now - f.since
		f.since = 0
		w.holdHeap.remove(f)
		if f.spent >= w.settings.Hold {
			w.endHold(f)
			return
		}
	}
	w.mark(f)
}

// mark lets the next success begin to count for a hold.
func (w *worker) mark(f *failed) {
	if f.holds && !f.marked && w.settings.Hold >= 0 {
		f.marked = true
		w.unmarked = append(w.unmarked, f)
	}
}

// heldSuccess notes that the destination took an event, and ends the holds that
// have lasted long enough.
func (w *worker) heldSuccess() {
	for i, f := range w.unmarked {
		w.unmarked[i] = nil
		f.marked = false
		if f.holds && f.since == 0 {
			f.since = w.now
			f.holdsUntil = w.now + w.settings.Hold - f.spent
			w.holdHeap.push(f)
		}
	}
	w.unmarked = w.unmarked[:0]
	for w.holdHeap.len() > 0 && w.holdHeap.min().holdsUntil <= w.now {
		f := w.holdHeap.min()
		w.endHold(f)
		w.advance(f.lane)
	}
}

// rehold reckons the holds anew after the setting changed.
func (w *worker) rehold() {
	all := w.holdHeap.items
	w.holdHeap.items = nil
	w.unmarked = w.unmarked[:0]
	for _, f := range all {
		f.holdPlace = 0
	}
	for _, l := range w.lanes {
		for _, f := range l.failed {
			switch {
			case !f.holds || w.settings.Hold < 0:
			case f.since > 0:
				f.holdsUntil = f.since + w.settings.Hold - f.spent
				w.holdHeap.push(f)
			default:
				f.marked = false
				w.mark(f)
			}
		}
	}
}
