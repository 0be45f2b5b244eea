package view

import (
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Entry is an event with its payload, about to be sent or in flight.
type Entry struct {
	queue.Entry
	Clicks      queue.Clicks
	Contact     uint64 // the contact's hash, or the event's own where it has none
	Attempts    int    // that failed
	FirstAt     int64  // of the first attempt, ms; 0 = never tried
	Unconfirmed int    // see destination.Item
	Receipt     string // likewise
	Note        string // likewise

	lane   *lane   // nil for unordered events
	failed *Failed // nil if it never failed
	seen   bool    // read in the current view
}

// Retried reports whether it failed before, as far as this view knows.
func (e *Entry) Retried() bool { return e.failed != nil }

// Taken reports whether the destination has or had it, by what it answered.
func (e *Entry) Taken() bool { return e.Receipt != "" || e.Note != "" }

// Failed is an event that waits for another attempt, or to be asked about. Its payload
// and its last reason are in the store.
type Failed struct {
	pos      queue.Pos
	lane     *lane
	attempts int   // 0: nothing failed, see View.Deferred
	firstAt  int64 // ms
	kept
	triedAt     time.Duration // when it failed last
	due         time.Duration
	notUntil    time.Duration // the destination's own wish
	duePlace    int
	isDue       bool // its time came while its lane was busy
	unconfirmed int  // see destination.Item
	hold        hold
}

// newEntry makes an entry of what was read.
func (v *View) newEntry(q *queue.Entry) *Entry {
	e := &Entry{Entry: *q, Contact: v.contactOf(&q.Header), seen: true}
	if v.ordered(&q.Header) {
		e.lane = v.lanes.of(e.Contact)
	}
	v.window.meanPayload += (len(q.Payload) - v.window.meanPayload) / 8
	return e
}

// ordered reports whether an entry waits for others of its contact.
func (v *View) ordered(h *queue.Header) bool { return v.settings.Ordered && h.Contact != "" }

// addFailed notes that an event failed; it holds its lane from now on.
func (v *View) addFailed(f *Failed) {
	v.failing++
	if f.waits() {
		v.later++
	}
	v.track(1)
	if f.lane == nil {
		return
	}
	f.lane.failed = append(f.lane.failed, f)
	f.lane.held++
	f.hold.on = true
	v.dropPayloads(f.lane)
}

// waits reports whether it waits for something else than after a failure.
func (f *Failed) waits() bool { return f.attempts == 0 }

// becomes has a failed event be one that failed so often.
func (v *View) becomes(f *Failed, attempts int) {
	if f.waits() {
		v.later--
	}
	if f.attempts = attempts; f.waits() {
		v.later++
	}
}

// dropFailed forgets a failed event: it was delivered, died or is gone.
func (v *View) dropFailed(f *Failed) {
	v.failing--
	if f.waits() {
		v.later--
	}
	v.await(f.receipt, "")
	v.track(-1)
	v.dueHeap.remove(f)
	v.endHold(f)
	if f.lane != nil {
		f.lane.forget(f)
	}
}
