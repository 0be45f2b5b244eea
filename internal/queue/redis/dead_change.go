package redis

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// ReplayDead implements [queue.Queue].
func (r *Store) ReplayDead(ctx context.Context, f queue.DeadFilter) (int, error) {
	const doing = "replaying dead letters"
	backlog := r.options.Load().MaxBacklog
	if backlog <= 0 {
		backlog = 1 << 31
	}
	total, full := 0, map[string]bool{}
	err := r.eachMatch(ctx, f, func(d queue.Dest, ids []any) error {
		if d == queue.Unmatched || full[d.Name] {
			return nil
		}
		k := r.keys(d.Tenant)
		args := append([]any{d.Name, backlog}, ids...)
		keys := []string{k.dead(d.Name), k.queue(d.Name), k.dests(), k.pending(d.Name)}
		counts, err := r.runDurably(ctx, k, lua.Replay, keys, args...).Int64Slice()
		if err != nil {
			return err
		}
		total += int(counts[0])
		if counts[0] > 0 {
			r.lease.wake(d)
			r.announce(ctx, d, "")
		}
		if counts[1] == 1 {
			full[d.Name] = true
		}
		return nil
	})
	if err == nil {
		err = queue.NoRoom(total, full)
	}
	return total, queueError(doing, err)
}

// DropDead implements [queue.Queue].
func (r *Store) DropDead(ctx context.Context, f queue.DeadFilter) (int, error) {
	total := 0
	err := r.eachMatch(ctx, f, func(d queue.Dest, ids []any) error {
		n, err := r.dropDead(ctx, d, ids)
		total += n
		return err
	})
	return total, queueError("dropping dead letters", err)
}

func (r *Store) dropDead(ctx context.Context, d queue.Dest, ids []any) (int, error) {
	k := r.keys(d.Tenant)
	cmd := redis.NewIntCmd(ctx, append([]any{"XDEL", k.dead(d.Name)}, ids...)...)
	r.durably(ctx, []waited{{k, cmd}})
	return int(cmd.Val()), cmd.Err()
}

// eachMatch calls fn with the stream ids of matching letters, the oldest first,
// in parts of a bounded number and size. Letters that come meanwhile are left out.
func (r *Store) eachMatch(ctx context.Context, f queue.DeadFilter, fn func(queue.Dest, []any) error) error {
	f.Limit, f.After = 0, ""
	f = r.kept(f)
	return r.eachDest(ctx, f, func(d queue.Dest, ids []queue.Pos) error {
		if ids != nil {
			refs, err := r.findDead(ctx, d, ids, f)
			if err != nil {
				return err
			}
			slices.Reverse(refs)
			return inParts(refs, d, fn)
		}
		last, _, err := r.scanDead(ctx, d, "-", "+", 1, true)
		if err != nil || len(last) == 0 {
			return err
		}
		from, to := "-", streamID(last[0].pos)
		for {
			refs, more, err := r.scanDead(ctx, d, from, to, scanLetters, false)
			if err != nil || len(refs) == 0 {
				return err
			}
			from = "(" + streamID(refs[len(refs)-1].pos)
			refs = slices.DeleteFunc(refs, func(ref letter) bool { return !matches(&f, &ref.letter) })
			if err := inParts(refs, d, fn); err != nil || !more {
				return err
			}
		}
	})
}

func inParts(refs []letter, d queue.Dest, fn func(queue.Dest, []any) error) error {
	for len(refs) > 0 {
		var ids []any
		for size := 0; len(refs) > 0 && len(ids) < moveEntries && (len(ids) == 0 || size+refs[0].size <= moveBytes); refs = refs[1:] {
			size += refs[0].size
			ids = append(ids, streamID(refs[0].pos))
		}
		if err := fn(d, ids); err != nil {
			return err
		}
	}
	return nil
}
