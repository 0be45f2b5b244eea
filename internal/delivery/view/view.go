// Package view is what a worker knows of its destination's queue: what was read of it,
// in which order it may be sent, and what of it waits behind something that failed.
//
// The events of one contact are a lane, of which one event at a time is ready or in
// flight. An event that failed holds its lane until its hold has lasted. What waits
// costs no payload: those are read again, by a [Read], when its turn is near.
//
// The package is pure: no store, no clock, no goroutine. It says what is to be read
// ([View.Again], [View.Ahead]) and takes in what came ([View.Apply]); it hands out what
// is to be sent ([View.Pick] and its like, [View.Began]), and is told what became of it
// ([View.Settle], [View.Fail], [View.Requeue]). Times are durations since the engine
// began, never 0, but those in ms, which are of UNIX. It imports the queue's types and,
// for how long a destination's wish is heeded, package destination.
//
// A view begins at the head of the queue and ends with [View.Reset]: when the right to
// drain was lost in between, it begins anew.
package view

import (
	"hash/maphash"
	"iter"
	"maps"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/deque"
	"github.com/leadgate/leadgate/internal/queue"
)

// Settings are those of a destination that its view depends on.
type Settings struct {
	Ordered     bool          // events of one contact go one by one, in the order queued
	Hold        time.Duration // how long a failing event holds back its contact's later ones; < 0 = forever
	Concurrency int           // calls at once
	Batch       int           // events of one call; 1 = no batches
	Linger      time.Duration // how long a batch that is not full waits for more
}

// View is the view of one destination's queue. It is for one goroutine.
type View struct {
	seed     maphash.Seed
	settings Settings

	// What was read.
	number    uint64 // counts the views: a read is for one
	loaded    bool   // the retry states are known
	cursor    queue.Pos
	exhausted bool                   // nothing was behind the cursor
	news      uint64                 // counts the wakes, after which there may be
	known     map[queue.Pos]known    // retry states of what is behind the cursor
	settled   map[queue.Pos]struct{} // delivered or dead, and may still be in the store
	carried   map[queue.Pos]*Entry   // in flight since before the view
	fetched   map[queue.Pos]*Entry   // while a read is applied
	window    window                 // how much of it may be in memory
	tracked   int                    // events that wait for a retry or behind one
	all       *atomic.Int64          // the same of all destinations

	// Its order.
	lanes   lanes
	dueHeap timeHeap // of what failed, by its next attempt
	failing int      // events that failed and wait, and those that wait for something else
	later   int      // of them, those that wait for something else
	// awaiting are the events with a receipt, as far as they are known.
	awaiting int
	holds    holds

	upcoming

	gathering   gathering
	lastRetried bool // the last that was picked had failed before
}

// upcoming is what is next in a view.
type upcoming struct {
	ready      deque.Deque[*Entry]  // to be sent, never failed
	due        deque.Deque[*Entry]  // to be sent again
	toFetch    deque.Deque[turn]    // without a payload
	dueToFetch deque.Deque[*Failed] // likewise
	toRefill   deque.Deque[*lane]   // that soon have no payloads
}

// gathering is the next batch, where there are batches.
type gathering struct {
	since time.Duration // when one that is not full began to wait; 0 = none does
	most  int           // events of one for now; 0 = as many as may be
}

// known is the retry state of an event that was not read yet in this view.
type known struct {
	attempts int
	firstAt  int64 // ms
	due      int64 // ms
	reason   string
	kept
	unsaved bool // failed in this process after the view was left: the store does not know
}

// kept is what is remembered of an event for its sender, see destination.Item.
type kept struct{ receipt, note string }

// New makes a view of a queue that nothing was read of. tracked counts the events that
// wait for a retry or behind one, of all views together.
func New(seed maphash.Seed, tracked *atomic.Int64) *View {
	v := &View{seed: seed, all: tracked, known: map[queue.Pos]known{}, fetched: map[queue.Pos]*Entry{}}
	v.Reset(nil, nil)
	return v
}

// Configure takes over settings. Where Ordered changes, a Reset must follow.
func (v *View) Configure(s Settings) {
	old := v.settings
	v.settings = s
	if old.Hold != s.Hold {
		v.rehold()
	}
}

