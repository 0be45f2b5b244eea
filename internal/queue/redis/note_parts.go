package redis

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// store stores the parts that are not stored yet. In result it notes what this
// call stored: what was stored before is a duplicate. The error is errGone if there is
// no such note any more.
func (n *note) store(ctx context.Context, g *queue.Group, p *partition, result *queue.Result) error {
	counters, notes := p.counters(g), p.notes(g)
	fresh := make([]bool, len(g.Events)) // whoever stored them
	anyFresh, clicked := false, false
	var calls []*partCall
	for i, first := 0, 0; i < len(p.events); i++ {
		end := p.events[i]
		part := queue.Group{Tenant: g.Tenant, Events: g.Events[first:end], Counters: counters[i], Notes: notes[i]}
		calls = append(calls, n.call(i, part, first))
		first = end
	}
	err := n.send(ctx, calls, func(c *partCall) {
		for i, isNew := range c.result.New {
			fresh[c.first+i] = isNew
			anyFresh = anyFresh || isNew
			clicked = clicked || isNew && len(c.group.Events[i].Clicks) > 0
			if isNew && !c.before {
				result.New[c.first+i] = true
			}
		}
	})
	if clicked {
		n.r.clicked.Store(true)
	}
	if err != nil || !anyFresh {
		return err
	}
	calls = calls[:0]
	for i, first := 0, 0; i < len(p.jobs); i++ {
		end, number := p.jobs[i], len(p.events)+i
		if part, any := jobsPart(g, g.Jobs[first:end], fresh); any {
			part.Counters, part.Notes = counters[number], notes[number]
			calls = append(calls, n.call(number, part, first))
		}
		first = end
	}
	return n.send(ctx, calls, func(c *partCall) {
		for i, outcome := range c.result.Jobs {
			if outcome == queue.Queued && !c.before {
				n.r.lease.wake(c.group.Jobs[i].Dest)
			}
			if !c.before && outcome != queue.Duplicate {
				result.Jobs[c.first+i] = outcome
			}
		}
	})
}

// partCall is the call that stores a part.
type partCall struct {
	appendCall
	group  queue.Group
	result queue.Result
	first  int  // the index of its first event or job in the whole group
	before bool // it was stored before
}

func (n *note) call(number int, g queue.Group, first int) *partCall {
	c := &partCall{group: g, first: first}
	c.result = queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Admission, len(g.Jobs))}
	c.appendCall = appendCall{
		keys: n.keys, groups: []appendRef{{&c.group, &c.result}}, bytes: wireSize(&c.group), note: n.name + " " + n.by, part: number,
	}
	return c
}

// send makes calls, some in each round trip, and hands over each that is answered.
func (n *note) send(ctx context.Context, calls []*partCall, take func(*partCall)) error {
	for len(calls) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		count, bytes := 0, 0
		for count < len(calls) && count < roundCalls && (count == 0 || bytes+calls[count].bytes <= roundBytes) {
			bytes += calls[count].bytes
			count++
		}
		again, err := n.round(ctx, calls[:count], take)
		if err == nil && len(again) > 0 {
			_, err = n.round(ctx, again, take)
		}
		if err != nil {
			return err
		}
		calls = calls[count:]
	}
	return nil
}

// round makes calls in one round trip. It returns those that must be made again,
// without bundles, in their order; a part that was stored answers the same again.
func (n *note) round(ctx context.Context, calls []*partCall, take func(*partCall)) (again []*partCall, err error) {
	n.packer.reset()
	cmds := make([]redis.Cmder, len(calls))
	for i, c := range calls {
		c.cmd = n.r.pack(&c.appendCall, &n.packer)
		cmds[i] = c.cmd
	}
	pipeline(ctx, n.r.client, cmds)
	for i, c := range calls {
		reply, err := c.cmd.Text()
		switch {
		case err != nil:
			return nil, err
		case reply == answerGone:
			return nil, errGone
		case reply == answerUnbundle && !c.unbundled:
			for _, rest := range calls[i:] {
				rest.unbundled = true
			}
			return calls[i:], nil
		}
		reply, c.before = strings.CutPrefix(reply, answerBefore)
		if err := c.groups[0].read(reply); err != nil {
			return nil, noteProblem{err}
		}
		take(c)
	}
	return nil, nil
}
