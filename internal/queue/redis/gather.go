package redis

import (
	"context"
	"errors"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/batch"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
)

// gathered is one Append on its way through the batcher. Its arrays hold the
// results of a usual webhook, so that they are one allocation together.
type gathered struct {
	groups  []queue.Group
	results []queue.Result

	tried  bool          // Redis has answered it
	inLine chan struct{} // closed when it stands in line no more; nil: it never did

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

// isMoving reports whether a Cluster has refused any of it for now.
func (p *gathered) isMoving() bool {
	for i := range p.results {
		if err := p.results[i].Err; err != nil && cluster.IsMoving(err) {
			return true
		}
	}
	return false
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
	case err == nil && p.inLine == nil:
		return p.results
	case err == nil:
		select {
		case <-p.inLine:
			return p.results
		case <-ctx.Done():
			return queue.Failed(len(groups), context.Cause(ctx))
		}
	case errors.Is(err, batch.ErrClosed):
		return queue.Failed(len(groups), queue.ErrUnavailable)
	default:
		return queue.Failed(len(groups), err)
	}
}
