package view

import (
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Began notes that an attempt of an event begins. wall is the time now in ms.
func (v *View) Began(e *Entry, wall int64) {
	v.window.bytes -= len(e.Payload)
	if e.FirstAt == 0 {
		e.FirstAt = wall
	}
}

// Settle forgets an event that was delivered or died.
func (v *View) Settle(e *Entry) {
	if e.failed != nil {
		v.dropFailed(e.failed)
	}
	if !e.seen {
		v.settled[e.Pos] = struct{}{}
		delete(v.carried, e.Pos)
	}
	v.release(e.lane)
}

// Failure is an attempt that failed.
type Failure struct {
	At          time.Duration
	Delay       time.Duration // until the next attempt
	Wish        time.Duration // how long the destination asks to wait
	Due         int64         // of the next attempt, ms
	Reason      string
	Unconfirmed bool // see destination.Item
}

// Fail has an event wait for another attempt. It returns what the store is to be told;
// not ok if it is told when the event is read again, for it is not known yet whether it
// is there.
func (v *View) Fail(e *Entry, x Failure) (_ queue.Retry, ok bool) {
	e.Attempts++
	if x.Unconfirmed {
		e.Unconfirmed++
	}
	if !e.seen {
		delete(v.carried, e.Pos)
		v.known[e.Pos] = known{attempts: e.Attempts, firstAt: e.FirstAt, due: x.Due, reason: x.Reason, unsaved: true}
		v.release(e.lane)
		return queue.Retry{}, false
	}
	f := e.failed
	if f == nil {
		f = &Failed{pos: e.Pos, lane: e.lane, firstAt: e.FirstAt}
		v.addFailed(f)
	}
	f.attempts, f.unconfirmed = e.Attempts, e.Unconfirmed
	f.triedAt, f.due, f.notUntil = x.At, x.At+x.Delay, x.At+x.Wish
	v.dueHeap.push(f)
	v.holdFailed(f, x.At)
	v.release(e.lane)
	return queue.Retry{Pos: e.Pos, Attempts: e.Attempts, FirstAt: e.FirstAt, Due: x.Due, Reason: x.Reason}, true
}

// Requeue returns an event that was not tried to the front of what is ready. wall is
// the time now in ms.
func (v *View) Requeue(e *Entry, wall int64) {
	if e.Attempts == 0 {
		e.FirstAt = 0
	}
	switch {
	case !e.seen:
		// It will be read again in its place, unless it was already passed.
		delete(v.carried, e.Pos)
		if e.Attempts > 0 {
			v.known[e.Pos] = known{attempts: e.Attempts, firstAt: e.FirstAt, due: wall}
		}
		v.release(e.lane)
	case e.failed != nil:
		v.window.bytes += len(e.Payload)
		v.due.PushFront(e)
	default:
		v.window.bytes += len(e.Payload)
		v.ready.PushFront(e)
	}
}
