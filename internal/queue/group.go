package queue

import (
	"context"
	"sync"
)

// pending is one Append on its way through a committer.
type pending struct {
	groups  []Group
	results []Result
	done    chan struct{}
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
func (c *committer) append(ctx context.Context, groups []Group) []Result {
	p := &pending{groups: groups, results: make([]Result, len(groups)), done: make(chan struct{})}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return failed(len(groups), ErrUnavailable)
	}
	c.queue = append(c.queue, p)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	c.mu.Unlock()
	select {
	case <-p.done:
		return p.results
	case <-ctx.Done():
		return failed(len(groups), context.Cause(ctx))
	}
}

func (c *committer) run() {
	for range c.wake {
		for batch := c.take(); len(batch) > 0; batch = c.take() {
			c.commit(batch)
			for _, p := range batch {
				close(p.done)
			}
		}
	}
}

// take swaps the two slices, so that appends go on while a commit runs.
func (c *committer) take() []*pending {
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

func failed(n int, err error) []Result {
	results := make([]Result, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}
