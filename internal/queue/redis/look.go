package redis

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// lookup is a look at the leases of a tenant.
type lookup struct {
	tenant string
	drains []*drain
	keys   []string
	cmd    *redis.Cmd
}

// look has the script take, renew and look at the leases of each tenant, and tells the
// drains what it found.
func (m *leaseManager) look(ctx context.Context, tenants map[string][]*drain) {
	r := m.r
	began := time.Now()
	renew := began.Sub(m.renewed) >= r.timing.renew
	var looks []*lookup
	for tenant, drains := range tenants {
		l := &lookup{tenant: tenant, drains: drains, keys: make([]string, 0, 3*len(drains))}
		for _, d := range drains {
			renew = renew || !d.steady()
			d.ask(began)
			l.keys = append(l.keys, d.keys.lease(d.dest.Name), d.keys.queue(d.dest.Name), d.keys.state(d.dest.Name))
		}
		looks = append(looks, l)
	}
	renewArg := "0"
	if renew {
		renewArg = "1"
	}
	for _, l := range looks {
		l.cmd = r.leaseCall(ctx, l.keys, r.token, renewArg)
	}

	var failure error
	inspect := false
	redialed := r.servers.redialed.Load()
	answers, n := m.ask(cluster.Hurried(ctx), looks)
	for range n {
		answered := <-answers
		redialed = r.servers.redialed.Load() // with a connection made just now
		for _, l := range answered {
			other, err := m.take(l, renew, began, redialed)
			failure, inspect = cmp.Or(failure, err), inspect || other
		}
	}
	if inspect {
		if err := r.inspect(ctx); err != nil {
			failure = queueError("connecting to redis", err)
		}
	}
	if renew && failure == nil {
		m.renewed = began
	}
	m.redialed = redialed
	m.report(failure)
}

// leaseCall is a call of lease.lua.
func (r *Store) leaseCall(ctx context.Context, keys []string, token, renew string) *redis.Cmd {
	mute := "0"
	if r.servers.mute.Load() {
		mute = "1"
	}
	return r.call(ctx, lua.Lease, keys, token, r.timing.ttl.Milliseconds(), renew, r.cfg.family(), r.cfg.self(), mute)
}

// sayMoving logs that a Cluster begins to move a tenant's keys to another node, and that
// it has.
func (m *leaseManager) sayMoving(tenant string, moving bool) {
	switch was := m.moving[tenant]; {
	case moving && !was:
		m.moving[tenant] = true
		m.r.log.Warn("the Cluster moves the slot of a tenant to another node: its webhooks are answered with 503, "+
			"and nothing of it is delivered, until that is done", zap.String("tenant", tenant))
	case !moving && was:
		delete(m.moving, tenant)
		m.r.log.Info("the slot of a tenant is on one node again", zap.String("tenant", tenant))
	}
}

// ask makes the calls of looks, and hands over so many times those that are answered, or
// failed. Each node of a Cluster is asked by itself: one that does not answer holds up
// no other.
func (m *leaseManager) ask(ctx context.Context, looks []*lookup) (answers <-chan []*lookup, times int) {
	byNode := map[*redis.Client][]*lookup{}
	nodes, _ := m.r.leases.(*cluster.Client)
	for _, l := range looks {
		var node *redis.Client
		if nodes != nil {
			node, _ = nodes.MasterForKey(ctx, l.keys[0]) // without one, the call says why
		}
		byNode[node] = append(byNode[node], l)
	}
	answered := make(chan []*lookup, len(byNode))
	for _, group := range byNode {
		m.owner.Go(func() {
			cmds := make([]redis.Cmder, len(group))
			for i, l := range group {
				cmds[i] = l.cmd
			}
			pipeline(ctx, m.r.leases, cmds)
			answered <- group
		})
	}
	return answered, len(byNode)
}

// take takes in what a look at a tenant's leases found. other reports whether another
// server answered than before, which must be inspected.
func (m *leaseManager) take(l *lookup, renew bool, began time.Time, redialed int64) (inspect bool, err error) {
	reply, err := l.cmd.Slice()
	if err == nil && len(reply) != 1+3*len(l.drains) {
		err = fmt.Errorf("redis answered with %d values to %d leases", len(reply), len(l.drains))
	}
	if err != nil {
		for _, d := range l.drains {
			d.away()
		}
		if m.sayMoving(l.tenant, cluster.IsMoving(err)); cluster.IsMoving(err) {
			return false, nil // redis is well, and so are other tenants
		}
		return false, queueError("renewing leases", err)
	}
	m.sayMoving(l.tenant, false)
	// Another server may hold less than the one before it did. Where INFO
	// is refused, every new connection may lead to another server.
	runID, _ := reply[0].(string)
	before, known := m.runIDs[l.tenant]
	other := known && (runID != before || runID == "" && redialed != m.redialed)
	m.runIDs[l.tenant] = runID
	for i, d := range l.drains {
		at := reply[1+3*i:]
		held, isNumber := at[0].(int64)
		if !isNumber {
			m.r.log.Error("a lease can't be read", zap.String("destination", d.dest.Name), zap.Any("reason", at[0]))
		}
		backlog, _ := at[1].(int64)
		state, _ := at[2].(string)
		d.looked(held, renew, began, other, backlog > 0, state)
		if held != 0 && d.isClosed() && m.holder(d.dest) == nil {
			d.release() // taken while it was being given back
		}
	}
	return known && runID != before, nil
}
