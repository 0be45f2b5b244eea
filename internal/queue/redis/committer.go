package redis

import (
	"context"
	"runtime"
	"sync"

	"github.com/leadgate/leadgate/internal/queue"
)

// pending is one Append on its way through a committer. Its arrays hold the
// results of a usual webhook, so that they are one allocation together.
type pending struct {
	groups  []queue.Group
	results []queue.Result
	done    chan struct{} // gets a value when the results are there

	one  [1]queue.Result
	news [2]bool
	jobs [4]queue.Outcome
}

// tokens are the channels of appends that have ended.
var tokens = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

func newPending(groups []queue.Group) *pending {
	p := &pending{groups: groups, done: tokens.Get().(chan struct{})}
	if len(groups) == 1 {
		p.results = p.one[:]
		p.one[0] = queue.Result{New: room(p.news[:], len(groups[0].Events)), Jobs: room(p.jobs[:], len(groups[0].Jobs))}
		return p
	}
	p.results = make([]queue.Result, len(groups))
	for i := range groups {
		p.results[i] = queue.Result{New: make([]bool, len(groups[i].Events)), Jobs: make([]queue.Outcome, len(groups[i].Jobs))}
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

// committer gathers concurrent appends: whoever arrives while a commit runs
// goes with the next one. There is no timer, so a lone append waits for nobody.
type committer struct {
	commit func([]*pending) // fills the results; runs in the flusher alone

	mu     sync.Mutex
	queue  []*pending
	spare  []*pending
	wake   chan struct{}
	closed bool
	owner  sync.WaitGroup
}

func newCommitter(commit func([]*pending)) *committer {
	c := &committer{commit: commit, wake: make(chan struct{}, 1)}
	c.owner.Go(c.run)
	return c
}

// append hands groups to the flusher and waits for the commit or for ctx.
func (c *committer) append(ctx context.Context, groups []queue.Group) []queue.Result {
	p := newPending(groups)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return queue.Failed(len(groups), queue.ErrUnavailable)
	}
	c.queue = append(c.queue, p)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	c.mu.Unlock()
	select {
	case <-p.done:
		tokens.Put(p.done)
		return p.results
	case <-ctx.Done():
		return queue.Failed(len(groups), context.Cause(ctx))
	}
}

func (c *committer) run() {
	for range c.wake {
		for batch := c.take(); len(batch) > 0; batch = c.take() {
			c.commit(batch)
			for _, p := range batch {
				p.done <- struct{}{}
			}
		}
	}
}

// take takes what waits, after everybody who is ready to run had their turn: under
// load they bring their webhooks too. It swaps the two slices, so that appends go
// on while a commit runs.
func (c *committer) take() []*pending {
	runtime.Gosched()
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.queue
	clear(c.spare)
	c.queue, c.spare = c.spare[:0], batch
	return batch
}

// close waits for the appends that were accepted; later ones are refused.
func (c *committer) close() {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	c.mu.Unlock()
	if !already {
		close(c.wake)
	}
	c.owner.Wait()
}
