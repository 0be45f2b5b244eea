package redis

import (
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// partition says how a heavy group goes in parts: first its events, to learn which are
// new, then its jobs, which may be of events in any part. Of events and of jobs it
// holds where each part ends.
type partition struct{ events, jobs []int }

// split divides a group.
func split(g *queue.Group) (p partition) {
	events, jobs := make([]int, len(g.Events)), make([]int, len(g.Jobs)) // steps of the counters of each
	for i := range g.Counters {
		if c := &g.Counters[i]; c.When == queue.WhenQueued {
			jobs[c.Of] += counterSteps
		} else {
			events[c.Of] += counterSteps
		}
	}
	for i := range g.Notes {
		if n := &g.Notes[i]; n.When == queue.WhenNew {
			events[n.Of] += noteSteps
		} else {
			jobs[n.Of] += noteSteps
		}
	}
	var w weight
	for i := range g.Events {
		ev := &g.Events[i]
		if !w.add(1, eventSteps(ev)+events[i], clickBytes(ev)) {
			p.events = append(p.events, i)
		}
	}
	w = weight{}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		if !w.add(1, jobSteps(j)+jobs[i], len(g.Payloads[j.Payload])+len(j.Header.Meta)) {
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

// add reports whether one more fits into the part. If not, it begins the next part.
func (w *weight) add(n, steps, bytes int) bool {
	sum := weight{w.n + n, w.steps + steps, w.bytes + bytes}
	if w.n > 0 && (sum.n > partEvents || sum.steps > partSteps || sum.bytes > partBytes) {
		*w = weight{n, steps, bytes}
		return false
	}
	*w = sum
	return true
}

// fits reports whether a partition is one of this group.
func (p *partition) fits(g *queue.Group) bool {
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

// counters are the counters of each part: of those of the events, then of the jobs.
func (p *partition) counters(g *queue.Group) [][]queue.Counter {
	all := make([][]queue.Counter, len(p.events)+len(p.jobs))
	for _, c := range g.Counters {
		ends, first := p.events, 0
		if c.When == queue.WhenQueued {
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

// notes is what counters is for notes.
func (p *partition) notes(g *queue.Group) [][]queue.Note {
	all := make([][]queue.Note, len(p.events)+len(p.jobs))
	for _, n := range g.Notes {
		ends, first := p.jobs, len(p.events)
		if n.When == queue.WhenNew {
			ends, first = p.events, 0
		}
		i, _ := slices.BinarySearch(ends, n.Of+1)
		if i > 0 {
			n.Of -= ends[i-1]
		}
		all[first+i] = append(all[first+i], n)
	}
	return all
}

// alwaysNew are the events of a job of which one was found to be new by an earlier
// part: event 0, which for the script is always new.
var alwaysNew = []int{-1}

// jobsPart is the group of some jobs. fresh says which events of the whole group are
// new; any reports whether a job has one.
func jobsPart(g *queue.Group, jobs []queue.Job, fresh []bool) (part queue.Group, any bool) {
	part.Tenant = g.Tenant
	payloads := map[int]int{}
	for _, j := range jobs {
		isNew := false
		for _, e := range j.Events {
			isNew = isNew || fresh[e]
		}
		any = any || isNew
		at, known := payloads[j.Payload]
		if !known {
			at = len(part.Payloads)
			payloads[j.Payload] = at
			part.Payloads = append(part.Payloads, g.Payloads[j.Payload])
		}
		j.Payload, j.Events = at, nil
		if isNew {
			j.Events = alwaysNew
		}
		part.Jobs = append(part.Jobs, j)
	}
	return part, any
}

// destinationNames are the names of a group's destinations.
func destinationNames(g *queue.Group) []string {
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
