package delivery

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// Status is what a destination does, as the admin API shows it.
type Status struct {
	Name             string `json:"name"`
	Tenant           string `json:"tenant"`
	Kind             string `json:"kind"`   // forward, capi or google; "" for a removed one
	Target           string `json:"target"` // "" for a removed one
	State            State  `json:"state"`
	Reason           string `json:"reason"`   // with the code, what it means, and until when it waits
	Code             string `json:"code"`     // of the reason: the HTTP status, or Meta's code/subcode; "" if there is none
	Until            *int64 `json:"until"`    // when it goes on or tries again by itself, ms; nil if it does not wait
	Backlog          int    `json:"backlog"`  // events not yet delivered, those in flight included
	Awaiting         int    `json:"awaiting"` // events delivered with a receipt, whose outcome the destination is still to be asked
	InFlight         int    `json:"inFlight"`
	Dead             int    `json:"dead"`
	Delivered        int64  `json:"delivered"` // since this process began
	InDoubt          int64  `json:"inDoubt"`   // events that may have arrived, and nothing said whether; since this process began
	OldestAgeSeconds int64  `json:"oldestAgeSeconds"`

	rests bool // nothing of it is due
}

// Status lists all destinations by name: those of the newest config, and
// as removed those that only the store knows. A name stands there once, with what
// it has under another tenant too: a worker takes that over before it drains.
func (e *Engine) Status(ctx context.Context) ([]Status, error) { return e.StatusOf(ctx, "") }

// StatusOf is Status with what one tenant has, and nothing of any other, "" being all.
func (e *Engine) StatusOf(ctx context.Context, tenant string) ([]Status, error) {
	infos, err := e.q.Destinations(ctx)
	if err != nil {
		return nil, err // the store says what it was doing
	}
	other := func(d queue.Dest) bool { return tenant != "" && d.Tenant != tenant }
	infos = slices.DeleteFunc(infos, func(i queue.Info) bool { return other(i.Dest) })
	byName := make(map[string][]*queue.Info, len(infos))
	for i := range infos {
		byName[infos[i].Name] = append(byName[infos[i].Name], &infos[i])
	}
	now := e.o.Now().UnixMilli()
	var list []Status
	add := func(s Status, infos []*queue.Info) {
		for _, info := range infos {
			s.Backlog += info.Backlog
			s.Dead += info.Dead
			if info.OldestAt > 0 {
				s.OldestAgeSeconds = max(s.OldestAgeSeconds, (now-info.OldestAt)/1000)
			}
		}
		if s.Awaiting < 0 {
			s.Awaiting = 0
			for _, info := range infos {
				s.Awaiting += info.Awaiting
			}
		}
		s.Awaiting = min(s.Awaiting, s.Backlog)
		if s.Backlog -= s.Awaiting; s.Backlog == 0 {
			s.OldestAgeSeconds = 0
		}
		list = append(list, s)
	}
	e.mu.Lock()
	for dest, w := range e.workers {
		if other(dest) {
			continue
		}
		if s, ok := w.status(); ok {
			if !w.state.isKnown() {
				s.stopped(dest, byName[dest.Name])
			}
			add(s, byName[dest.Name])
			delete(byName, dest.Name)
		}
	}
	e.mu.Unlock()
	for _, infos := range byName {
		dest := infos[0].Dest
		s := Status{Name: dest.Name, Tenant: dest.Tenant, State: StateRemoved, Reason: infos[0].State.Reason}
		if dest == queue.Unmatched {
			s.State = StateRunning
		}
		add(s, infos)
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Tenant, b.Tenant))
	})
	return list, nil
}

// stopped shows what the store says of a destination of which the worker does not know yet:
// right after the start, and where another edge drains it.
func (s *Status) stopped(dest queue.Dest, infos []*queue.Info) {
	for _, info := range infos {
		switch {
		case info.Dest != dest:
		case info.State.Paused:
			s.State, s.Reason, s.Code, s.Until = StatePaused, info.State.Reason, "", nil
		case info.State.Parked:
			s.State, s.Reason, s.Code, s.Until = StateParked, info.State.Reason, destination.CodeOf(info.State.Reason), nil
		}
	}
}

// status is the worker's own part; not ok if no config names the destination.
func (w *worker) status() (Status, bool) {
	p := w.report.get()
	next, removed := w.assignment.peek()
	if next != nil { // not taken over yet
		p.kind, p.target = next.Kind, next.Target
	}
	var until *int64
	if p.until > 0 {
		until = &p.until
	}
	return Status{
		Name: w.dest.Name, Tenant: w.dest.Tenant, Kind: p.kind, Target: p.target,
		State: p.state, Reason: p.text(), Code: p.code, Until: until,
		InFlight: int(w.senders.inFlight.Load()), Delivered: w.report.delivered.Load(), InDoubt: w.report.inDoubt.Load(),
		Awaiting: int(w.report.awaiting.Load()), rests: w.report.rests.Load(),
	}, !removed
}

// Pause stops a destination until it is resumed, over restarts too. What is in
// flight is still finished. The error is [queue.ErrNotFound] for a name that
// neither a config nor the store knows.
func (e *Engine) Pause(ctx context.Context, name, reason string) error {
	return e.order(ctx, name, func(s queue.State) queue.State {
		return queue.State{Paused: true, Parked: s.Parked, Reason: reason, Since: e.o.Now().UnixMilli()}
	})
}

// Resume lets a destination go on that is paused, parked, throttled or whose
// breaker is open, and has it try at once what failed. Errors are as for Pause.
func (e *Engine) Resume(ctx context.Context, name string) error {
	return e.order(ctx, name, func(queue.State) queue.State { return queue.State{} })
}

func (e *Engine) order(ctx context.Context, name string, change func(queue.State) queue.State) error {
	infos, err := e.q.Destinations(ctx)
	if err != nil {
		return err // likewise
	}
	found := map[queue.Dest]queue.State{}
	for i := range infos {
		if infos[i].Name == name && infos[i].Dest != queue.Unmatched {
			found[infos[i].Dest] = infos[i].State
		}
	}
	stored := maps.Clone(found) // a worker that does not drain may know less
	workers := map[queue.Dest]*worker{}
	e.mu.Lock()
	for dest, w := range e.workers {
		if dest.Name == name && !w.isRemoved() {
			workers[dest] = w
			found[dest] = w.state.get()
		}
	}
	e.mu.Unlock()
	if len(found) == 0 {
		return fmt.Errorf("finding destination %q: %w", name, queue.ErrNotFound)
	}
	for dest, state := range found {
		next := change(state)
		if w := workers[dest]; w != nil {
			err = w.order(ctx, next)
		} else {
			err = e.q.SetState(ctx, dest, next)
		}
		if err != nil {
			return fmt.Errorf("storing state: %w", err)
		}
		if was, ok := stored[dest]; ok {
			state = was
		}
		e.notifyState(dest, &state, &next)
	}
	return nil
}
