package redis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// appendCall is one call of the append script.
type appendCall struct {
	keys   tenantKeys
	groups []appendRef
	cmd    *redis.Cmd

	events, steps, bytes, written int

	unbundled bool   // a destination has no room for a bundle: each job is written on its own
	note      string // of a group that goes in parts; "" = none
	part      int
}

type appendRef struct {
	group  *queue.Group
	result *queue.Result
}

// commit stores the groups of all pending appends.
func (r *Store) commit(batch []*pending) {
	if err := r.servers.refused(); err != nil {
		for _, p := range batch {
			p.results = queue.Failed(len(p.groups), err)
		}
		return
	}
	var calls []*appendCall
	open := map[string]*appendCall{} // the last call of each tenant
	for _, p := range batch {
		for i := range p.groups {
			g, result := &p.groups[i], &p.results[i]
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
	}
	var lost error
	for len(calls) > 0 {
		n, bytes, steps := 0, 0, 0
		for n < len(calls) && (n == 0 || n < pipelineCommands && bytes+calls[n].bytes <= pipelineBytes && steps+calls[n].steps <= pipelineSteps) {
			bytes += calls[n].bytes
			steps += calls[n].steps
			n++
		}
		if lost == nil {
			lost = r.send(calls[:n])
		} else {
			// The connection was lost just now: the callers' time is better
			// spent on an early 503 than on waiting for another timeout.
			failCalls(calls[:n], lost)
		}
		calls = calls[n:]
	}
}

// send runs calls in one pipeline, fills their results and wakes the drains. It
// returns an error if Redis could not be reached.
func (r *Store) send(calls []*appendCall) error {
	cmds := make([]redis.Cmder, 0, len(calls)+1)
	var introduced []any
	for _, c := range calls {
		if _, known := r.tenants.Load(c.keys.tenant); !known {
			introduced = append(introduced, c.keys.tenant)
		}
	}
	var index *redis.IntCmd
	if len(introduced) > 0 {
		index = redis.NewIntCmd(r.life, append([]any{"SADD", r.tenantsKey()}, introduced...)...)
		cmds = append(cmds, index)
	}
	r.packer.reset()
	if r.clicked.Load() && r.clicked.Swap(false) {
		r.packer.linked.forget()
	}
	for _, c := range calls {
		c.cmd = r.pack(c, &r.packer)
		cmds = append(cmds, c.cmd)
	}
	pipeline(r.life, r.client, cmds)
	if index != nil && index.Err() == nil {
		for _, tenant := range introduced {
			r.tenants.Store(tenant, true)
		}
	}
	var lost error
	var again []*appendCall
	wake := map[queue.Dest]bool{}
	for _, c := range calls {
		reply, err := c.cmd.Text()
		if reply == "=" && !c.unbundled {
			c.unbundled = true
			r.packer.linked.forget()
			again = append(again, c)
			continue
		}
		if n := strings.Count(reply, "\n") + 1; err == nil && n != len(c.groups) {
			err = fmt.Errorf("redis answered %d of %d groups", n, len(c.groups))
		}
		if err != nil {
			err = queueError("queueing events", err)
			failCalls([]*appendCall{c}, err)
			r.packer.linked.forget()
			var answered redis.Error
			if !errors.As(err, &answered) && errors.Is(err, queue.ErrUnavailable) {
				lost = err
			}
			continue
		}
		for _, ref := range c.groups {
			var answer string
			answer, reply, _ = strings.Cut(reply, "\n")
			if ref.result.Err = ref.read(answer); ref.result.Err != nil {
				r.packer.linked.forget()
				continue
			}
			for j, fresh := range ref.result.New {
				if ev := &ref.group.Events[j]; !fresh && len(ev.Aliases) > 0 { // the script tells nothing of an event that came again
					r.packer.linked.unlink(ref.group.Tenant, ev)
				}
			}
			for j, outcome := range ref.result.Jobs {
				if outcome == queue.Queued {
					wake[ref.group.Jobs[j].Dest] = true
				}
			}
		}
	}
	for d := range wake {
		r.lease.wake(d)
	}
	switch {
	case len(again) == 0:
	case lost != nil:
		failCalls(again, lost)
	default:
		lost = r.send(again)
	}
	return lost
}

func failCalls(calls []*appendCall, err error) {
	for _, c := range calls {
		for _, ref := range c.groups {
			ref.result.Err = err
		}
	}
}

// read fills the result from the script's reply for the group.
func (ref appendRef) read(reply string) error {
	events, jobs := len(ref.group.Events), len(ref.group.Jobs)
	if reason, refused := strings.CutPrefix(reply, "!"); refused {
		return fmt.Errorf("queueing events: redis: %s", reason)
	}
	if len(reply) != 1+events+jobs {
		return fmt.Errorf("queueing events: redis answered %q to %d events and %d jobs", reply, events, jobs)
	}
	reply = reply[1:]
	for i := range events {
		ref.result.New[i] = reply[i] == '1'
	}
	for i := range jobs {
		switch reply[events+i] {
		case 'Q':
			ref.result.Jobs[i] = queue.Queued
		case 'O':
			ref.result.Jobs[i] = queue.Overflow
		case 'X':
			ref.result.Jobs[i] = queue.Died
		default:
			ref.result.Jobs[i] = queue.Duplicate
		}
	}
	return nil
}

// wireSize is about how many bytes a group puts on the wire.
func wireSize(g *queue.Group) int {
	n := 64 * (len(g.Events) + len(g.Jobs))
	for _, p := range g.Payloads {
		n += len(p)
	}
	for i := range g.Events {
		if c := g.Events[i].Click; c != nil {
			n += len(c.Data)
		}
	}
	for i := range g.Jobs {
		n += len(g.Jobs[i].Header.Meta)
	}
	n += 128 * len(g.Counters)
	return n
}
