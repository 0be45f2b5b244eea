package redis

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// takeover says how far a drain is with taking over what other tenants have under its
// destination's name; guarded by drain.mu.
//
// A destination's name is its queue's identity. Where a configuration gives the name
// to another tenant, what Redis has under the old tenant is moved to the new one
// before that is drained. The two may be on different nodes of a Cluster, so it goes
// in steps of three scripts:
//
//  1. the oldest entries of the old one are read;
//  2. they are added to the new one's incoming keys, with the last stream id of them;
//  3. they are removed from the old one.
//
// After a crash between 2 and 3 that stream id tells what need not be added again.
// When nothing is left, what the new one was given meanwhile is put behind what it
// took over, and that is its queue. The edge that does it holds both leases, so nobody
// reads either queue.
type takeover struct {
	settled bool      // there was nothing to take over, or it is taken: the destination may be drained
	moving  bool      // it is being taken
	look    bool      // there may be something new, although it was settled
	blocked time.Time // since when another edge has drained what is to be taken; zero = none does
}

// takeoverToken is this store's token in leases of what it takes over: its own drains
// must not take these leases for theirs.
func (r *Store) takeoverToken() string { return r.token + ":heir" }

// askTakeover has the drains of d's name of other tenants look whether there is
// something to take over: d is drained no longer, or got something.
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

// askTakeovers has all drains look.
func (m *leaseManager) askTakeovers() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range m.drains {
		list[0].mu.Lock()
		list[0].takeover.look = true
		list[0].mu.Unlock()
	}
}

// takeOvers lets the drains that have nothing to take over drain, and has the others
// take over what there is.
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

// namesakes finds, for each drain's destination, those of its name of other tenants,
// and whether a takeover has begun.
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
	traces := make([]*redis.IntCmd, len(drains))
	for i, d := range drains {
		traces[i] = pipe.Exists(ctx, d.keys.taken(d.dest.Name), d.keys.incoming().queue(d.dest.Name), d.keys.incoming().dead(d.dest.Name))
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
		n, err := traces[i].Result()
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

// unsettled reports whether there may be something to take over that nobody is at.
func (d *drain) unsettled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held && !d.takeover.moving && (!d.takeover.settled || d.takeover.look)
}

// beginTakeover notes that a takeover begins. late says that the queue is drained
// already, so that what is taken goes behind what is there.
func (d *drain) beginTakeover() (epoch uint64, late bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.takeover.moving, d.takeover.look = true, false
	return d.epoch, d.takeover.settled
}

// endTakeover notes that it has ended well: the destination may be drained.
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

// takeOver takes what others have, unless they are still drained. An edge that drains
// them by another configuration is waited for as long as one that has died would be.
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

// errLeaseLost ends a takeover, which begins again with the next look.
var errLeaseLost = errors.New("the lease is another edge's")
