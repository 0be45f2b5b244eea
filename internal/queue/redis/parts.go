package queue

import (
	"slices"
	"strings"
)

// What one call of the append script may be: so many events, commands of Redis's
// at worst, and bytes written into streams, unless one entry alone is larger. Then
// it takes Redis a few milliseconds, in which it serves nobody else.
const (
	partEvents = callEvents
	partSteps  = 4000
	partBytes  = 1 << 20
	heavyBytes = 2 << 20 // what an ordinary group may write in one call
)

// heavy says whether a group is too much for one call.
func (g *Group) heavy() bool {
	if len(g.Events) > partEvents {
		return true
	}
	steps, written := g.cost()
	return steps > partSteps || written > heavyBytes && len(g.Jobs) > 1
}

// cost is how many commands a group takes at worst, and how many bytes it writes
// into streams.
func (g *Group) cost() (steps, written int) {
	steps = counterSteps * len(g.Counters)
	for i := range g.Events {
		steps += g.Events[i].steps()
	}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		steps += j.steps()
		if p := j.Payload; p >= 0 && p < len(g.Payloads) {
			written += len(g.Payloads[p])
		}
	}
	return steps, written
}

// steps is how many commands an event takes at worst, but for those that the
// script itself bounds.
func (ev *Event) steps() int {
	n := 2
	if ev.Time <= 0 {
		n += 10 // it is looked up on several days
	}
	if ev.seal() != nil {
		n += 12 // likewise
	}
	if ev.Contact != "" {
		n += 2*(1+len(ev.Aliases)) + 8*len(ev.former()) // each may be an alias of an alias
	}
	if ev.MessageID != "" {
		n += 4
	}
	if ev.Click != nil {
		n += 10
	}
	return n
}

func (j *Job) steps() int { return 3 + 3*len(j.Once) }

const counterSteps = 4

// partition says how a group goes in parts: events first, to learn which are new,
// then jobs, which may be of events in any part. Of each kind it holds where the
// parts end.
type partition struct{ events, jobs []int }

// split divides a group.
func split(g *Group) (p partition) {
	events, jobs := make([]int, len(g.Events)), make([]int, len(g.Jobs)) // steps of the counters of each
	for i := range g.Counters {
		if c := &g.Counters[i]; c.When == WhenQueued {
			jobs[c.Of] += counterSteps
		} else {
			events[c.Of] += counterSteps
		}
	}
	var w weight
	for i := range g.Events {
		ev, bytes := &g.Events[i], 0
		if ev.Click != nil {
			bytes = len(ev.Click.Data)
		}
		if !w.add(1, ev.steps()+events[i], bytes) {
			p.events = append(p.events, i)
		}
	}
	w = weight{}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		if !w.add(1, j.steps()+jobs[i], len(g.Payloads[j.Payload])+len(j.Header.Meta)) {
			p.jobs = append(p.jobs, i)
		}
	}
	if len(g.Events) > 0 {
		p.events = append(p.events, len(g.Events))
	}
	if len(g.Jobs) > 0 {
		p.jobs = append(p.jobs, len(g.Jobs))
	}
	return p
}

// weight is what a part costs.
type weight struct{ n, steps, bytes int }

// add puts one more into the part, or begins the next with it: then it returns
// false.
func (w *weight) add(n, steps, bytes int) bool {
	sum := weight{w.n + n, w.steps + steps, w.bytes + bytes}
	if w.n > 0 && (sum.n > partEvents || sum.steps > partSteps || sum.bytes > partBytes) {
		*w = weight{n, steps, bytes}
		return false
	}
	*w = sum
	return true
}

// fits says whether a partition is one of this group.
func (p *partition) fits(g *Group) bool {
	fit := func(ends []int, n int) bool {
		last := 0
		for _, end := range ends {
			if end <= last {
				return false
			}
			last = end
		}
		return last == n
	}
	return fit(p.events, len(g.Events)) && fit(p.jobs, len(g.Jobs))
}

// counters returns those of each part: of the events, then of the jobs.
func (p *partition) counters(g *Group) [][]Counter {
	all := make([][]Counter, len(p.events)+len(p.jobs))
	for _, c := range g.Counters {
		ends, first := p.events, 0
		if c.When == WhenQueued {
			ends, first = p.jobs, len(p.events)
		}
		i, _ := slices.BinarySearch(ends, c.Of+1)
		if i > 0 {
			c.Of -= ends[i-1]
		}
		all[first+i] = append(all[first+i], c)
	}
	return all
}

// jobsPart is the group of some jobs, of which those are fresh that have a new
// event. It returns false if none is.
func jobsPart(g *Group, jobs []Job, fresh []bool) (part Group, any bool) {
	part.Tenant = g.Tenant
	payloads := map[int]int{}
	for _, j := range jobs {
		for _, e := range j.Events {
			j.fresh = j.fresh || fresh[e]
		}
		any = any || j.fresh
		at, known := payloads[j.Payload]
		if !known {
			at = len(part.Payloads)
			payloads[j.Payload] = at
			part.Payloads = append(part.Payloads, g.Payloads[j.Payload])
		}
		j.Payload, j.Events = at, nil
		part.Jobs = append(part.Jobs, j)
	}
	return part, any
}

// destinations are the names of a group's.
func (g *Group) destinations() []string {
	var names []string
	seen := map[string]bool{}
	for i := range g.Jobs {
		if name := g.Jobs[i].Dest.Name; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
