package redis

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/batch"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// call is a small write on its way: of deliveries, retries or deaths, of which each of
// many workers makes one at a time.
type call struct {
	cmd  *redis.Cmd
	done []doneEntries // set instead of cmd: entries delivered of one destination
	err  error
}

// doneEntries are entries of a destination, and the keys of that.
type doneEntries struct {
	queue, retry, pending, blocks string
	at                            []queue.Pos
}

// do hands a call over, which goes in a pipeline with those that come at the same
// time, and waits for it or for ctx. What a Cluster refuses for now is handed over again.
func (r *Store) do(ctx context.Context, k *call) error {
	err := r.doOnce(ctx, k)
	if !cluster.IsMoving(err) {
		return err
	}
	for end := time.Now().Add(cluster.Patience); cluster.IsMoving(err) && cluster.Pause(ctx, end); {
		if k.err = nil; k.cmd != nil {
			k.cmd.SetErr(nil)
		}
		err = r.doOnce(ctx, k)
	}
	return err
}

func (r *Store) doOnce(ctx context.Context, k *call) error {
	switch err := r.calls.Do(ctx, k); {
	case err == nil:
		return k.err
	case errors.Is(err, batch.ErrClosed):
		return redis.ErrClosed
	default:
		return err
	}
}

// execute makes calls in pipelines. Deliveries of one destination are one call.
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
				m = &mergedDone{doneEntries: doneEntries{queue: d.queue, retry: d.retry, pending: d.pending, blocks: d.blocks}}
				merged[d.queue] = m
				order = append(order, m)
			}
			m.at = append(m.at, d.at...)
			m.calls = append(m.calls, k)
		}
	}
	for _, m := range order {
		m.cmd = r.call(r.life, lua.Done, []string{m.queue, m.retry, m.pending, m.blocks}, doneArgs(m.at)...)
		cmds = append(cmds, m.cmd)
	}
	for len(cmds) > 0 {
		n := min(len(cmds), pipelineCommands)
		ctx, cancel := r.bounded(&waiting{})
		pipeline(ctx, r.client, cmds[:n])
		cancel()
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

// mergedDone is the call for the deliveries of several.
type mergedDone struct {
	doneEntries
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

// pipeline runs commands in one round trip, and again, in a second one, those of a
// script that the server doesn't know yet. Each keeps its own error.
func pipeline(ctx context.Context, client redis.UniversalClient, cmds []redis.Cmder) {
	for ; len(cmds) > 0; cmds = lua.Unknown(cmds) {
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
