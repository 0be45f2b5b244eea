package view

import (
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// Read is one read of the store: of the entries after a position, or of those at
// certain places. Who carries it out puts what came into it.
type Read struct {
	// At are places; none for a read ahead, which is of up to N entries after After, of
	// about at most MaxBytes together.
	At          []queue.Pos
	After       queue.Pos
	N, MaxBytes int

	// Entries are what came, and Clicks those of the contacts of some. ClickAt says for
	// each entry where its clicks are, -1 for nowhere; it may be nil.
	Entries []queue.Entry
	Clicks  []queue.Clicks
	ClickAt []int

	number  uint64    // of the view that it is for; another has no use for it
	news    uint64    // View.news when it began
	retried []*Failed // whose payloads are at the first places
	turns   []turn    // at the places after those
	lanes   []*lane   // whose waiting events are at the others
}

// Ahead is the read of the next n entries; with 0, of as many as there is room for.
func (v *View) Ahead(n int) *Read {
	if n == 0 {
		n = max(v.window.maxEntries, v.settings.Batch)
	}
	return &Read{
		number: v.number, news: v.news,
		After: v.cursor, N: n, MaxBytes: max(v.window.maxBytes-v.window.bytes, smallestRead),
	}
}

// IsFor reports whether a read is for this view: it was not reset meanwhile.
func (v *View) IsFor(r *Read) bool { return r.number == v.number }

// Undo takes back a read for this view that failed.
func (v *View) Undo(r *Read) {
	for _, f := range r.retried {
		v.dueToFetch.Push(f)
	}
	for _, t := range r.turns {
		v.toFetch.Push(t)
	}
	for _, l := range r.lanes {
		v.checkRefill(l)
	}
}

// Apply takes in what a read for this view brought; it reports whether that was
// anything. wall is the time now in ms. unsaved is the state of what failed before this
// view and the store does not know of: it is to be told.
func (v *View) Apply(r *Read, now time.Duration, wall int64) (found bool, unsaved []queue.Retry) {
	if len(r.At) > 0 {
		v.applyAgain(r)
		return true, nil
	}
	if len(r.Entries) == 0 {
		// Unless some came while it was read.
		v.exhausted = r.news == v.news
		if v.exhausted {
			// The cursor has passed all that these could match.
			v.forgetKnown()
		}
		return false, nil
	}
	for i := range r.Entries {
		unsaved = v.place(&r.Entries[i], r.clicksOf(i), now, wall, unsaved)
	}
	v.cursor = r.Entries[len(r.Entries)-1].Pos
	return true, unsaved
}

// clicksOf are those of the i-th entry.
func (r *Read) clicksOf(i int) queue.Clicks {
	if i < len(r.ClickAt) && r.ClickAt[i] >= 0 {
		return r.Clicks[r.ClickAt[i]]
	}
	return queue.Clicks{}
}

// place puts an entry that was read where it belongs, and adds to unsaved.
func (v *View) place(q *queue.Entry, clicks queue.Clicks, now time.Duration, wall int64, unsaved []queue.Retry) []queue.Retry {
	if _, ok := v.settled[q.Pos]; ok {
		return unsaved
	}
	if e := v.carried[q.Pos]; e != nil {
		e.seen = true
		return unsaved
	}
	k, isKnown := v.known[q.Pos]
	if !isKnown {
		e := v.newEntry(q)
		e.Clicks = clicks
		v.admit(e)
		return unsaved
	}
	delete(v.known, q.Pos)
	wait := time.Duration(k.due-wall) * time.Millisecond
	f := &Failed{pos: q.Pos, attempts: k.attempts, firstAt: k.firstAt, kept: k.kept, triedAt: now}
	// A clock that jumped must not hold an event for years.
	longest := destination.LongestWish
	if f.waits() {
		longest = destination.LongestLater
	}
	f.due = now + min(max(wait, 0), longest)
	if v.ordered(&q.Header) {
		f.lane = v.lanes.of(v.contactOf(&q.Header))
	}
	v.addFailed(f)
	v.dueHeap.push(f)
	v.awaitSuccess(f)
	if k.unsaved {
		unsaved = append(unsaved, queue.Retry{
			Pos: q.Pos, Attempts: k.attempts, FirstAt: k.firstAt, Due: k.due, Reason: k.reason, Receipt: k.receipt, Note: k.note,
		})
	}
	return unsaved
}
