package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// storedState is whether a destination is paused or parked: as the store has it, and as
// the loop goes by.
type storedState struct {
	io sync.Mutex // held over a change or a read of what is stored

	// Shared, under mu.
	mu      sync.Mutex
	stored  queue.State // as last read or set
	known   bool        // stored is, since this edge has the right to drain
	resumed bool        // by an operator: the loop has not noticed yet

	// The loop's own.
	current queue.State
	unsaved bool          // the loop changed it, and the store does not know yet
	lookAt  time.Duration // when the store is asked again
}

// get returns what is stored, as far as is known.
func (s *storedState) get() queue.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

func (s *storedState) set(stored queue.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored, s.known = stored, true
}

// read notes what was read. It reports whether an operator resumed the destination at
// another edge, since it was read before.
func (s *storedState) read(stored queue.State) (resumed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resumed = s.known && stored != s.stored && !stored.Paused && !stored.Parked && stored.Since > 0
	s.stored, s.known = stored, true
	return resumed
}

// forget says that another edge may change it, and that it is not looked at.
func (s *storedState) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = false
}

// isKnown reports whether it was looked at since this edge has the right to drain.
func (s *storedState) isKnown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// ordered notes what an operator had stored.
func (s *storedState) ordered(stored queue.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored, s.resumed = stored, !stored.Paused
}

// takeOrders returns what is stored, and whether an operator resumed the destination
// since it was last called.
func (s *storedState) takeOrders() (stored queue.State, resumed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, resumed, s.resumed = s.stored, s.resumed, false
	return stored, resumed
}

// order stores a state that an operator asked for. It is not the loop's.
func (w *worker) order(ctx context.Context, s queue.State) error {
	w.state.io.Lock()
	defer w.state.io.Unlock()
	if _, draining := w.drain.Epoch(); !draining && s == (queue.State{}) {
		s.Since = w.e.o.Now().UnixMilli() // by which the edge that drains knows it from what it has read
	}
	if err := w.e.q.SetState(ctx, w.dest, s); err != nil {
		return err
	}
	w.state.ordered(s)
	if s.Paused {
		w.senders.halt() // once this returns, nothing new is sent
	}
	w.poke()
	return nil
}

// obey takes over what is stored, and what was ordered.
func (w *worker) obey() {
	stored, resumed := w.state.takeOrders()
	if resumed {
		w.state.unsaved = false
	}
	if !w.state.unsaved {
		w.enterState(stored)
	}
	if resumed {
		w.goOn()
	}
}

// goOn forgets what made the destination wait: an operator resumed it.
func (w *worker) goOn() {
	w.resumes++
	w.hurry = true
	w.report.waiting = waiting{}
	w.gate.Resume()
}

// hurryUp has what failed be tried at once, where an operator resumed the destination: what
// made it fail may be mended. It is not known before what is stored of it was read.
func (w *worker) hurryUp() {
	if w.hurry {
		w.hurry = false
		w.view.Hurry(w.now, w.wall())
	}
}

// enterState goes by a state from now on.
func (w *worker) enterState(s queue.State) {
	if s == w.state.current {
		return
	}
	w.state.current = s
	if w.gate.Enter(s.Paused, s.Parked, w.now) {
		w.reset() // it may wait for long: keep nothing in memory
	}
}

// park stops everything but a probe a minute.
func (w *worker) park(v *destination.Verdict) {
	if w.gate.Parked() {
		w.gate.Refused(w.now)
		w.reset()
		return
	}
	w.changeState(queue.State{Paused: w.gate.Paused(), Parked: true, Reason: v.Why(), Since: w.wall()})
	w.gate.Refused(w.now)
}

// pauseGone stops everything, since the destination said that it is gone.
func (w *worker) pauseGone(v *destination.Verdict) {
	w.changeState(queue.State{Paused: true, Parked: w.gate.Parked(), Reason: v.Why(), Since: w.wall()})
}

// changeState sets a state that the worker came to itself. It holds at once;
// the store is told as soon as it answers.
func (w *worker) changeState(s queue.State) {
	was := w.state.current
	if !w.state.unsaved {
		was = w.state.get() // with what was ordered meanwhile, and told of
	}
	w.e.notifyState(w.dest, &was, &s)
	w.enterState(s)
	w.state.unsaved = true
	w.saveState()
}

// saveState stores a state that the store does not know yet.
func (w *worker) saveState() {
	if !w.state.unsaved {
		return
	}
	w.state.io.Lock()
	defer w.state.io.Unlock()
	current := &w.state.current
	if ordered := w.state.get(); ordered.Paused && !current.Paused { // meanwhile, by an operator
		current.Paused, current.Reason = true, ordered.Reason
		w.gate.Enter(true, current.Parked, w.now)
	}
	if err := w.e.q.SetState(w.e.storeCtx, w.dest, *current); err != nil {
		w.storeFailed(&w.reader.outage, fmt.Errorf("storing state: %w", err))
		return
	}
	w.state.unsaved = false
	w.state.set(*current)
}

// readState looks at the stored state, which another edge may have changed.
func (w *worker) readState() error {
	if w.state.unsaved {
		return nil
	}
	w.state.io.Lock()
	defer w.state.io.Unlock()
	s, err := w.drain.State(w.e.storeCtx)
	if err != nil {
		return err
	}
	resumed := w.state.read(s)
	w.enterState(s)
	if resumed {
		w.goOn()
	}
	return nil
}
