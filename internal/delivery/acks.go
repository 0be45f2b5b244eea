package delivery

import (
	"iter"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

const (
	// maxUnwritten is how many outcomes the store may have to be told yet: with so many,
	// nothing is sent.
	maxUnwritten = 4096

	// gatherTime is how long outcomes are gathered while others are on their way, at
	// most twice as many as requests are in flight at once: a write costs a store about
	// as much for one as for dozens. Where calls count as in flight until then
	// (outcomes.calls), nobody waits for more than those who are done already.
	gatherTime = 5 * time.Millisecond
)

// outcomes are what the store must be told of events.
type outcomes struct {
	retry []queue.Retry
	dead  []queue.Death
	done  []queue.Pos
	calls int      // that count as in flight until all that is stored
	notes []string // to be forgotten when all that is known
	left  []string // likewise, of others, which are this edge's to judge while it has the right
	tallies
}

// delivered notes that the destination has an event.
func (o *outcomes) delivered(dest queue.Dest, e *view.Entry) {
	o.done = append(o.done, e.Pos)
	o.tallies.reported(dest, e)
}

// died notes that an event is to be a dead letter.
func (o *outcomes) died(dest queue.Dest, e *view.Entry, v *destination.Verdict) {
	reason := queue.Reason{Reason: v.Reason, Code: v.Code, Explanation: v.Explanation}
	o.dead = append(o.dead, queue.Death{Pos: e.Pos, Attempts: e.Attempts + 1, FirstAt: e.FirstAt, Reason: reason})
	o.tallies.died(dest, e, &reason)
}

func (o *outcomes) len() int {
	return len(o.retry) + len(o.dead) + len(o.done) + len(o.notes) + len(o.left)
}

// before puts older ones in front.
func (o *outcomes) before(older *outcomes) {
	o.retry = append(older.retry, o.retry...)
	o.dead = append(older.dead, o.dead...)
	o.done = append(older.done, o.done...)
	o.calls += older.calls
	o.notes = append(older.notes, o.notes...)
	o.left = append(older.left, o.left...)
	o.tallies.before(&older.tallies)
}

// emptied is their memory, to be used again, without what is counted.
func (o *outcomes) emptied() outcomes {
	return outcomes{retry: o.retry[:0], dead: o.dead[:0], done: o.done[:0], notes: o.notes[:0], left: o.left[:0]}
}

// acks are the outcomes until they are written, one write at a time: what comes
// meanwhile goes with the next. How they are written is worker.tell's.
type acks struct {
	pending     outcomes
	writing     outcomes      // a write may read them
	gatherUntil time.Duration // when what is gathered is written; 0 = nothing is
	isWriting   bool
	written     chan written // how the write went
	last        bool         // the last write before a hard stop has begun
	outage      outage
}

// block reports whether nothing may be sent before outcomes are written.
func (a *acks) block() bool { return a.outage.fails > 0 || a.pending.len() >= maxUnwritten }

// gathering reports whether more outcomes are waited for, and until when. flying is how
// many calls are on their way, limit how many may be.
func (a *acks) gathering(now time.Duration, flying, limit int) (until time.Duration, gathering bool) {
	if flying == 0 || a.pending.calls > 0 || a.pending.len() >= 2*limit || a.outage.fails > 0 {
		return 0, false
	}
	if a.gatherUntil == 0 {
		a.gatherUntil = now + gatherTime
	}
	return a.gatherUntil, now < a.gatherUntil
}

// mayGrow reports whether the next write is worth a yield: calls that count as in flight
// wait for it, and seen says that the last yield brought more. Up to half of them wait,
// while the others keep the destination busy.
func (a *acks) mayGrow(seen, limit int) bool {
	calls := a.pending.calls
	return calls > seen && 2*calls < limit && !a.isWriting
}

// begin takes what is pending for a write.
func (a *acks) begin() *outcomes {
	spare := a.writing
	a.writing, a.pending = a.pending, spare.emptied()
	a.isWriting, a.gatherUntil = true, 0
	return &a.writing
}

// end takes in how the write went: what was not written is pending again, before what
// came since. What was delivered but could not be deleted is so kept, to be deleted
// later and not sent again.
func (a *acks) end(how written) {
	a.isWriting = false
	if how.retry {
		a.writing.retry = a.writing.retry[:0]
	}
	if how.dead {
		clear(a.writing.dead)
		a.writing.dead = a.writing.dead[:0]
	}
	if how.done {
		a.writing.done = a.writing.done[:0]
	}
	if how.notes {
		a.writing.notes, a.writing.left = a.writing.notes[:0], a.writing.left[:0]
	}
	if how.err == nil {
		a.pending.tallies.before(&a.writing.tallies)
		a.writing.tallies = tallies{}
		return
	}
	a.pending.before(&a.writing)
	a.writing = outcomes{}
}

// settled are the places of what was delivered or died, and may still be in the store.
func (a *acks) settled() iter.Seq[queue.Pos] {
	return func(yield func(queue.Pos) bool) {
		for _, o := range []*outcomes{&a.pending, &a.writing} {
			for _, pos := range o.done {
				if !yield(pos) {
					return
				}
			}
			for i := range o.dead {
				if !yield(o.dead[i].Pos) {
					return
				}
			}
		}
	}
}
