package delivery

import (
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/delivery/backoff"
	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
)

// againPause is how long a destination waits whose sender tried nothing.
const againPause = time.Second

// finish takes in what became of a job.
func (w *worker) finish(j *job) {
	if j.unsent {
		w.takeBack(j)
		return
	}
	w.now = w.e.tick()
	w.landed(j)
	w.inFlight.Add(-int64(len(j.entries)))
	stopped := w.e.sendCtx.Err() != nil

	var counts [Again + 1]int
	var park, gone, wait *Outcome
	for i, e := range j.entries {
		o := &j.outcomes[i]
		if stopped && o.Action == Retry {
			o.Action = Again // we broke it off ourselves
		}
		if o.Action == 0 || o.Action > Again {
			o.Action = Retry
		}
		counts[o.Action]++
		if o.Action != Done { // what is said of it may be a stranger's words
			o.Reason, o.Code, o.Explanation = printable.Line(o.Reason), printable.Line(o.Code), printable.Line(o.Explanation)
		}
		switch o.Action {
		case Done:
			w.acks.done = append(w.acks.done, e.Pos)
			w.acks.reported(w.dest, e)
			w.settle(e)
			if o.After > 0 {
				w.gate.Throttle(w.now + o.After)
				wait = cmp.Or(wait, o)
			}
		case Gone:
			gone = o
			w.die(e, o)
		case Dead:
			w.die(e, o)
		case Retry:
			w.fail(e, o, j.mode)
		case Park:
			park = o
		case Throttle:
			w.gate.Throttle(w.now + o.After)
			wait = o
		}
	}
	// What was not tried goes back to the front, in its order.
	for i, v := range slices.Backward(j.entries) {
		switch j.outcomes[i].Action {
		case Park, Throttle, Again:
			w.putBack(v)
		}
	}
	if n := counts[Done]; n > 0 {
		w.delivered.Add(int64(n))
		w.succeeded(j.mode)
	}
	switch {
	case wait != nil:
		w.waitFor(wait)
	case counts[Done] > 0:
		w.pause = waiting{}
	}
	switch {
	case park != nil:
		w.park(park)
	case gone != nil:
		w.halted(gone)
	case counts[Again] == len(j.entries) && !stopped:
		// A sender that tries nothing must not keep us busy.
		w.gate.Throttle(w.now + againPause)
	}
	if j.mode == gate.ParkProbe && counts[Dead] == 0 {
		w.gate.ParkProbed(w.now)
	}
	w.observe(j, &counts)
	w.recycle(j)
}

// landed takes a job off the list of those on their way.
func (w *worker) landed(j *job) {
	last := len(w.jobs) - 1
	w.jobs[j.place] = w.jobs[last]
	w.jobs[j.place].place = j.place
	w.jobs[last] = nil
	w.jobs = w.jobs[:last]
	w.flying--
	if j.retries > 0 {
		w.flyingRetries--
	}
	w.gate.Ended(j.mode)
}

// succeeded notes that the destination took something.
func (w *worker) succeeded(m gate.Mode) {
	w.gate.Succeeded()
	w.heldSuccess()
	if m == gate.ParkProbe && w.state.Parked {
		w.changeState(queue.State{Paused: w.state.Paused})
	}
}

// settle forgets an event that was delivered or died.
func (w *worker) settle(e *entry) {
	if e.failed != nil {
		w.dropFailed(e.failed)
	}
	if !e.seen {
		w.settled[e.Pos] = struct{}{}
		delete(w.aloft, e.Pos)
	}
	w.release(e)
}

// release lets the next event of a contact go.
func (w *worker) release(e *entry) {
	if e.lane != nil {
		e.lane.busy = false
		w.advance(e.lane)
	}
}

func (w *worker) die(e *entry, o *Outcome) {
	w.acks.dead = append(w.acks.dead, queue.Death{
		Pos: e.Pos, Attempts: e.attempts + 1, FirstAt: e.firstAt,
		Reason: queue.Reason{Reason: o.Reason, Code: o.Code, Explanation: o.Explanation},
	})
	w.acks.died(w.dest, e)
	w.settle(e)
	if w.deadAt == 0 || w.now-w.deadAt >= noticesPerState {
		w.deadAt = w.now
		w.logger().Warn("event became a dead letter", zap.String("reason", o.Reason), zap.String("code", o.Code),
			zap.String("explanation", o.Explanation), zap.Int("attempts", e.attempts+1))
	}
}

// fail counts a failed attempt: the event is tried again later, or is dead when
// it has failed for too long.
func (w *worker) fail(e *entry, o *Outcome, m gate.Mode) {
	wish := min(max(o.After, 0), destination.LongestWish)
	w.lastFailure = o.Why()
	w.gate.Failed(e.contact, m, w.now, wish)
	wall := w.wall()
	left := w.settings.RetryFor - time.Duration(wall-e.firstAt)*time.Millisecond
	if left <= 0 {
		w.die(e, o)
		return
	}
	e.attempts++
	if o.Unconfirmed {
		e.unconfirmed++
	}
	// The last attempt is made at the end of the time, not before.
	delay := max(min(backoff.Delay(e.attempts, w.e.o.Rand()), left), wish)
	due := wall + delay.Milliseconds()
	reason := o.Brief()
	if !e.seen {
		delete(w.aloft, e.Pos)
		w.known[e.Pos] = known{attempts: e.attempts, firstAt: e.firstAt, due: due, reason: reason, unsaved: true}
		w.release(e)
		return
	}
	w.acks.retry = append(w.acks.retry, queue.Retry{
		Pos: e.Pos, Attempts: e.attempts, FirstAt: e.firstAt, Due: due, Reason: reason,
	})
	f := e.failed
	if f == nil {
		f = &failed{pos: e.Pos, lane: e.lane, contact: e.contact, firstAt: e.firstAt}
		w.addFailed(f)
	}
	f.unconfirmed, f.notUntil = e.unconfirmed, w.now+wish
	f.claimed, f.attempts, f.triedAt, f.due = false, e.attempts, w.now, w.now+delay
	w.dueHeap.push(f)
	w.heldFailure(f)
	w.release(e)
}

// putBack returns an event that was not tried to the front of what is ready.
func (w *worker) putBack(e *entry) {
	if e.attempts == 0 {
		e.firstAt = 0
	}
	switch {
	case !e.seen:
		// It will be read again in its place, unless it was already passed.
		delete(w.aloft, e.Pos)
		if e.attempts > 0 {
			w.known[e.Pos] = known{attempts: e.attempts, firstAt: e.firstAt, due: w.wall()}
		}
		w.release(e)
	case e.failed != nil:
		w.bytes += len(e.Payload)
		w.due.pushFront(e)
	default:
		w.bytes += len(e.Payload)
		w.ready.pushFront(e)
	}
}

// observe tells the metrics, and at debug level the log.
func (w *worker) observe(j *job, counts *[Again + 1]int) {
	if o := w.e.o.Observer; o != nil {
		for class, n := range counts {
			if n > 0 {
				o.Delivered(w.dest.Name, j.settings.Kind, Class(class).String(), n, j.took)
			}
		}
	}
	if !w.e.logger.Load().Core().Enabled(zapcore.DebugLevel) {
		return
	}
	logger := w.logger()
	for i, e := range j.entries {
		o := &j.outcomes[i]
		logger.Debug("event sent", eventID(e.Header.EventID), zap.Stringer("outcome", o.Action), zap.Int("attempt", j.items[i].Attempt),
			zap.String("reason", o.Reason), zap.String("code", o.Code), zap.Duration("took", j.took))
	}
}