// Reset forgets what was read of the queue, to read it again from the head. What is in
// flight goes on, and its contacts stay blocked; what was settled and may still be in
// the store is remembered, so that it is not sent again. Both may be nil.
func (v *View) Reset(inFlight iter.Seq[*Entry], settled iter.Seq[queue.Pos]) {
	v.number++ // reads on their way are for the one before
	v.Close()
	v.lanes = lanes{byContact: map[uint64]*lane{}}
	v.ready, v.due = deque.Deque[*Entry]{}, deque.Deque[*Entry]{}
	v.toFetch, v.dueToFetch, v.toRefill = deque.Deque[turn]{}, deque.Deque[*Failed]{}, deque.Deque[*lane]{}
	v.dueHeap, v.holds = newDueHeap(), newHolds()
	v.failing, v.later, v.awaiting, v.window.bytes, v.gathering.since = 0, 0, 0, 0, 0
	v.cursor, v.exhausted, v.loaded = queue.Pos{}, false, false
	maps.DeleteFunc(v.known, func(_ queue.Pos, k known) bool { return !k.unsaved })
	for _, k := range v.known {
		v.await("", k.receipt)
	}

	v.settled = map[queue.Pos]struct{}{}
	if settled != nil {
		for pos := range settled {
			v.settled[pos] = struct{}{}
		}
	}
	v.carried = map[queue.Pos]*Entry{}
	if inFlight == nil {
		return
	}
	for e := range inFlight {
		e.seen, e.failed = false, nil
		if e.lane != nil {
			e.lane = v.lanes.of(e.Contact)
			e.lane.busy = true
		}
		v.carried[e.Pos] = e
	}
}

// Close gives back what the view has of the count of all.
func (v *View) Close() { v.track(-v.tracked) }

// Load takes over the retry states: those that the store has, and those that it is
// still to be told. It returns why one of them failed, "" if nobody knows.
func (v *View) Load(stored []queue.Retry, unwritten ...[]queue.Retry) (reason string) {
	for i := range stored {
		r := &stored[i]
		k := v.known[r.Pos]
		if k.unsaved && (k.attempts > r.Attempts || k.attempts == r.Attempts && k.due > r.Due) { // else another edge has tried since
			continue
		}
		if reason == "" && r.Attempts > 0 {
			reason = r.Reason
		}
		v.know(r)
	}
	for _, list := range unwritten {
		for i := range list {
			v.know(&list[i])
		}
	}
	v.loaded = true
	return reason
}

func (v *View) know(r *queue.Retry) {
	v.setKnown(r.Pos, known{attempts: r.Attempts, firstAt: r.FirstAt, due: r.Due, kept: kept{r.Receipt, r.Note}})
}

func (v *View) setKnown(at queue.Pos, k known) {
	v.await(v.known[at].receipt, k.receipt)
	v.known[at] = k
}

func (v *View) forgetKnown() {
	for _, k := range v.known {
		v.await(k.receipt, "")
	}
	clear(v.known)
}

// await counts an event whose receipt becomes another.
func (v *View) await(was, is string) {
	if was != "" {
		v.awaiting--
	}
	if is != "" {
		v.awaiting++
	}
}

// Skip has an event not be sent, whenever it is read: it is about to be a dead letter.
func (v *View) Skip(at queue.Pos) { v.settled[at] = struct{}{} }

// ForgetRetries forgets the retry states of what was not read: they are another edge's.
func (v *View) ForgetRetries() { v.forgetKnown() }

// Loaded reports whether the retry states are known: before, nothing may be read.
func (v *View) Loaded() bool { return v.loaded }

// Woken notes that there may be more to read.
func (v *View) Woken() {
	v.exhausted = false
	v.news++
}

// Failing is how many events failed and wait for another attempt.
func (v *View) Failing() int { return v.failing - v.later }

// Deferred is how many events wait though nothing failed, with a receipt or without.
func (v *View) Deferred() int { return v.later }

// Awaiting is how many events have a receipt: the destination has them, and is to be asked
// what became of them.
func (v *View) Awaiting() int { return v.awaiting }

// InMemory is how many events could be sent now.
func (v *View) InMemory() int { return v.ready.Len() + v.due.Len() }

// Idle reports whether nothing waits, as far as was seen.
func (v *View) Idle() bool { return v.exhausted && v.tracked <= v.later && v.InMemory() == 0 }

// Rests reports whether all that there is, as far as was seen, waits for its time though
// nothing failed, or behind what does.
func (v *View) Rests() bool {
	return v.exhausted && v.later > 0 && v.Failing() == 0 && v.InMemory()+v.dueToFetch.Len()+v.toFetch.Len() == 0
}

// NextDue is when the next of the events that failed or are asked about is to be tried, 0 if none waits
// for its time.
func (v *View) NextDue() time.Duration {
	if v.dueHeap.len() == 0 {
		return 0
	}
	return v.dueHeap.min().due
}

// Size is what a view holds in memory.
type Size struct {
	Lanes   int
	Ready   int // events that never failed and could be sent now
	Tracked int // events that wait for a retry or behind one
	Bytes   int // of payloads not in flight
}

// Size says what the view holds in memory.
func (v *View) Size() Size {
	return Size{len(v.lanes.byContact), v.ready.Len(), v.tracked, v.window.bytes}
}

// track counts events that wait for a retry or behind one.
func (v *View) track(n int) {
	v.tracked += n
	v.all.Add(int64(n))
}

// contactOf returns the hash that an entry's contact is known by.
func (v *View) contactOf(h *queue.Header) uint64 {
	if h.Contact == "" {
		return maphash.Bytes(v.seed, h.EventID[:])
	}
	return maphash.String(v.seed, h.Contact)
}
