package delivery

import "github.com/leadgate/leadgate/internal/queue"

// How many of a contact's waiting events keep their payload: more where there are
// few contacts, since each then goes through many while the store is read.
const (
	leastKept = 4
	mostKept  = 64
)

// keptAhead is how many it is now. More than the least take half of the window,
// so that there is room for other contacts.
func (w *worker) keptAhead() int {
	if w.bytes >= w.windowBytes/2 {
		return leastKept
	}
	return min(max(w.windowEntries/max(len(w.lanes), 1), leastKept), mostKept)
}

// collectDue claims the failed events whose time has come, as many as may be
// sent soon.
func (w *worker) collectDue() {
	limit := w.settings.Concurrency
	if w.settings.Batch > 1 {
		limit = w.settings.Batch
	}
	for w.due.len()+w.wantedDue.len() < limit && w.dueHeap.len() > 0 {
		f := w.dueHeap.min()
		if f.due > w.now {
			return
		}
		if f.lane != nil && f.lane.busy {
			w.dueHeap.remove(f)
			f.isDue = true
			continue
		}
		w.claim(f)
	}
}

// fetch begins to read again what is to be sent and has no payload in memory.
func (w *worker) fetch() {
	if w.getting {
		return
	}
	if r := w.wantedReads(); r != nil {
		w.getting = true
		w.begin(r)
	}
}

// fetchNow is fetch for a probe, which waits for it. No read may be on its way.
func (w *worker) fetchNow() {
	for r := w.wantedReads(); r != nil; r = w.wantedReads() {
		w.carryOutRead(r)
		if !w.took(r) {
			return
		}
	}
}

// wantedReads is the next read of what is wanted; nil if nothing is.
func (w *worker) wantedReads() *read {
	room := w.ready.len() == 0 || w.ready.len() < w.windowEntries && w.bytes < w.windowBytes
	if w.wantedDue.len() == 0 && (!room || w.wanted.len()+w.thin.len() == 0) {
		return nil
	}
	r := &read{view: w.view}
	limit := min(max(w.windowBytes/(w.meanPayload+1), 1), fetchEntries)
	for w.wantedDue.len() > 0 && len(r.at) < limit {
		f := w.wantedDue.pop()
		r.retried = append(r.retried, f)
		r.at = append(r.at, f.pos)
	}
	for w.wanted.len() > 0 && len(r.at) < limit {
		t := w.wanted.pop()
		r.turns = append(r.turns, t)
		r.at = append(r.at, t.pos)
	}
	// The next of the same contacts come along.
	for _, t := range r.turns {
		w.follow(r, t.lane, limit)
	}
	for w.thin.len() > 0 && len(r.at) < limit {
		l := w.thin.pop()
		l.thin = false
		w.follow(r, l, limit)
	}
	if len(r.at) == 0 {
		return nil
	}
	return r
}

// checkThin has more of a lane's events read before those with a payload run out.
func (w *worker) checkThin(l *lane) {
	if !l.thin && l.held == 0 && l.kept < len(l.waiting) && l.kept <= w.keptAhead()/2 {
		l.thin = true
		w.thin.push(l)
	}
}

// follow adds to a read what follows in a lane and should have its payload.
func (w *worker) follow(r *read, l *lane, limit int) {
	if l.held > 0 {
		return
	}
	before := len(r.at)
	for i := l.kept; i < min(len(l.waiting), w.keptAhead()) && len(r.at) < limit; i++ {
		r.at = append(r.at, l.waiting[i].pos)
	}
	if len(r.at) > before {
		r.lanes = append(r.lanes, l)
	}
}

// gotAgain takes in entries that were read again.
func (w *worker) gotAgain(r *read) {
	for i := range r.entries {
		e := &entry{Entry: r.entries[i], contact: w.contactOf(&r.entries[i].Header), seen: true}
		e.clicks = r.clicksOf(i)
		w.got[e.Pos] = e
	}
	for _, f := range r.retried {
		w.takeRetried(f)
	}
	for _, t := range r.turns {
		w.takeTurn(t.pos, t.lane)
	}
	for _, l := range r.lanes {
		w.takeFollowing(l)
	}
	// A turn that came while its entry was on its way.
	for n := w.wanted.len(); n > 0; n-- {
		t := w.wanted.pop()
		if w.got[t.pos] == nil {
			w.wanted.push(t)
			continue
		}
		w.takeTurn(t.pos, t.lane)
		w.takeFollowing(t.lane)
	}
	clear(w.got)
}

func (w *worker) takeRetried(f *failed) {
	e := w.got[f.pos]
	if e == nil { // dropped or moved meanwhile
		l := f.lane
		w.dropFailed(f)
		if l != nil {
			l.busy = false
			w.advance(l)
		}
		return
	}
	e.lane, e.failed = f.lane, f
	e.attempts, e.firstAt, e.unconfirmed = f.attempts, f.firstAt, f.unconfirmed
	w.bytes += len(e.Payload)
	w.due.push(e)
}

// takeTurn makes ready an event whose turn it is.
func (w *worker) takeTurn(pos queue.Pos, l *lane) {
	e := w.got[pos]
	if e == nil { // dropped or moved meanwhile
		l.busy = false
		w.advance(l)
		return
	}
	e.lane = l
	w.bytes += len(e.Payload)
	w.ready.push(e)
}

// takeFollowing gives what waits in a lane the payloads that were read.
func (w *worker) takeFollowing(l *lane) {
	for i := l.kept; i < len(l.waiting) && l.held == 0; i++ {
		e := w.got[l.waiting[i].pos]
		if e == nil {
			return
		}
		e.lane = l
		l.waiting[i].entry = e
		l.kept++
		w.bytes += len(e.Payload)
	}
}
