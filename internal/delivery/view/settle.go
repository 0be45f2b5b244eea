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

// Failure is an attempt that failed, or one after which an event waits all the same.
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
	f := v.waitAgain(e, &x)
	if f != nil {
		v.holdFailed(f, x.At)
	}
	v.release(e.lane)
	return e.retry(&x), f != nil
}

// Later has an event wait though nothing failed: it holds its lane until it is gone. x.Wish
// is not used. What it returns is as of Fail; the event's Receipt and Note are the new ones.
func (v *View) Later(e *Entry, x Failure) (_ queue.Retry, ok bool) {
	e.Attempts, e.Unconfirmed = 0, 0
	if !e.Taken() {
		e.FirstAt = 0
	}
	f := v.waitAgain(e, &x)
	if f != nil {
		v.keepHold(f)
	}
	v.release(e.lane)
	return e.retry(&x), f != nil
}

func (e *Entry) retry(x *Failure) queue.Retry {
	return queue.Retry{
		Pos: e.Pos, Attempts: e.Attempts, FirstAt: e.FirstAt, Due: x.Due, Reason: x.Reason, Receipt: e.Receipt, Note: e.Note,
	}
}

// waitAgain has an event wait for its time; nil if it is not known yet whether it is in
// the store.
func (v *View) waitAgain(e *Entry, x *Failure) *Failed {
	k := kept{e.Receipt, e.Note}
	if !e.seen {
		delete(v.carried, e.Pos)
		v.setKnown(e.Pos, known{attempts: e.Attempts, firstAt: e.FirstAt, due: x.Due, reason: x.Reason, kept: k, unsaved: true})
		return nil
	}
	f := e.failed
	if f == nil {
		f = &Failed{pos: e.Pos, lane: e.lane, attempts: e.Attempts}
		v.addFailed(f)
	}
	v.becomes(f, e.Attempts)
	v.await(f.receipt, e.Receipt)
	f.firstAt, f.kept, f.unconfirmed = e.FirstAt, k, e.Unconfirmed
	f.triedAt, f.due, f.notUntil = x.At, x.At+x.Delay, x.At+x.Wish
	v.dueHeap.push(f)
	return f
}

// Requeue returns an event that was not tried to the front of what is ready. wall is
// the time now in ms.
func (v *View) Requeue(e *Entry, wall int64) {
	if e.Attempts == 0 && !e.Taken() {
		e.FirstAt = 0
	}
	switch {
	case !e.seen:
		// It will be read again in its place, unless it was already passed.
		delete(v.carried, e.Pos)
		if e.Attempts > 0 || e.Taken() {
			v.setKnown(e.Pos, known{attempts: e.Attempts, firstAt: e.FirstAt, due: wall, kept: kept{e.Receipt, e.Note}})
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

// Hurry has all that failed be tried again at once, whatever its time was, and whatever
// the destination asked for. What waits though nothing failed keeps its time. wall is the
// time now in ms.
func (v *View) Hurry(now time.Duration, wall int64) {
	for _, f := range v.dueHeap.items {
		if !f.waits() {
			f.due, f.notUntil = min(f.due, now), min(f.notUntil, now)
		}
	}
	v.dueHeap.restore()
	for at, k := range v.known {
		if k.attempts > 0 {
			k.due = min(k.due, wall)
			v.known[at] = k
		}
	}
}
