package view

import "time"

// hold is for how long a failed event holds back what waits in its lane: while it
// fails and the destination takes others.
type hold struct {
	on      bool
	spent   time.Duration // how long it has lasted
	since   time.Duration // the first success of another after its last failure; 0 = none yet
	until   time.Duration // when a further success ends it
	place   int           // in holds.byEnd
	pending bool          // in holds.pending
}

// holds are those of a view.
type holds struct {
	byEnd   timeHeap
	pending []*Failed // that the next success begins to count for
}

func newHolds() holds {
	return holds{byEnd: timeHeap{
		key:   func(f *Failed) time.Duration { return f.hold.until },
		place: func(f *Failed) *int { return &f.hold.place },
	}}
}

func (v *View) endHold(f *Failed) {
	v.holds.byEnd.remove(f)
	if f.hold.on {
		f.hold.on = false
		f.lane.held--
	}
}

// holdFailed counts the time that a holding event failed while the destination
// took others; past the hold, it holds nobody back any more.
func (v *View) holdFailed(f *Failed, now time.Duration) {
	h := &f.hold
	if !h.on || v.settings.Hold < 0 {
		return
	}
	if h.since > 0 {
		h.spent += now - h.since
		h.since = 0
		v.holds.byEnd.remove(f)
		if h.spent >= v.settings.Hold {
			v.endHold(f)
			return
		}
	}
	v.awaitSuccess(f)
}

// keepHold has an event hold its lane until it is gone or fails: it waits for something
// else, and what follows it may be a correction of it.
func (v *View) keepHold(f *Failed) {
	if f.lane == nil {
		return
	}
	v.holds.byEnd.remove(f)
	f.hold.spent, f.hold.since = 0, 0
	if !f.hold.on {
		f.hold.on = true
		f.lane.held++
		v.dropPayloads(f.lane)
	}
}

// awaitSuccess lets the next success begin to count for a hold.
func (v *View) awaitSuccess(f *Failed) {
	if f.hold.on && !f.hold.pending && !f.waits() && v.settings.Hold >= 0 {
		f.hold.pending = true
		v.holds.pending = append(v.holds.pending, f)
	}
}

// Succeeded notes that the destination took an event, and ends the holds that
// have lasted long enough.
func (v *View) Succeeded(now time.Duration) {
	v.grow()
	for i, f := range v.holds.pending {
		v.holds.pending[i] = nil
		f.hold.pending = false
		if f.hold.on && !f.waits() && f.hold.since == 0 {
			f.hold.since = now
			f.hold.until = now + v.settings.Hold - f.hold.spent
			v.holds.byEnd.push(f)
		}
	}
	v.holds.pending = v.holds.pending[:0]
	for v.holds.byEnd.len() > 0 && v.holds.byEnd.min().hold.until <= now {
		f := v.holds.byEnd.min()
		v.endHold(f)
		v.advance(f.lane)
	}
}

// rehold reckons the holds anew after the setting changed.
func (v *View) rehold() {
	all := v.holds.byEnd.items
	v.holds.byEnd.items = nil
	v.holds.pending = v.holds.pending[:0]
	for _, f := range all {
		f.hold.place = 0
	}
	for _, l := range v.lanes.byContact {
		for _, f := range l.failed {
			switch {
			case !f.hold.on || f.waits() || v.settings.Hold < 0:
			case f.hold.since > 0:
				f.hold.until = f.hold.since + v.settings.Hold - f.hold.spent
				v.holds.byEnd.push(f)
			default:
				f.hold.pending = false
				v.awaitSuccess(f)
			}
		}
	}
}
