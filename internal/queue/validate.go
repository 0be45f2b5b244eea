package queue

import (
	"cmp"
	"fmt"
	"strings"
)

// maxName is how long a tenant's or a destination's name may be, in bytes. The
// configuration allows less.
const maxName = 512

// Validate says what is wrong with a group by itself; no store takes it then.
func (g *Group) Validate() error {
	if !tenantName(g.Tenant) {
		return fmt.Errorf("queueing events: %q is no tenant's name", g.Tenant)
	}
	for i := range g.Events {
		if problem := g.Events[i].clickProblem(); problem != "" {
			return fmt.Errorf("queueing events: %s", problem)
		}
	}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		if j.Dest.Tenant != g.Tenant {
			return fmt.Errorf("queueing events: destination %q belongs to tenant %q and not to %q", j.Dest.Name, j.Dest.Tenant, g.Tenant)
		}
		if len(j.Dest.Name) > maxName {
			return fmt.Errorf("queueing events: %.20q… is no destination's name", j.Dest.Name)
		}
		if j.Payload < 0 || j.Payload >= len(g.Payloads) {
			return fmt.Errorf("queueing events: a job names payload %d of %d", j.Payload, len(g.Payloads))
		}
		for _, e := range j.Events {
			if e < 0 || e >= len(g.Events) {
				return fmt.Errorf("queueing events: a job names event %d of %d", e, len(g.Events))
			}
		}
	}
	if problem := cmp.Or(g.counterProblem(), g.noteProblem()); problem != "" {
		return fmt.Errorf("queueing events: %s", problem)
	}
	return nil
}

// clickProblem says what is wrong with an event's clicks, "" if nothing is.
func (ev *Event) clickProblem() string {
	if len(ev.Clicks) > MaxClicks {
		return "an event brings more clicks than an event can"
	}
	for i := range ev.Clicks {
		if ev.Clicks[i].Kind >= ClickKinds {
			return "an event brings a click of a kind that there is not"
		}
	}
	return ""
}

func tenantName(s string) bool { return !strings.ContainsAny(s, "{} \n\x00") && len(s) <= maxName }

// counterProblem says what is wrong with a group's counters, "" if nothing is.
func (g *Group) counterProblem() string {
	for i := range g.Counters {
		c := &g.Counters[i]
		n := len(g.Events)
		if c.When == WhenQueued {
			n = len(g.Jobs)
		}
		switch {
		case c.Of < 0 || c.Of >= n:
			return "a counter counts an event or a job that is not there"
		case c.When > WhenQueued:
			return "a counter counts an outcome that it cannot count"
		case c.Add < 0 || c.Add > MaxAdd:
			return "a counter adds more than a counter can"
		case !countable(c.Key) || !countable(c.Field) || c.Field == "":
			return "a counter's key or field has a character that is not allowed, or is too long"
		}
	}
	return ""
}

// maxCounterName is how long a counter's key or field may be, in bytes.
const maxCounterName = 256

func countable(s string) bool {
	for i := range len(s) {
		if s[i] == 0 || s[i] == '\n' {
			return false
		}
	}
	return len(s) <= maxCounterName
}
