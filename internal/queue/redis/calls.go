package redis

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// call is a small write on its way: deliveries, retries and deaths, of which
// many workers make one at a time.
type call struct {
	cmd  *redis.Cmd
	done []donePart // set instead of cmd: entries delivered of one destination
	err  error
	end  chan struct{}
}

type donePart struct {
	queue, retry, marks string
	at                  []queue.Pos
}

// caller gathers calls like committer gathers appends: those that come while a
// pipeline runs go together with the next.
type caller struct {
	execute func([]*call)

	mu     sync.Mutex
	queue  []*call
	wake   chan struct{}
	closed bool
	owner  sync.WaitGroup
}

func newCaller(execute func([]*call)) *caller {
	c := &caller{execute: execute, wake: make(chan struct{}, 1)}
	c.owner.Go(func() {
		for range c.wake {
			for batch := c.take(); len(batch) > 0; batch = c.take() {
				c.execute(batch)
				for _, call := range batch {
					close(call.end)
				}
			}
		}
	})
	return c
}

func (c *caller) take() []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.queue
	c.queue = nil
	return batch
}

// do hands a call over and waits for it or for ctx.
func (c *caller) do(ctx context.Context, k *call) error {
	k.end = make(chan struct{})
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return redis.ErrClosed
	}
	c.queue = append(c.queue, k)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	c.mu.Unlock()
	select {
	case <-k.end:
		return k.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *caller) close() {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	c.mu.Unlock()
	if !already {
		close(c.wake)
	}
	c.owner.Wait()
}

const (
	pipelineCommands = 1000
	donePositions    = 1000 // a script's unpack has a limit of about 8000
)

// execute runs a batch in pipelines; deliveries of one destination are merged.
func (r *Store) execute(batch []*call) {
	var cmds []redis.Cmder
	merged := map[string]*mergedDone{}
	var order []*mergedDone
	for _, k := range batch {
		if k.cmd != nil {
			cmds = append(cmds, k.cmd)
			continue
		}
		for _, d := range k.done {
			m := merged[d.queue]
			if m == nil || len(m.at)+len(d.at) > donePositions {
				m = &mergedDone{donePart: donePart{queue: d.queue, retry: d.retry, marks: d.marks}}
				merged[d.queue] = m
				order = append(order, m)
			}
			m.at = append(m.at, d.at...)
			m.calls = append(m.calls, k)
		}
	}
	for _, m := range order {
		m.cmd = scriptDone.call(r.life, []string{m.queue, m.retry, m.marks}, doneArgs(m.at)...)
		cmds = append(cmds, m.cmd)
	}
	for len(cmds) > 0 {
		n := min(len(cmds), pipelineCommands)
		pipeline(r.life, r.client, cmds[:n])
		cmds = cmds[n:]
	}
	for _, k := range batch {
		if k.cmd != nil {
			k.err = k.cmd.Err()
		}
	}
	for _, m := range order {
		if err := m.cmd.Err(); err != nil {
			for _, k := range m.calls {
				k.err = err
			}
		}
	}
}

type mergedDone struct {
	donePart
	calls []*call
	cmd   *redis.Cmd
}

// doneArgs are the arguments of done.lua.
func doneArgs(at []queue.Pos) []any {
	args := make([]any, 1, 1+len(at))
	parts := map[queue.Pos][]byte{}
	for _, p := range at {
		if id, part := entryOf(p); part == 0 {
			args = append(args, streamID(id))
		} else {
			parts[id] = append(parts[id], byte(part))
		}
	}
	args[0] = len(args) - 1
	for id, list := range parts {
		args = append(args, streamID(id), list)
	}
	return args
}

// pipeline runs commands in one round trip, or in a second one those of a script
// that the server doesn't know yet; each keeps its own error.
func pipeline(ctx context.Context, client redis.UniversalClient, cmds []redis.Cmder) {
	for ; len(cmds) > 0; cmds = unknown(cmds) {
		if len(cmds) == 1 {
			_ = client.Process(ctx, cmds[0])
			continue
		}
		p := client.Pipeline()
		for _, c := range cmds {
			_ = p.Process(ctx, c)
		}
		_, _ = p.Exec(ctx)
	}
}
