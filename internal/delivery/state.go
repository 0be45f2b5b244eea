package delivery

import (
	"context"
	"fmt"

	"go.uber.org/zap"

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
	StateRetrying State = "retrying" // some events wait for another attempt
	StateRunning  State = "running"
)

// published is what others see of a worker.
type published struct {
	state  State
	reason string
	kind   string
	target string
}

// publish tells the world what the destination does, when that changed.
func (w *worker) publish() {
	p := published{state: StateRunning, kind: w.settings.Kind, target: w.settings.Target}
	switch {
	case w.state.Paused:
		p.state, p.reason = StatePaused, w.state.Reason
	case w.state.Parked:
		p.state, p.reason = StateParked, w.state.Reason
	case w.breaker.open:
		p.state, p.reason = StateOpen, w.lastFailure
	case w.failedCount > 0:
		p.state, p.reason = StateRetrying, w.lastFailure
	}
	if p == w.published { // only the loop writes it
		return
	}
	was := w.published.state
	w.mu.Lock()
	w.published = p
	w.mu.Unlock()
	if was == p.state {
		return
	}
	if o := w.e.o.Observer; o != nil {
		o.StateChanged(w.dest.Name, p.kind, p.state, p.reason)
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
		w.noticed(func() { logger.Warn("destination fails, events are tried again", zap.String("reason", p.reason)) })
	case StateRunning:
		if was == StateRetrying {
			w.noticed(func() { logger.Info("destination takes events again") })
			return
		}
		logger.Info("destination takes events again")
	}
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
	old := w.state
	w.state = s
	if s.Paused && !old.Paused || s.Parked && !old.Parked {
		w.reset() // it may wait for long: keep nothing in memory
		w.parkProbeAt = w.now
	}
}

// park stops everything but a probe a minute.
func (w *worker) park(o *Outcome) {
	w.parkProbeAt = w.now + parkedProbe
	if w.state.Parked {
		w.reset()
		return
	}
	reason := o.Reason
	if o.Explanation != "" {
		reason += ": " + o.Explanation
	}
	w.changeState(queue.State{Paused: w.state.Paused, Parked: true, Reason: reason, Since: w.wall()})
	w.parkProbeAt = w.now + parkedProbe
}

// pause stops everything, since the destination said that it is gone.
func (w *worker) pause(o *Outcome) {
	reason := o.Reason
	if o.Explanation != "" {
		reason += ": " + o.Explanation
	}
	w.changeState(queue.State{Paused: true, Parked: w.state.Parked, Reason: reason, Since: w.wall()})
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
