package redis

import (
	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
)

// appendCall is one call of the append script.
type appendCall struct {
	keys   tenantKeys
	groups []appendRef
	cmd    *redis.Cmd

	events, steps, bytes, written int // of its groups: see limits.go

	unbundled bool   // a destination has no room for a bundle: each job is written on its own
	note      string // of a group that goes in parts; "" = none
	part      int
}

type appendRef struct {
	group  *queue.Group
	result *queue.Result
}

// commit stores the groups of appends that came at the same time.
func (r *Store) commit(batch []*gathered) {
	if err := r.servers.refused(); err != nil {
		for _, p := range batch {
			p.results = queue.Failed(len(p.groups), err)
		}
		return
	}
	if !r.clustered() {
		r.appender.store(batch)
		return
	}
	batch = r.line.takeThose(batch, r.line.isBehind)
	r.appender.store(batch)
	r.line.takeThose(batch, (*gathered).isMoving)
}

// appender makes the calls that append. It is used by one goroutine at a time.
type appender struct {
	r      *Store
	packer packer
}

// store stores the groups of appends, those that a Cluster has refused once for now only.
func (a *appender) store(batch []*gathered) {
	calls := a.r.callsFor(batch)
	var lost error
	for len(calls) > 0 {
		n, bytes, steps := 0, 0, 0
		for n < len(calls) && (n == 0 || n < pipelineCommands && bytes+calls[n].bytes <= pipelineBytes && steps+calls[n].steps <= pipelineSteps) {
			bytes += calls[n].bytes
			steps += calls[n].steps
			n++
		}
		if lost == nil {
			lost = a.send(calls[:n])
		} else {
			// The connection was lost just now: the callers' time is better
			// spent on an early 503 than on waiting for another timeout.
			failCalls(calls[:n], lost)
		}
		calls = calls[n:]
	}
}

// callsFor puts groups into calls, in the order of each tenant. What can never be
// stored is refused.
func (r *Store) callsFor(batch []*gathered) (calls []*appendCall) {
	open := map[string]*appendCall{} // the last call of each tenant
	for _, p := range batch {
		for i := range p.groups {
			g, result := &p.groups[i], &p.results[i]
			if p.tried && !cluster.IsMoving(result.Err) {
				continue
			}
			if result.Err = g.Validate(); result.Err != nil {
				continue
			}
			bytes := wireSize(g)
			steps, written := groupCost(g)
			c := open[g.Tenant]
			if c == nil || c.events+len(g.Events) > callEvents || c.steps+steps > callSteps ||
				c.bytes+bytes > callBytes || c.written+written > callWritten {
				c = &appendCall{keys: r.keys(g.Tenant)}
				open[g.Tenant] = c
				calls = append(calls, c)
			}
			c.groups = append(c.groups, appendRef{g, result})
			c.events += len(g.Events)
			c.bytes += bytes
			c.steps += steps
			c.written += written
		}
		p.tried = true
	}
	return calls
}

// send makes calls in one pipeline, fills their results and wakes the drains. It
// returns an error if Redis could not be reached.
func (a *appender) send(calls []*appendCall) error {
	r := a.r
	index, introduced := r.indexOf(calls)
	a.packer.reset()
	if r.clicked.Load() && r.clicked.Swap(false) {
		a.packer.linked.forget()
	}
	for _, c := range calls {
		c.cmd = r.pack(c, &a.packer)
	}
	r.makeAppends(calls, index)
	if index != nil && index.Err() == nil {
		for _, tenant := range introduced {
			r.tenants.Store(tenant, true)
		}
	}
	again, lost := a.takeAnswers(calls)
	switch {
	case len(again) == 0:
		return lost
	case lost != nil:
		failCalls(again, lost)
		return lost
	default:
		return a.send(again)
	}
}

// makeAppends makes the calls, and that of the index, if there is one.
func (r *Store) makeAppends(calls []*appendCall, index *redis.IntCmd) {
	w := r.wait.Load()
	ctx, cancel := r.bounded(w)
	defer cancel()
	cmds := make([]redis.Cmder, 0, len(calls)+1)
	if index != nil {
		cmds = append(cmds, index)
	}
	if w.replicas == 0 {
		for _, c := range calls {
			cmds = append(cmds, c.cmd)
		}
		pipeline(ctx, r.client, cmds)
		return
	}
	pipeline(ctx, r.client, cmds) // of no tenant: it may stand on another node, and heals
	all := make([]waited, len(calls))
	for i, c := range calls {
		all[i] = waited{c.keys, c.cmd}
	}
	r.durably(ctx, all)
}

// indexOf puts tenants into the set of tenants that may not be there yet; nil if there
// is none.
func (r *Store) indexOf(calls []*appendCall) (index *redis.IntCmd, introduced []any) {
	for _, c := range calls {
		if _, known := r.tenants.Load(c.keys.tenant); !known {
			introduced = append(introduced, c.keys.tenant)
		}
	}
	if len(introduced) == 0 {
		return nil, nil
	}
	return redis.NewIntCmd(r.life, append([]any{"SADD", r.tenantsKey()}, introduced...)...), introduced
}

func failCalls(calls []*appendCall, err error) {
	for _, c := range calls {
		for _, ref := range c.groups {
			ref.result.Err = err
		}
	}
}

// clickBytes are those of an event's clicks.
func clickBytes(ev *queue.Event) (n int) {
	for i := range ev.Clicks {
		n += len(ev.Clicks[i].Data)
	}
	return n
}

// wireSize is about how many bytes a group puts on the wire.
func wireSize(g *queue.Group) int {
	n := 64 * (len(g.Events) + len(g.Jobs))
	for _, p := range g.Payloads {
		n += len(p)
	}
	for i := range g.Events {
		n += clickBytes(&g.Events[i])
	}
	for i := range g.Events {
		if ev := &g.Events[i]; ev.Claim != "" {
			n += 16 * (2 + len(ev.Aliases) + len(ev.Former))
		}
	}
	for i := range g.Jobs {
		n += len(g.Jobs[i].Header.Meta)
	}
	n += 128 * (len(g.Counters) + len(g.Notes))
	for i := range g.Notes {
		n += len(g.Notes[i].Data) + len(g.Notes[i].Outcome)
	}
	return n
}
