package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// Destinations implements [queue.Queue].
func (r *Store) Destinations(ctx context.Context) ([]queue.Info, error) {
	const doing = "listing destinations"
	dests, err := r.destinationsOf(ctx, nil)
	if err != nil {
		return nil, queueError(doing, err)
	}
	var all []queue.Info
	for part := range slices.Chunk(dests, infoDests) {
		infos, err := r.infoOf(ctx, part)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		all = append(all, infos...)
	}
	slices.SortFunc(all, func(a, b queue.Info) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

// relist puts the tenants into their set again where that alone is gone, thrown away for want
// of memory, say: nothing that waits for them would be seen. Another edge may have put there
// those that it knows, so that its being there says nothing.
func (r *Store) relist(ctx context.Context) {
	var tenants []any
	r.tenants.Range(func(tenant, _ any) bool { tenants = append(tenants, tenant); return true })
	if len(tenants) > 0 {
		_ = r.client.SAdd(ctx, r.tenantsKey(), tenants...).Err() // the next look tries again
	}
}

// infoOf looks at destinations, in one round trip.
func (r *Store) infoOf(ctx context.Context, dests []queue.Dest) ([]queue.Info, error) {
	cmds := make([]redis.Cmder, len(dests))
	for i, d := range dests {
		k := r.keys(d.Tenant)
		in := k.incoming()
		cmds[i] = r.call(ctx, lua.Info, []string{
			k.queue(d.Name), k.pending(d.Name), k.dead(d.Name), in.queue(d.Name), in.pending(d.Name), in.dead(d.Name), k.state(d.Name),
			k.awaits(d.Name),
		})
	}
	pipeline(ctx, r.client, cmds)
	infos := make([]queue.Info, len(dests))
	for i, cmd := range cmds {
		reply, err := cmd.(*redis.Cmd).Slice()
		if err == nil && len(reply) != 5 {
			err = fmt.Errorf("redis answered %d of 5 figures", len(reply))
		}
		if err != nil {
			return nil, queueError("looking at "+dests[i].Name, err)
		}
		backlog, _ := reply[0].(int64)
		dead, _ := reply[1].(int64)
		oldest, _ := reply[2].(string)
		state, _ := reply[3].(string)
		awaiting, _ := reply[4].(int64)
		infos[i] = queue.Info{Dest: dests[i], Backlog: int(backlog), Dead: int(dead), Awaiting: int(awaiting)}
		if oldest != "" {
			header, err := headerOf(oldest)
			if err != nil {
				return nil, err
			}
			infos[i].OldestAt = header.QueuedAt
		}
		if infos[i].State, err = stateOf(state); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

// SetState implements [queue.Queue].
func (r *Store) SetState(ctx context.Context, d queue.Dest, s queue.State) error {
	const doing = "storing destination state"
	record := ""
	if s != (queue.State{}) {
		record = string(codec.AppendState(nil, &s))
	}
	if err := r.introduce(ctx, d.Tenant); err != nil {
		return queueError(doing, err)
	}
	k := r.keys(d.Tenant)
	cmd := r.runDurably(ctx, k, lua.State, []string{k.state(d.Name), k.dests()},
		d.Name, record, r.channel(), r.lease.message(d, newsState))
	if err := cmd.Err(); err != nil {
		return queueError(doing, err)
	}
	if drain := r.lease.holder(d); drain != nil {
		drain.setState(record)
	}
	return nil
}

// setState notes a state that this edge has stored.
func (d *drain) setState(record string) {
	d.mu.Lock()
	d.state, d.stated = record, true
	d.mu.Unlock()
	d.notify()
}

// introduce puts a tenant into the set of tenants. A full Redis may refuse that, but
// not for a tenant that is there.
func (r *Store) introduce(ctx context.Context, tenant string) error {
	if _, known := r.tenants.Load(tenant); known {
		return nil
	}
	known, err := r.client.SIsMember(ctx, r.tenantsKey(), tenant).Result()
	if err == nil && !known {
		err = r.client.SAdd(ctx, r.tenantsKey(), tenant).Err()
	}
	if err == nil {
		r.tenants.Store(tenant, true)
	}
	return err
}

// Move implements [queue.Queue]. It counts entries and dead letters.
func (r *Store) Move(ctx context.Context, from, to queue.Dest) (int, error) {
	doing := fmt.Sprintf("moving destination %s to %s", from.Name, to.Name)
	if from.Tenant != to.Tenant || from == to {
		return 0, fmt.Errorf("%s: it must be another destination of the same tenant", doing)
	}
	if err := r.exists(ctx, from); err != nil {
		return 0, queueError(doing, err)
	}
	if err := r.join(ctx, from, ""); err != nil {
		return 0, queueError(doing, err)
	}
	k := r.keys(from.Tenant)
	keys := []string{
		k.queue(from.Name), k.retry(from.Name), k.dead(from.Name), k.state(from.Name), k.pending(from.Name),
		k.queue(to.Name), k.dead(to.Name), k.pending(to.Name), k.dests(), k.departures(from.Name), k.departures(to.Name),
	}
	if err := r.spread(ctx, from); err != nil {
		return 0, queueError(doing, err)
	}
	moved := 0
	for {
		counts, err := r.runDurably(ctx, k, lua.Move, keys, from.Name, to.Name, moveEntries, moveBytes).Int64Slice()
		if err != nil {
			return moved, queueError(doing, err)
		}
		moved += int(counts[0] + counts[1])
		if counts[0]+counts[1] == 0 {
			break
		}
	}
	r.forgotten(ctx, from)
	r.announce(ctx, to, "")
	r.lease.wake(to)
	return moved, nil
}

// Drop implements [queue.Queue]. It counts entries and dead letters.
func (r *Store) Drop(ctx context.Context, d queue.Dest) (int, error) {
	doing := "dropping destination " + d.Name
	k := r.keys(d.Tenant)
	keys := []string{
		k.queue(d.Name), k.dead(d.Name), k.retry(d.Name), k.state(d.Name), k.dests(), k.pending(d.Name),
		k.incoming().queue(d.Name), k.incoming().pending(d.Name), k.incoming().retry(d.Name), k.incoming().dead(d.Name), k.taken(d.Name),
		k.departures(d.Name), k.incoming().departures(d.Name), k.blocks(),
	}
	n := 0
	for more := true; more; {
		counts, err := r.runDurably(ctx, k, lua.Drop, keys, d.Name, moveEntries, moveBytes).Int64Slice()
		if err != nil {
			return n, queueError(doing, err)
		}
		n, more = n+int(counts[0]+counts[1]), counts[3] == 1
		if n == 0 && counts[2] == 0 && !more {
			return 0, fmt.Errorf("%s: %w", doing, queue.ErrNotFound)
		}
	}
	r.forgotten(ctx, d)
	return n, nil
}

// exists returns [queue.ErrNotFound] if Redis knows no such destination.
func (r *Store) exists(ctx context.Context, d queue.Dest) error {
	known, err := r.client.SIsMember(ctx, r.keys(d.Tenant).dests(), d.Name).Result()
	if err == nil && !known {
		err = queue.ErrNotFound
	}
	return err
}

// forgotten tells who drains d, here or on another edge, that its entries are gone.
func (r *Store) forgotten(ctx context.Context, d queue.Dest) {
	if drain := r.lease.holder(d); drain != nil {
		drain.setState("")
		drain.forget()
	}
	r.announce(ctx, d, newsForgotten)
}

// announce tells other edges news of a destination; if that fails, their looks find
// out.
func (r *Store) announce(ctx context.Context, d queue.Dest, news string) {
	_ = r.client.Publish(ctx, r.channel(), r.lease.message(d, news)).Err()
}

// destinationsOf lists the destinations of a tenant, or of all (nil).
func (r *Store) destinationsOf(ctx context.Context, tenant *string) ([]queue.Dest, error) {
	var tenants []string
	if tenant != nil {
		tenants = []string{*tenant}
	} else {
		var err error
		if tenants, err = r.client.SMembers(ctx, r.tenantsKey()).Result(); err != nil {
			return nil, err
		}
	}
	var all []queue.Dest
	for _, t := range tenants {
		names, err := r.client.SMembers(ctx, r.keys(t).dests()).Result()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, queue.Dest{Tenant: t, Name: name})
		}
	}
	return all, nil
}
