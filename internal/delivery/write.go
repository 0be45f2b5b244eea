package delivery

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// outcomeStore is what writing outcomes needs of a [queue.Drain].
type outcomeStore interface {
	Done(ctx context.Context, at []queue.Pos) error
	Retry(ctx context.Context, r []queue.Retry) error
	Dead(ctx context.Context, d []queue.Death) error
	Forget(ctx context.Context, ids []string) error
}

// written is which parts of a write are done with, and why not all.
type written struct {
	retry, dead, done bool
	notes             bool // are forgotten, or not this edge's
	lost              bool // retries and deaths were refused, since another edge drains
	err               error
}

// tell writes outcomes, and counts them. What was reported is counted before it is forgotten, or a
// crash in between would leave it uncounted; it is counted once, however often it is
// reported.
func (w *worker) tell(o *outcomes) (how written) {
	ctx := w.e.storeCtx
	o.tallies.count(ctx, w.e.q, w.dest)
	if how = write(ctx, w.drain, o); how.dead {
		if !how.lost { // else they are no deaths, and another edge's to tell
			o.owed = append(o.owed, o.buried...)
		}
		o.buried = nil
		o.tallies.count(ctx, w.e.q, w.dest)
	}
	if how.err == nil {
		w.senders.settled(o.calls) // at once, and not when the loop comes to it: senders wait
	}
	return how
}

// write tells the store. What was delivered goes first and whatever becomes of
// the rest, or it would be delivered again by whoever drains next; an event that
// had failed before is then gone, and the store leaves its retry out. A part that
// is refused holds up no other; a store that is away holds up all. The loop may
// read o meanwhile. Notes of what was sent go last: what they are of is known then.
func write(ctx context.Context, s outcomeStore, o *outcomes) (how written) {
	part := func(n int, tell func() error) bool {
		if n == 0 {
			return true
		}
		if errors.Is(how.err, queue.ErrUnavailable) || ctx.Err() != nil {
			return false
		}
		err := tell()
		if errors.Is(err, queue.ErrLost) {
			how.lost = true
			return true
		}
		how.err = cmp.Or(how.err, err)
		return err == nil
	}
	how.done = part(len(o.done), func() error { return s.Done(ctx, o.done) })
	how.dead = part(len(o.dead), func() error { return s.Dead(ctx, o.dead) })
	how.retry = part(len(o.retry), func() error { return s.Retry(ctx, o.retry) })
	if how.err == nil {
		notes := o.notes
		if !how.lost {
			notes = append(slices.Clip(notes), o.left...)
		}
		how.notes = part(len(notes), func() error { return s.Forget(ctx, notes) })
	}
	if how.err == nil {
		how.err = ctx.Err()
	}
	return how
}

// flush writes what the store must be told, when it is time.
func (w *worker) flush() {
	a := &w.acks
	if a.isWriting || a.pending.len() == 0 {
		return
	}
	if until, gathering := a.gathering(w.now, w.senders.flying(), w.settings.Concurrency); gathering {
		w.at(until)
		return
	}
	switch {
	case a.last:
		return
	case w.stopping && w.senders.flying() == 0 && w.e.sendCtx.Err() != nil:
		a.last = true
	case w.resting(&a.outage):
		return
	}
	o := a.begin()
	w.gate.Writing(w.now)
	w.e.wg.Go(func() { a.written <- w.tell(o) })
}

// wrote takes in how a write went.
func (w *worker) wrote(how written) {
	w.now = w.e.tick()
	failedHere := len(w.acks.writing.retry) + len(w.acks.writing.dead)
	w.acks.end(how)
	w.gate.Written()
	if how.lost {
		// Those events still wait, and are another edge's: should the right come
		// back, they are read again.
		w.logger().Info("another edge drains the destination: what failed here is left to it", zap.Int("events", failedHere))
		w.view.ForgetRetries()
		w.reset()
	}
	if how.err != nil {
		w.storeFailed(&w.acks.outage, how.err)
		return
	}
	w.storeAnswered(&w.acks.outage)
}
