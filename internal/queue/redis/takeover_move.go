package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// takeFrom takes what another destination has. It is not done if that is drained.
func (d *drain) takeFrom(ctx context.Context, other queue.Dest, late bool) (done bool, err error) {
	r, from, name := d.r, d.r.keys(other.Tenant), d.dest.Name
	if r.lease.holder(other) != nil {
		return false, nil
	}
	lease := []string{from.lease(name), from.queue(name), from.state(name)}
	taken := r.leaseCall(ctx, lease, r.takeoverToken(), "1")
	pipeline(ctx, r.client, []redis.Cmder{taken})
	reply, err := taken.Slice()
	if err != nil {
		return false, err
	}
	if held, ok := reply[1].(int64); !ok || held == 0 {
		return false, nil
	}
	moved := 0
	err = r.spread(ctx, other)
	for !done && err == nil && !d.isClosed() {
		var n int
		n, done, err = d.takePart(ctx, other, late)
		moved += n
	}
	// If this fails, the lease ends by itself.
	_ = r.run(ctx, lua.Release, []string{from.lease(name)}, r.takeoverToken(), r.channel(), r.lease.message(other, newsReleased)).Err()
	if moved > 0 {
		r.log.Info("a destination has taken over what was queued for it under another tenant", zap.String("destination", name),
			zap.String("tenant", d.dest.Tenant), zap.String("before", other.Tenant), zap.Int("entries and dead letters", moved))
	}
	if late && moved > 0 {
		d.notify()
	}
	return done, err
}

// takePart takes some entries, or dead letters where no entries are left. It is done
// when nothing is left.
func (d *drain) takePart(ctx context.Context, other queue.Dest, late bool) (moved int, done bool, err error) {
	r, from, to, name := d.r, d.r.keys(other.Tenant), d.keys, d.dest.Name
	incoming := to.incoming()
	if late {
		incoming = to
	}
	shown, err := r.run(ctx, lua.TakeoverShow, []string{
		from.lease(name), from.queue(name), from.retry(name), from.dead(name), from.state(name), from.pending(name),
		from.departures(name), from.blocks(),
	}, r.takeoverToken(), r.timing.ttl.Milliseconds(), moveEntries, moveBytes).Slice()
	if err != nil {
		return 0, false, err
	}
	switch len(shown) {
	case 0:
		return 0, false, errLeaseLost
	case 1:
		return 0, false, r.lose(ctx, queue.Dest{Tenant: other.Tenant, Name: name}, shown[0])
	}
	entries, letters, remove, err := readShown(shown)
	if err != nil {
		return 0, false, err
	}
	args := append([]any{r.token, name, other.Tenant}, shown...)
	ok, err := r.run(ctx, lua.TakeoverAdd, []string{
		to.lease(name), incoming.queue(name), incoming.retry(name), incoming.pending(name), incoming.dead(name),
		to.state(name), to.taken(name), to.dests(), incoming.departures(name),
	}, args...).Int64()
	if err == nil && ok == 0 {
		err = errLeaseLost
	}
	if err != nil {
		return 0, false, err
	}
	left, err := r.run(ctx, lua.TakeoverRemove, []string{
		from.lease(name), from.queue(name), from.retry(name), from.dead(name), from.state(name), from.pending(name), from.dests(),
		from.departures(name), from.blocks(),
	}, append([]any{r.takeoverToken(), name, entries}, remove...)...).Int64()
	if err == nil && left == 0 {
		err = errLeaseLost
	}
	return entries + letters, left == 2, err
}

// readShown reads what takeover_show.lua shows: how many entries and dead letters, and
// for takeover_remove.lua their stream ids, behind that of an entry how many are in it
// if it is a bundle. It makes the numbers of entries in bundles texts, as
// takeover_add.lua wants them.
func readShown(shown []any) (entries, letters int, remove []any, err error) {
	bad := errors.New("what redis shows of a queue is not understood")
	if len(shown) < 3 {
		return 0, 0, nil, bad
	}
	n, _ := shown[1].(int64)
	dead, _ := shown[2].(int64)
	rest := shown[3:]
	for range n {
		if len(rest) < 7 {
			return 0, 0, nil, bad
		}
		pending, _ := rest[5].(string)
		retries, _ := rest[6].(int64)
		remove = append(remove, rest[0], len(pending))
		if len(rest) < 7+2*int(retries) {
			return 0, 0, nil, bad
		}
		for i := 7; i < 7+2*int(retries); i += 2 {
			part, _ := rest[i].(int64)
			rest[i] = strconv.FormatInt(part, 10)
		}
		rest = rest[7+2*int(retries):]
	}
	for range dead {
		if len(rest) < 9 {
			return 0, 0, nil, bad
		}
		remove = append(remove, rest[0])
		rest = rest[9:]
	}
	if len(rest) > 0 {
		return 0, 0, nil, bad
	}
	return int(n), int(dead), remove, nil
}

// join puts what a destination was given while it took over another's queue behind
// that. Without a token it does so whoever holds the lease.
func (r *Store) join(ctx context.Context, d queue.Dest, token string) error {
	k, in := r.keys(d.Tenant), r.keys(d.Tenant).incoming()
	if err := r.spreadForJoin(ctx, d); err != nil {
		return fmt.Errorf("joining the queue of %s: %w", d.Name, err)
	}
	for {
		n, err := r.run(ctx, lua.TakeoverJoin, []string{
			k.lease(d.Name), k.queue(d.Name), k.retry(d.Name), k.pending(d.Name), k.dead(d.Name),
			in.queue(d.Name), in.retry(d.Name), in.pending(d.Name), in.dead(d.Name), k.taken(d.Name),
			k.departures(d.Name), in.departures(d.Name),
		}, token, moveEntries, moveBytes).Int64()
		switch {
		case err != nil:
			return fmt.Errorf("joining the queue of %s: %w", d.Name, err)
		case n < 0:
			return errLeaseLost
		case n == 0:
			return nil
		}
	}
}

// refreshState reads the state again, before the destination may be drained: it may
// have been taken over.
func (d *drain) refreshState(ctx context.Context) error {
	record, err := d.r.client.Get(ctx, d.keys.state(d.dest.Name)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	d.setState(record)
	return nil
}
