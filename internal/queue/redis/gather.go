package redis

import (
	"context"
	"errors"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/batch"
)

// gathered is one Append on its way through the batcher. Its arrays hold the
// results of a usual webhook, so that they are one allocation together.
type gathered struct {
	groups  []queue.Group
	results []queue.Result

	one  [1]queue.Result
	news [2]bool
	jobs [4]queue.Admission
}

func newGathered(groups []queue.Group) *gathered {
	p := &gathered{groups: groups}
	if len(groups) == 1 {
		p.results = p.one[:]
		p.one[0] = queue.Result{New: room(p.news[:], len(groups[0].Events)), Jobs: room(p.jobs[:], len(groups[0].Jobs))}
		return p
	}
	p.results = make([]queue.Result, len(groups))
	for i := range groups {
		p.results[i] = queue.Result{New: make([]bool, len(groups[i].Events)), Jobs: make([]queue.Admission, len(groups[i].Jobs))}
	}
	return p
}

// room is a slice of n elements, of small if it has as many.
func room[T any](small []T, n int) []T {
	if n > len(small) {
		return make([]T, n)
	}
	return small[:n:n]
}

// gather stores groups with those that others bring at the same time, and waits for
// that or for ctx.
func (r *Store) gather(ctx context.Context, groups []queue.Group) []queue.Result {
	p := newGathered(groups)
	switch err := r.appends.Do(ctx, p); {
	case err == nil:
		return p.results
	case errors.Is(err, batch.ErrClosed):
		return queue.Failed(len(groups), queue.ErrUnavailable)
	default:
		return queue.Failed(len(groups), err)
	}
}
