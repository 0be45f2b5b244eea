package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// A destination's name is its queue's identity. Where a configuration gives it to
// another tenant, what Redis has under the old one is moved to the new one before
// that is drained. The two may be on different nodes of a Cluster, so it goes in
// steps of two scripts: what is oldest is added to the new one's incoming keys, with
// a note of how far that went, and then removed from the old one. After a crash
// between the two the note tells what need not be added again. When nothing is
// left, what the new one was given meanwhile is put behind it, and that is its
// queue. The heir holds both leases, so nobody reads either.

// takeover says how far a drain is with that; guarded by drain.mu.
type takeover struct {
	settled bool      // there is nothing to take over, or it was taken
	moving  bool      // it is being taken
	look    bool      // there may be something new, although it was settled
	blocked time.Time // since when another edge drains what is to be taken; zero = none does
}

// takeoverToken is this store's in leases of what it takes over, which its own
// drains must not take for theirs.
func (r *Store) takeoverToken() string { return r.token + ":heir" }

// askTakeover asks for a look at the destinations of d's name of other tenants.
func (m *leaseManager) askTakeover(d queue.Dest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for other, list := range m.drains {
		if other.Name == d.Name && other.Tenant != d.Tenant {
			list[0].mu.Lock()
			list[0].takeover.look = true
			list[0].mu.Unlock()
			m.hurry()
		}
	}
}

// askTakeovers asks for a look by all drains.
func (m *leaseManager) askTakeovers() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range m.drains {
		list[0].mu.Lock()
		list[0].takeover.look = true
		list[0].mu.Unlock()
	}
}

// settle gives drains their right that have nothing to take over, and has the
// others take it.
func (m *leaseManager) takeOvers(ctx context.Context) {
	var open []*drain
	m.mu.Lock()
	for _, list := range m.drains {
		if list[0].unsettled() {
			open = append(open, list[0])
		}
	}
	m.mu.Unlock()
	if len(open) == 0 {
		return
	}
	all, begun, err := m.r.namesakes(ctx, open)
	if err != nil {
		m.takeoverFailed(err)
		return
	}
	for _, d := range open {
		epoch, late := d.beginTakeover()
		if others := all[d.dest]; len(others) > 0 || begun[d.dest] {
			m.owner.Go(func() { d.takeOver(m.life, epoch, late, others) })
		} else {
			d.endTakeover(epoch)
		}
	}
}

// takeoverFailed logs the first of failures in a row.
func (m *leaseManager) takeoverFailed(err error) {
	if m.life.Err() == nil && !m.strange.Swap(true) {
		m.r.log.Error("what was queued for destinations under other tenants cannot be looked for or taken over; trying again",
			zap.Error(queueError("taking over", err)))
	}
}

// namesakes finds the destinations of the drains' names of other tenants, and of
// which the taking over has begun.
func (r *Store) namesakes(ctx context.Context, drains []*drain) (map[queue.Dest][]queue.Dest, map[queue.Dest]bool, error) {
	tenants, err := r.client.SMembers(ctx, r.tenantsKey()).Result()
	if err != nil {
		return nil, nil, err
	}
	pipe := r.client.Pipeline()
	lists := make([]*redis.StringSliceCmd, len(tenants))
	for i, tenant := range tenants {
		lists[i] = pipe.SMembers(ctx, r.keys(tenant).dests())
	}
	notes := make([]*redis.IntCmd, len(drains))
	for i, d := range drains {
		notes[i] = pipe.Exists(ctx, d.keys.taken(d.dest.Name), d.keys.incoming().queue(d.dest.Name), d.keys.incoming().dead(d.dest.Name))
	}
	_, _ = pipe.Exec(ctx) // each command keeps its own error
	byName := map[string][]queue.Dest{}
	for i, list := range lists {
		names, err := list.Result()
		if err != nil {
			return nil, nil, err
		}
		for _, name := range names {
			byName[name] = append(byName[name], queue.Dest{Tenant: tenants[i], Name: name})
		}
	}
	all, begun := map[queue.Dest][]queue.Dest{}, map[queue.Dest]bool{}
	for i, d := range drains {
		n, err := notes[i].Result()
		if err != nil {
			return nil, nil, err
		}
		begun[d.dest] = n > 0
		for _, other := range byName[d.dest.Name] {
			if other != d.dest && d.dest != queue.Unmatched {
				all[d.dest] = append(all[d.dest], other)
			}
		}
	}
	return all, begun, nil
}

func (d *drain) unsettled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held && !d.takeover.moving && (!d.takeover.settled || d.takeover.look)
}

// beginTakeover begins; late says that the queue is read already, so that what comes
// goes behind what is there.
func (d *drain) beginTakeover() (epoch uint64, late bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.takeover.moving, d.takeover.look = true, false
	return d.epoch, d.takeover.settled
}

// passedOn ends what beginTakeover began: the right to drain is there.
func (d *drain) endTakeover(epoch uint64) {
	d.mu.Lock()
	d.takeover.moving = false
	changed := epoch == d.epoch && !d.takeover.settled
	if epoch == d.epoch {
		d.takeover.settled, d.takeover.blocked = true, time.Time{}
	}
	d.mu.Unlock()
	if changed {
		d.notify()
	}
}

