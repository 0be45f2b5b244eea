package view

import "github.com/leadgate/leadgate/internal/queue"

const (
	// How many of a contact's waiting events keep their payload: more where there are
	// few contacts, since each then goes through many while the store is read.
	leastKept = 4
	mostKept  = 64

	// mostAgain is how many events are read again at a time, where a batch is not more.
	mostAgain = 64
)

// turn is that of a waiting event whose payload must be read.
type turn struct {
	pos  queue.Pos
	lane *lane
}

// keptAhead is how many of a contact's waiting events keep their payload now. More than
// the least take half of the window, so that there is room for other contacts.
func (v *View) keptAhead() int {
	if v.window.bytes >= v.window.maxBytes/2 {
		return leastKept
	}
	return min(max(v.window.maxEntries/max(len(v.lanes.byContact), 1), leastKept), mostKept)
}

// Again is the next read of what is to be sent and has no payload in memory; nil if
// nothing is to be read.
func (v *View) Again() *Read {
	room := v.ready.Len() == 0 || v.ready.Len() < v.window.maxEntries && v.window.bytes < v.window.maxBytes
	if v.dueToFetch.Len() == 0 && (!room || v.toFetch.Len()+v.toRefill.Len() == 0) {
		return nil
	}
	r := &Read{number: v.number}
	limit := min(max(v.window.maxBytes/(v.window.meanPayload+1), 1), max(mostAgain, v.settings.Batch))
	for v.dueToFetch.Len() > 0 && len(r.At) < limit {
		f := v.dueToFetch.Pop()
		r.retried = append(r.retried, f)
		r.At = append(r.At, f.pos)
	}
	for v.toFetch.Len() > 0 && len(r.At) < limit {
		t := v.toFetch.Pop()
		r.turns = append(r.turns, t)
		r.At = append(r.At, t.pos)
	}
	// The next of the same contacts come along.
	for _, t := range r.turns {
		v.refill(r, t.lane, limit)
	}
	for v.toRefill.Len() > 0 && len(r.At) < limit {
		l := v.toRefill.Pop()
		l.inRefill = false
		v.refill(r, l, limit)
	}
	if len(r.At) == 0 {
		return nil
	}
	return r
}

// checkRefill has more of a lane's events read before those with a payload run out.
func (v *View) checkRefill(l *lane) {
	if !l.inRefill && l.held == 0 && l.kept < len(l.waiting) && l.kept <= v.keptAhead()/2 {
		l.inRefill = true
		v.toRefill.Push(l)
	}
}

// refill adds to a read what follows in a lane and should have its payload.
func (v *View) refill(r *Read, l *lane, limit int) {
	if l.held > 0 {
		return
	}
	before := len(r.At)
	for i := l.kept; i < min(len(l.waiting), v.keptAhead()) && len(r.At) < limit; i++ {
		r.At = append(r.At, l.waiting[i].pos)
	}
	if len(r.At) > before {
		r.lanes = append(r.lanes, l)
	}
}

// applyAgain takes in entries that were read again.
func (v *View) applyAgain(r *Read) {
	for i := range r.Entries {
		e := &Entry{Entry: r.Entries[i], Contact: v.contactOf(&r.Entries[i].Header), seen: true}
		e.Clicks = r.clicksOf(i)
		v.fetched[e.Pos] = e
	}
	for _, f := range r.retried {
		v.applyRetried(f)
	}
	for _, t := range r.turns {
		v.applyTurn(t)
	}
	for _, l := range r.lanes {
		v.applyRefill(l)
	}
	// A turn that came while its entry was on its way.
	for n := v.toFetch.Len(); n > 0; n-- {
		t := v.toFetch.Pop()
		if v.fetched[t.pos] == nil {
			v.toFetch.Push(t)
			continue
		}
		v.applyTurn(t)
		v.applyRefill(t.lane)
	}
	clear(v.fetched)
}

// applyRetried makes a failed event ready for its next attempt.
func (v *View) applyRetried(f *Failed) {
	e := v.fetched[f.pos]
	if e == nil { // dropped or moved meanwhile
		v.dropFailed(f)
		v.release(f.lane)
		return
	}
	e.lane, e.failed = f.lane, f
	e.Attempts, e.FirstAt, e.Unconfirmed, e.Receipt, e.Note = f.attempts, f.firstAt, f.unconfirmed, f.receipt, f.note
	v.window.bytes += len(e.Payload)
	v.due.Push(e)
}

// applyTurn makes ready an event whose turn it is.
func (v *View) applyTurn(t turn) {
	e := v.fetched[t.pos]
	if e == nil { // dropped or moved meanwhile
		v.release(t.lane)
		return
	}
	e.lane = t.lane
	v.window.bytes += len(e.Payload)
	v.ready.Push(e)
}

// applyRefill gives what waits in a lane the payloads that were read.
func (v *View) applyRefill(l *lane) {
	for i := l.kept; i < len(l.waiting) && l.held == 0; i++ {
		e := v.fetched[l.waiting[i].pos]
		if e == nil {
			return
		}
		e.lane = l
		l.waiting[i].entry = e
		l.kept++
		v.window.bytes += len(e.Payload)
	}
}
