package delivery

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// State is what a destination does, in a word of the admin API.
type State string

// The states. A destination that is paused shows nothing else, and so on down.
const (
	StateRemoved  State = "removed"  // in no config; its queue is kept
	StatePaused   State = "paused"   // by an operator or a 410, until resumed
	StateParked   State = "parked"   // Meta refuses the token, permission or configuration
	StateOpen     State = "open"     // the breaker is open
	StateRetrying State = "retrying" // some events wait for another attempt, or all since the destination asks for it
	StateRunning  State = "running"
)

// published is what others see of a worker.
type published struct {
	state  State
	reason string
	code   string // of the reason: the HTTP status, or Meta's code/subcode
	until  int64  // when it goes on or tries again by itself, ms; 0 = not known, or at once
	asked  bool   // the destination itself asks to wait
	kind   string
	target string
}

// text is the reason, and until when the destination asks to wait.
func (p *published) text() string {
	if p.until == 0 || !p.asked {
		return p.reason
	}
	return p.reason + "; it waits until " + time.UnixMilli(p.until).UTC().Format(time.RFC3339)
}

// waiting is why a whole destination waits: throttled, or blocked for a time.
type waiting struct{ why, code string }

// atLimit is said where an answer took the events, and its headers ask to wait.
var atLimit = Outcome{Reason: "throttled", Explanation: "the destination took the last events, and says that a limit is reached; nothing to do"}

// waitFor notes why the destination waits. It stays so until an event is taken.
func (w *worker) waitFor(o *Outcome) {
	if o.Action == Done {
		o = &atLimit
	}
	w.pause = waiting{o.Why(), o.Code}
}

// idle says whether nothing waits, as far as the worker has seen.
func (w *worker) idle() bool {
	return w.exhausted && w.flying == 0 && w.tracked == 0 && w.ready.len()+w.due.len() == 0
}

// publish tells the world what the destination does, when that changed.
func (w *worker) publish() {
	p := published{state: StateRunning, kind: w.settings.Kind, target: w.settings.Target}
	probeAt, open := w.gate.Open()
	switch {
	case w.state.Paused:
		p.state, p.reason = StatePaused, w.state.Reason
	case w.state.Parked:
		p.state, p.reason, p.code = StateParked, w.state.Reason, destination.CodeOf(w.state.Reason)
	case open:
		p.state, p.reason, p.code = StateOpen, w.lastFailure, destination.CodeOf(w.lastFailure)
		p.until = w.wallAt(probeAt)
	case w.pause.why != "" && !w.idle():
		p.state, p.reason, p.code, p.asked = StateRetrying, w.pause.why, w.pause.code, true
		if p.until = w.wallAt(w.gate.ThrottledUntil()); p.until > 0 {
			w.at(w.gate.ThrottledUntil()) // to look again whether anything waits
		}
	case w.failedCount > 0:
		p.state, p.reason, p.code = StateRetrying, w.lastFailure, destination.CodeOf(w.lastFailure)
		if w.dueHeap.len() > 0 {
			p.until = w.wallAt(w.dueHeap.min().due)
		}
	}
	if p == w.published { // only the loop writes it
		return
	}
	was, asked := w.published.state, w.published.asked
	w.mu.Lock()
	w.published = p
	w.mu.Unlock()
	if was == p.state && asked == p.asked {
		return
	}
	logger := w.logger().With(zap.String("state", string(p.state)))
	switch p.state {
	case StatePaused:
		logger.Warn("destination is paused", zap.String("reason", p.reason))
	case StateParked:
		logger.Error("destination is parked, nothing is lost: its oldest event is tried every minute", zap.String("reason", p.reason))
	case StateOpen:
		logger.Warn("destination takes nothing, its events wait", zap.String("reason", p.reason))
	case StateRetrying:
		if p.asked {
			logger.Warn("destination asks to wait, nothing is lost", zap.String("reason", p.text()))
			return
		}
		w.noticed(func() { logger.Warn("destination fails, events are tried again", zap.String("reason", p.reason)) })
	case StateRunning:
		if was == StateRetrying {
			w.noticed(func() { logger.Info("destination takes events again") })
			return
		}
		logger.Info("destination takes events again")
	}
}

// wallAt is a time to come of the loop's clock in UNIX milliseconds, to the
// second; 0 for one that has passed.
func (w *worker) wallAt(t time.Duration) int64 {
	if t <= w.now || t == never {
		return 0
	}
	return w.e.o.Now().Add(t - w.now).Round(time.Second).UnixMilli()
}

// noticed writes a line, at most two a minute: single events that fail now and
// then would fill the log.
func (w *worker) noticed(write func()) {
	if w.noticedAt == 0 || w.now-w.noticedAt >= noticesPerState {
		w.noticedAt = w.now
		write()
	}
}

func (w *worker) logger() *zap.Logger {
	return w.e.logger.Load().With(zap.String("destination", w.dest.Name), zap.String("tenant", w.dest.Tenant))
}

// enterState takes over a stored state.
func (w *worker) enterState(s queue.State) {
	if s == w.state {
		return
	}
	w.state = s
	if w.gate.Enter(s.Paused, s.Parked, w.now) {
		w.reset() // it may wait for long: keep nothing in memory
	}
}

// park stops everything but a probe a minute.
func (w *worker) park(o *Outcome) {
	w.gate.Refused(w.now)
	if w.state.Parked {
		w.reset()
		return
	}
	w.changeState(queue.State{Paused: w.state.Paused, Parked: true, Reason: o.Why(), Since: w.wall()})
	w.gate.Refused(w.now)
}

// halted stops everything, since the destination said that it is gone.
func (w *worker) halted(o *Outcome) {
	w.changeState(queue.State{Paused: true, Parked: w.state.Parked, Reason: o.Why(), Since: w.wall()})
}

// changeState sets a state that the worker came to itself. It holds at once;
// the store is told as soon as it answers.
func (w *worker) changeState(s queue.State) {
	w.enterState(s)
	w.unsavedState = true
	w.saveState()
}

// saveState stores a state that the store does not know yet.
func (w *worker) saveState() {
	if !w.unsavedState {
		return
	}
	w.stateIO.Lock()
	defer w.stateIO.Unlock()
	w.mu.Lock()
	ordered := w.stored
	w.mu.Unlock()
	if ordered.Paused && !w.state.Paused { // meanwhile, by an operator
		w.state.Paused, w.state.Reason = true, ordered.Reason
		w.gate.Enter(true, w.state.Parked, w.now)
	}
	if err := w.e.q.SetState(w.e.storeCtx, w.dest, w.state); err != nil {
		w.reads.failed(w, fmt.Errorf("storing state: %w", err))
		return
	}
	w.unsavedState = false
	w.mu.Lock()
	w.stored = w.state
	w.mu.Unlock()
}

// readState looks at the stored state, which another edge may have changed.
func (w *worker) readState() error {
	if w.unsavedState {
		return nil
	}
	w.stateIO.Lock()
	defer w.stateIO.Unlock()
	s, err := w.drain.State(w.e.storeCtx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.stored = s
	w.mu.Unlock()
	w.enterState(s)
	return nil
}

// order stores a state that an operator asked for.
func (w *worker) order(ctx context.Context, s queue.State) error {
	w.stateIO.Lock()
	defer w.stateIO.Unlock()
	if err := w.e.q.SetState(ctx, w.dest, s); err != nil {
		return err
	}
	w.mu.Lock()
	w.stored = s
	w.resumed = !s.Paused
	w.mu.Unlock()
	if s.Paused {
		w.halt() // once this returns, nothing new is sent
	}
	w.poke()
	return nil
}