// takeOver takes what others have, unless they are drained still. An edge that
// drains them by another configuration is waited for as long as one that has died.
func (d *drain) takeOver(ctx context.Context, epoch uint64, late bool, others []queue.Dest) {
	m := &d.r.lease
	waits, err := false, d.r.introduce(ctx, d.dest.Tenant)
	for _, other := range others {
		if err != nil {
			break
		}
		var done bool
		if done, err = d.takeFrom(ctx, other, late); !done && err == nil {
			waits = waits || m.holder(other) != nil || !d.outwaited()
		}
	}
	if err == nil && !waits {
		if err = d.r.join(ctx, d.dest, d.r.token); err == nil {
			err = d.refreshState(ctx)
		}
	}
	switch {
	case err == nil && !waits:
		m.strange.Store(false)
		d.endTakeover(epoch)
		return
	case err != nil && !errors.Is(err, errLeaseLost):
		m.takeoverFailed(err)
	}
	d.mu.Lock()
	d.takeover.moving = false
	d.mu.Unlock()
}

// outwaited reports whether another edge has drained what is to be taken for longer
// than an edge that died would hold its lease.
func (d *drain) outwaited() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.takeover.blocked.IsZero() {
		d.takeover.blocked = time.Now()
	}
	return time.Since(d.takeover.blocked) > 2*d.r.timing.ttl
}

var errLeaseLost = errors.New("the lease is another edge's")

// inherit takes what another destination has. It is not done if that is drained.
func (d *drain) takeFrom(ctx context.Context, other queue.Dest, late bool) (done bool, err error) {
	r, from, name := d.r, d.r.keys(other.Tenant), d.dest.Name
	if r.lease.holder(other) != nil {
		return false, nil
	}
	lease := []string{from.lease(name), from.queue(name), from.state(name)}
	reply, err := r.run(ctx, scriptLease, lease, r.takeoverToken(), r.timing.ttl.Milliseconds(), "1").Slice()
	if err != nil {
		return false, err
	}
	if held, ok := reply[1].(int64); !ok || held == 0 {
		return false, nil
	}
	moved := 0
	for !done && err == nil && !d.isClosed() {
		var n int
		n, done, err = d.takePart(ctx, other, late)
		moved += n
	}
	// If this fails, the lease ends by itself.
	_ = r.run(ctx, scriptRelease, []string{from.lease(name)}, r.takeoverToken(), r.channel(), r.lease.message(other, newsReleased)).Err()
	if moved > 0 {
		r.log.Info("a destination has taken over what was queued for it under another tenant", zap.String("destination", name),
			zap.String("tenant", d.dest.Tenant), zap.String("before", other.Tenant), zap.Int("entries and dead letters", moved))
	}
	if late && moved > 0 {
		d.notify()
	}
	return done, err
}

// takePart takes some entries, or dead letters where no entries are left.
func (d *drain) takePart(ctx context.Context, other queue.Dest, late bool) (moved int, done bool, err error) {
	r, from, to, name := d.r, d.r.keys(other.Tenant), d.keys, d.dest.Name
	incoming := to.incoming()
	if late {
		incoming = to
	}
	shown, err := r.run(ctx, scriptTakeoverShow, []string{
		from.lease(name), from.queue(name), from.retry(name), from.dead(name), from.state(name), from.pending(name),
	}, r.takeoverToken(), r.timing.ttl.Milliseconds(), moveEntries, moveBytes).Slice()
	if err != nil {
		return 0, false, err
	}
	if len(shown) == 0 {
		return 0, false, errLeaseLost
	}
	entries, letters, leave, err := readShown(shown)
	if err != nil {
		return 0, false, err
	}
	args := append([]any{r.token, name, other.Tenant}, shown...)
	ok, err := r.run(ctx, scriptTakeoverAdd, []string{
		to.lease(name), incoming.queue(name), incoming.retry(name), incoming.pending(name), incoming.dead(name), to.state(name), to.taken(name), to.dests(),
	}, args...).Int64()
	if err == nil && ok == 0 {
		err = errLeaseLost
	}
	if err != nil {
		return 0, false, err
	}
	left, err := r.run(ctx, scriptTakeoverRemove, []string{
		from.lease(name), from.queue(name), from.retry(name), from.dead(name), from.state(name), from.pending(name), from.dests(),
	}, append([]any{r.takeoverToken(), name, entries}, leave...)...).Int64()
	if err == nil && left == 0 {
		err = errLeaseLost
	}
	return entries + letters, left == 2, err
}

// readShown reads what inherit.lua shows: how many entries and dead letters,
// and for leave.lua their stream ids, of an entry with its number of parts.
func readShown(shown []any) (entries, letters int, leave []any, err error) {
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
		leave = append(leave, rest[0], len(pending))
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
		leave = append(leave, rest[0])
		rest = rest[9:]
	}
	if len(rest) > 0 {
		return 0, 0, nil, bad
	}
	return int(n), int(dead), leave, nil
}

// join puts what a destination was given while it took over another's queue
// behind that. Without a token, whoever holds the lease.
func (r *Store) join(ctx context.Context, d queue.Dest, token string) error {
	k, in := r.keys(d.Tenant), r.keys(d.Tenant).incoming()
	for {
		n, err := r.run(ctx, scriptTakeoverJoin, []string{
			k.lease(d.Name), k.queue(d.Name), k.retry(d.Name), k.pending(d.Name), k.dead(d.Name),
			in.queue(d.Name), in.retry(d.Name), in.pending(d.Name), in.dead(d.Name), k.taken(d.Name),
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

// refreshState reads the state again, before the right to drain is there.
func (d *drain) refreshState(ctx context.Context) error {
	record, err := d.r.client.Get(ctx, d.keys.state(d.dest.Name)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	d.setState(record)
	return nil
}
