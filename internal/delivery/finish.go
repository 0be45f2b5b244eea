package delivery

import (
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/delivery/backoff"
	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
)

// againPause is how long a destination waits whose sender tried nothing.
const againPause = time.Second

// actions counts entries by what is to become of them.
type actions [destination.Actions]int

// said is what a job's verdicts say of the whole destination.
type said struct {
	actions   actions
	taken     int // events that the destination took for the first time, and gave a receipt for
	answered  int // events that it has, and said so, whether it took them now or before
	confirmed int // of those that are done, those that it took before
	doubts    int // events that may have arrived
	// The last verdict each, nil for none.
	park, gone, wait *destination.Verdict
}

// finish takes in what became of a job.
func (w *worker) finish(j *job) {
	w.now = w.e.tick()
	w.departed(j)
	if j.unsent {
		w.takeBack(j)
		return
	}
	w.untrack(j)
	w.senders.inFlight.Add(-int64(len(j.entries)))
	stopped := w.e.sendCtx.Err() != nil

	var s said
	before := w.acks.pending.len()
	for i, e := range j.entries {
		v := &j.verdicts[i]
		tidy(v, stopped)
		w.settleDoubt(v)
		s.actions[v.Action]++
		if v.InDoubt && v.Action != destination.Again {
			s.doubts++
		}
		w.judge(e, v, j.mode, &s)
	}
	w.owe(j, w.acks.pending.len() > before)
	// What was not tried goes back to the front, in its order.
	for i, e := range slices.Backward(j.entries) {
		switch j.verdicts[i].Action {
		case destination.Park, destination.Throttle, destination.Again:
			w.view.Requeue(e, w.wall())
		}
	}
	w.doubted(s.doubts, "no answer came, or none that says whether they arrived")
	w.heed(&s, j, stopped)
	w.observe(j, &s)
	w.spares.recycle(j)
}

// owe has a call count as in flight until its outcome is stored, if it has one.
func (w *worker) owe(j *job, outcome bool) {
	switch {
	case !j.counts():
	case outcome:
		w.acks.pending.calls++
	default:
		w.senders.settled(1)
	}
}

// tidy makes a verdict one that can be used. stopped says that we broke sends off.
func tidy(v *destination.Verdict, stopped bool) {
	if stopped && v.Action == destination.Retry {
		v.Action = destination.Again
	}
	if v.Action == 0 || v.Action >= destination.Actions {
		v.Action = destination.Retry
	}
	if v.Action != destination.Done { // what is said of it may be a stranger's words
		v.Reason, v.Code, v.Explanation = printable.Line(v.Reason), printable.Line(v.Code), printable.Line(v.Explanation)
	}
}

// judge does what the verdict on an event asks for, and notes what it says of the
// destination.
func (w *worker) judge(e *view.Entry, v *destination.Verdict, m gate.Mode, s *said) {
	switch v.Action {
	case destination.Done:
		if e.Taken() {
			s.confirmed++
		}
		w.acks.pending.delivered(w.dest, e)
		w.view.Settle(e)
		if v.After > 0 {
			w.gate.Throttle(w.now + v.After)
			s.wait = cmp.Or(s.wait, v)
		}
	case destination.Gone:
		s.gone = v
		w.die(e, v)
	case destination.Dead:
		w.die(e, v)
	case destination.Retry:
		w.fail(e, v, m)
	case destination.Park:
		s.park = v
	case destination.Throttle:
		w.gate.Throttle(w.now + v.After)
		s.wait = v
	case destination.Later:
		if v.Receipt != "" {
			s.answered++
			if !e.Taken() {
				s.taken++
			}
		}
		if v.Parks {
			s.park = v
		}
		w.later(e, v)
	}
}

