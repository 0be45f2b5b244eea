package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// heavy reports whether a group is too much for one call of the append script.
func heavy(g *queue.Group) bool {
	if len(g.Events) > partEvents {
		return true
	}
	steps, written := groupCost(g)
	return steps > partSteps || written > heavyBytes && len(g.Jobs) > 1
}

// groupCost is how many commands of Redis's a group takes at worst, and how many bytes
// it writes into streams.
func groupCost(g *queue.Group) (steps, written int) {
	steps = counterSteps*len(g.Counters) + noteSteps*len(g.Notes)
	for i := range g.Events {
		steps += eventSteps(&g.Events[i])
	}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		steps += jobSteps(j)
		if p := j.Payload; p >= 0 && p < len(g.Payloads) {
			written += len(g.Payloads[p])
		}
	}
	return steps, written
}

// eventSteps is how many commands an event takes at worst, but for those that the
// script itself bounds.
func eventSteps(ev *queue.Event) int {
	n := 2
	if ev.Time <= 0 {
		n += 10 // it is looked up on several days
	}
	if ev.SealEvent() != nil {
		n += 12 // likewise
	}
	if ev.Contact != "" {
		n += 2*(1+len(ev.Aliases)) + 8*len(ev.FormerKeys()) // each may be an alias of an alias
	}
	if ev.MessageID != "" {
		n += 4
	}
	if len(ev.Clicks) > 0 {
		n += 11
	}
	if ev.KeptClaim() != "" {
		n += 4 + 3*(1+len(ev.Aliases)+len(ev.FormerKeys()))
	}
	return n
}

func jobSteps(j *queue.Job) int { return 3 + 3*len(j.Once) }

const (
	counterSteps = 4
	noteSteps    = 8 // a journal is taken apart and put together again
)

// appendInParts stores groups of which one is heavy, in their order. Its caller does
// the work, so that other webhooks don't wait behind it.
func (r *Store) appendInParts(ctx context.Context, groups []queue.Group) []queue.Result {
	if !r.heavy.enter() {
		return queue.Failed(len(groups), queue.ErrUnavailable)
	}
	defer r.heavy.leave()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return queue.Failed(len(groups), context.Cause(ctx))
	}
	results := make([]queue.Result, 0, len(groups))
	for len(groups) > 0 {
		n := 0
		for n < len(groups) && !heavy(&groups[n]) {
			n++
		}
		if n > 0 {
			results = append(results, r.gather(ctx, groups[:n])...)
			groups = groups[n:]
			continue
		}
		results = append(results, r.appendHeavy(ctx, &groups[0]))
		groups = groups[1:]
	}
	return results
}

func (r *Store) appendHeavy(ctx context.Context, g *queue.Group) queue.Result {
	const doing = "queueing events"
	if err := errors.Join(r.servers.refused(), g.Validate()); err != nil {
		return queue.Result{Err: err}
	}
	result := queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Admission, len(g.Jobs))}
	for i := range result.Jobs {
		result.Jobs[i] = queue.Duplicate
	}
	err := r.storeHeavy(ctx, g, &result)
	switch {
	case err == nil:
		return result
	case ctx.Err() != nil:
		return queue.Result{Err: context.Cause(ctx)}
	}
	return queue.Result{Err: noteError(doing, err)}
}

func (r *Store) storeHeavy(ctx context.Context, g *queue.Group, result *queue.Result) error {
	if err := r.introduce(ctx, g.Tenant); err != nil {
		return err
	}
	err := r.storeNoted(ctx, g, result)
	if errors.Is(err, errPiecesGone) || errors.Is(err, errGone) {
		// There is no note any more, and here is the whole webhook.
		err = r.storeNoted(ctx, g, result)
	}
	return err
}

// noteProblem is an error that is none of Redis's: it doesn't pass by itself.
type noteProblem struct{ error }

func (p noteProblem) Unwrap() error { return p.error }

// noteError says what an error means to the queue.
func noteError(doing string, err error) error {
	if p, ok := errors.AsType[noteProblem](err); ok {
		return fmt.Errorf("%s: %w", doing, p.error)
	}
	return queueError(doing, err)
}
