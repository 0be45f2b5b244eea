package view

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// mostFreeLanes is how many lanes are kept to be used again.
const mostFreeLanes = 256

// lane is the events of one contact, known by its hash: should two contacts
// share one, they merely wait for each other. One event of a lane is in flight,
// or ready to be, at a time.
type lane struct {
	key      uint64
	busy     bool
	held     int       // failed events that still hold back the waiting ones
	kept     int       // waiting events with a payload, the first ones
	inRefill bool      // in View.toRefill
	waiting  []waiter  // never tried, in order
	failed   []*Failed // in the order of their first failure
}

// waiter is an event behind another of its contact.
type waiter struct {
	pos   queue.Pos
	entry *Entry // nil: read again when its turn comes
}

func (l *lane) forget(f *Failed) {
	if i := slices.Index(l.failed, f); i >= 0 {
		l.failed = slices.Delete(l.failed, i, i+1)
	}
}

// lanes are those of all contacts of which something waits or is in flight.
type lanes struct {
	byContact map[uint64]*lane
	free      []*lane // to be used again
}

// of returns the lane of a contact.
func (ls *lanes) of(key uint64) *lane {
	l := ls.byContact[key]
	if l == nil {
		if n := len(ls.free); n > 0 {
			l, ls.free = ls.free[n-1], ls.free[:n-1]
		} else {
			l = new(lane)
		}
		l.key = key
		ls.byContact[key] = l
	}
	return l
}

// drop forgets a lane of which nothing is left.
func (ls *lanes) drop(l *lane) {
	delete(ls.byContact, l.key)
	if len(ls.free) < mostFreeLanes && !l.inRefill {
		*l = lane{failed: l.failed[:0]}
		ls.free = append(ls.free, l)
	}
}

// admit puts a freshly read event in its place: to be sent, or behind others of
// its contact.
func (v *View) admit(e *Entry) {
	l := e.lane
	if l == nil {
		v.ready.Push(e)
		v.window.bytes += len(e.Payload)
		return
	}
	if !l.busy && l.held == 0 && len(l.waiting) == 0 {
		l.busy = true
		v.ready.Push(e)
		v.window.bytes += len(e.Payload)
		return
	}
	x := waiter{pos: e.Pos}
	if l.held == 0 && l.kept < v.keptAhead() && l.kept == len(l.waiting) && v.window.bytes < v.window.maxBytes {
		x.entry = e
		l.kept++
		v.window.bytes += len(e.Payload)
	}
	l.waiting = append(l.waiting, x)
	v.track(1)
}

// release lets the next event of a contact go.
func (v *View) release(l *lane) {
	if l != nil {
		l.busy = false
		v.advance(l)
	}
}

// advance takes the next event of a lane that is not busy, and forgets the lane
// when nothing is left of it.
func (v *View) advance(l *lane) {
	if l == nil || l.busy {
		return
	}
	for _, f := range l.failed {
		if f.isDue {
			v.Claim(f)
			return
		}
	}
	if l.held == 0 && len(l.waiting) > 0 {
		v.nextWaiting(l)
		return
	}
	if len(l.failed) == 0 && len(l.waiting) == 0 {
		v.lanes.drop(l)
	}
}

// nextWaiting gives the first of what waits in a lane its turn.
func (v *View) nextWaiting(l *lane) {
	x := l.waiting[0]
	l.waiting[0] = waiter{}
	l.waiting = l.waiting[1:]
	v.track(-1)
	l.busy = true
	if x.entry == nil {
		v.toFetch.Push(turn{x.pos, l})
		return
	}
	l.kept--
	v.ready.Push(x.entry)
	v.checkRefill(l)
}

// Claim takes a failed event whose lane is free for its next attempt; it is read again
// before, see [View.Again] and [View.TakeDue].
func (v *View) Claim(f *Failed) {
	v.dueHeap.remove(f)
	f.isDue = false
	if f.lane != nil {
		f.lane.busy = true
	}
	v.dueToFetch.Push(f)
}

// CollectDue claims the failed events whose time has come, as many as may be
// sent soon.
func (v *View) CollectDue(now time.Duration) {
	limit := v.settings.Concurrency
	if v.settings.Batch > 1 {
		limit = v.settings.Batch
	}
	for v.due.Len()+v.dueToFetch.Len() < limit && v.dueHeap.len() > 0 {
		f := v.dueHeap.min()
		if f.due > now {
			return
		}
		if f.lane != nil && f.lane.busy {
			v.dueHeap.remove(f)
			f.isDue = true
			continue
		}
		v.Claim(f)
	}
}

// dropPayloads drops the payloads of what waits in a lane, since it will wait long.
func (v *View) dropPayloads(l *lane) {
	for i := 0; l.kept > 0; i++ {
		if x := &l.waiting[i]; x.entry != nil {
			v.window.bytes -= len(x.entry.Payload)
			x.entry = nil
			l.kept--
		}
	}
}