// heed does what a job's verdicts say of the whole destination.
func (w *worker) heed(s *said, j *job, stopped bool) {
	w.report.delivered.Add(int64(s.delivered()))
	done := s.actions[destination.Done] + s.answered
	if done > 0 {
		w.succeeded(j.mode)
	}
	switch {
	case s.wait != nil:
		w.report.waits(s.wait)
	case done > 0:
		w.report.waiting = waiting{}
	}
	switch {
	case (s.park != nil || s.gone != nil) && j.resumes != w.resumes: // asked before an operator mended it
	case s.park != nil:
		w.park(s.park)
	case s.gone != nil:
		w.pauseGone(s.gone)
	case s.actions[destination.Again] == len(j.entries) && !stopped:
		// A sender that tries nothing must not keep us busy.
		w.gate.Throttle(w.now + againPause)
	}
	if j.mode == gate.ParkProbe && s.actions[destination.Dead]+s.actions[destination.Later] == 0 {
		w.gate.ParkProbed(w.now)
	}
}

// succeeded notes that the destination took something.
func (w *worker) succeeded(m gate.Mode) {
	w.gate.Succeeded()
	w.view.Succeeded(w.now)
	if m == gate.ParkProbe && w.gate.Parked() {
		w.changeState(queue.State{Paused: w.gate.Paused()})
	}
}

// die makes an event a dead letter.
func (w *worker) die(e *view.Entry, v *destination.Verdict) {
	w.acks.pending.died(w.dest, e, v)
	w.view.Settle(e)
	w.notify(notice.Dead, v.Why())
	if w.report.mayMentionDeath(w.now) {
		w.logger().Warn("event became a dead letter", zap.String("reason", v.Reason), zap.String("code", v.Code),
			zap.String("explanation", v.Explanation), zap.Int("attempts", e.Attempts+1))
	}
}

// fail counts a failed attempt: the event is tried again later, or is dead when
// it has failed for too long.
func (w *worker) fail(e *view.Entry, v *destination.Verdict, m gate.Mode) {
	wish := min(max(v.After, 0), destination.LongestWish)
	w.report.lastFailure = v.Why()
	w.gate.Failed(e.Contact, m, w.now, wish)
	wall := w.wall()
	left := w.settings.RetryFor - time.Duration(wall-e.FirstAt)*time.Millisecond
	if left <= 0 {
		w.die(e, v)
		return
	}
	// The last attempt is made at the end of the time, not before.
	delay := max(min(backoff.Delay(e.Attempts+1, w.e.o.Rand()), left), wish)
	retry, ok := w.view.Fail(e, view.Failure{
		At: w.now, Delay: delay, Wish: wish, Due: wall + delay.Milliseconds(), Reason: v.Brief(), Unconfirmed: v.Unconfirmed,
	})
	if ok {
		w.acks.pending.retry = append(w.acks.pending.retry, retry)
	}
}

// later has an event wait though nothing failed.
func (w *worker) later(e *view.Entry, v *destination.Verdict) {
	delay := min(max(v.After, 0), destination.LongestLater)
	e.Receipt, e.Note = v.Receipt, v.Note
	retry, ok := w.view.Later(e, view.Failure{At: w.now, Delay: delay, Due: w.wall() + delay.Milliseconds(), Reason: v.Brief()})
	if ok {
		w.acks.pending.retry = append(w.acks.pending.retry, retry)
	}
}

// delivered are the events that are delivered with this job, each of them once.
func (s *said) delivered() int { return s.actions[destination.Done] - s.confirmed + s.taken }

// observe tells the metrics, and at debug level the log.
func (w *worker) observe(j *job, s *said) {
	if o := w.e.o.Observer; o != nil {
		tell := func(outcome string, n int) {
			if n > 0 {
				o.Delivered(w.dest.Name, j.settings.Kind, outcome, n, j.took)
			}
		}
		for action, n := range s.actions {
			switch action := destination.Action(action); action {
			case destination.Done:
				tell(action.String(), s.delivered())
				tell(Confirmed, s.confirmed)
			case destination.Later:
				tell(action.String(), n-s.taken)
			default:
				tell(action.String(), n)
			}
		}
	}
	if !w.e.logger.Load().Core().Enabled(zapcore.DebugLevel) {
		return
	}
	logger := w.logger()
	for i, e := range j.entries {
		v := &j.verdicts[i]
		logger.Debug("event sent", eventID(e.Header.EventID), zap.Stringer("outcome", v.Action), zap.Int("attempt", j.items[i].Attempt),
			zap.String("reason", v.Reason), zap.String("code", v.Code), zap.Duration("took", j.took))
	}
}
