package redis

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// Done implements [queue.Drain].
func (d *drain) Done(ctx context.Context, at []queue.Pos) error {
	if len(at) == 0 {
		return nil
	}
	name := d.dest.Name
	part := doneEntries{queue: d.keys.queue(name), retry: d.keys.retry(name), pending: d.keys.pending(name), blocks: d.keys.blocks()}
	k := &call{}
	for len(at) > 0 {
		n := min(len(at), donePositions)
		part.at = at[:n]
		k.done = append(k.done, part)
		at = at[n:]
	}
	return queueError("removing delivered entries", d.r.do(ctx, k))
}

// holding runs a script for the holder of the lease over a list, in steps. Each of the
// list is so many arguments. The script answers how many it has dealt with, or -1 if
// the lease is another edge's.
func (d *drain) holding(ctx context.Context, doing string, s *lua.Script, keys []string, head, list []any, each int) error {
	for len(list) > 0 {
		step := list[:min(len(list), drainStep*each)]
		cmd := d.r.call(d.r.life, s, keys, append(slices.Clone(head), step...)...)
		if err := d.r.do(ctx, &call{cmd: cmd}); err != nil {
			return queueError(doing, err)
		}
		n, err := cmd.Int()
		if err != nil {
			return queueError(doing, err)
		}
		if n <= 0 {
			return d.lostLease(doing)
		}
		list = list[n*each:]
	}
	return nil
}

// lostLease notes that the lease is another edge's.
func (d *drain) lostLease(doing string) error {
	d.mu.Lock()
	d.refused = d.refused || d.held
	d.held, d.lost = false, true
	d.mu.Unlock()
	d.r.lease.hurry()
	d.notify()
	return fmt.Errorf("%s of %s: %w", doing, d.dest.Name, queue.ErrLost)
}

// Retry implements [queue.Drain].
func (d *drain) Retry(ctx context.Context, list []queue.Retry) error {
	args := make([]any, 0, 3*len(list))
	for i := range list {
		id, part := entryOf(list[i].Pos)
		args = append(args, streamID(id), part, codec.AppendRetry(nil, &list[i]))
	}
	name := d.dest.Name
	return d.holding(ctx, "storing retries", lua.Retry,
		[]string{d.keys.lease(name), d.keys.queue(name), d.keys.retry(name), d.keys.pending(name)}, []any{d.r.token, drainBytes}, args, 3)
}

// Dead implements [queue.Drain].
func (d *drain) Dead(ctx context.Context, list []queue.Death) error {
	if len(list) == 0 {
		return nil
	}
	const doing = "storing dead letters"
	contents, err := d.bundled(ctx, list)
	if err != nil {
		return queueError(doing, err)
	}
	now := d.r.now()
	args := make([]any, 0, 5*len(list))
	for i := range list {
		pos := list[i].Pos
		id, part := entryOf(pos)
		var header, payload []byte
		if part > 0 {
			e, ok := contents[pos]
			if !ok {
				continue // it is gone
			}
			header, payload = codec.AppendHeader(nil, &e.Header), e.Payload
		}
		args = append(args, streamID(id), part, codec.AppendDeath(nil, list[i].Attempts, list[i].FirstAt, now, &list[i].Reason), header, payload)
	}
	name := d.dest.Name
	return d.holding(ctx, doing, lua.Dead,
		[]string{d.keys.lease(name), d.keys.queue(name), d.keys.retry(name), d.keys.dead(name), d.keys.pending(name), d.keys.blocks()},
		[]any{d.r.token, now, drainBytes}, args, 5)
}

// bundled reads those entries that are in a bundle, which only an edge can unpack.
func (d *drain) bundled(ctx context.Context, list []queue.Death) (map[queue.Pos]queue.Entry, error) {
	var at []queue.Pos
	for i := range list {
		if _, part := entryOf(list[i].Pos); part > 0 {
			at = append(at, list[i].Pos)
		}
	}
	entries, err := d.Get(ctx, at)
	contents := make(map[queue.Pos]queue.Entry, len(entries))
	for i := range entries {
		contents[entries[i].Pos] = entries[i]
	}
	return contents, err
}
