package main

import "fmt"

// goal is one of the goals that docs/performance.md lists.
type goal struct {
	What     string  `json:"what"`
	Limit    float64 `json:"limit"`
	AtMost   bool    `json:"atMost"` // else at least
	Measured float64 `json:"measured"`
	Met      bool    `json:"met"`
}

// goals checks what was measured; what was not is left out.
func (r *report) goals() []goal {
	var out []goal
	add := func(atMost bool, limit, measured float64, format string, args ...any) {
		met := measured >= limit
		if atMost {
			met = measured <= limit
		}
		out = append(out, goal{fmt.Sprintf(format, args...), limit, atMost, measured, met})
	}
	for _, a := range r.Acknowledgements {
		bare, one := a.find(bareName), a.find("embedded")
		for i := range a.Results {
			m := &a.Results[i]
			switch a.key {
			case 'c':
				if m.Name == "embedded-10" && one != nil {
					add(true, 1.4, ratio(m.EdgeCPU, one.EdgeCPU), "%s: CPU a request ÷ one destination", m.About)
				}
				for _, g := range []struct {
					name       string
					speed, cpu float64
				}{
					{"inline", 0.85, 1.25}, {"redis", 0.70, 1.45}, {"embedded", 0.55, 2.0},
					{"redis-clicks", 0.45, 2.0}, {"embedded-clicks", 0.40, 2.6},
				} {
					if m.Name == g.name {
						add(false, g.speed, m.SpeedRatio, "%s: requests a second ÷ bare", m.About)
						add(true, g.cpu, m.CPURatio, "%s: CPU a request ÷ bare", m.About)
					}
				}
			case 'l':
				switch m.Name {
				case "redis":
					add(true, 0.2, m.P50-bare.P50, "%s, %d connections: ms added to bare p50", m.About, a.Connections)
				case "embedded":
					add(true, 3*r.Machine.Fdatasync+0.5, m.P50-bare.P50, "%s, %d connections: ms added to bare p50 (3 fdatasync + 0.5)", m.About,
						a.Connections)
				}
			case 'o':
				if m.Name == "redis" || m.Name == "embedded" {
					add(true, 10, m.P99, "%s, %d/s open loop: p99 in ms", m.About, a.Rate)
				}
			}
		}
	}
	if r.Drains != nil {
		r.drainGoals(add)
	}
	for i := range r.Heaps {
		h := &r.Heaps[i]
		add(true, 60, h.MB[len(h.MB)-1], "%s: MB of heap after %d webhooks", h.About, h.Webhooks)
	}
	return out
}

func (r *report) drainGoals(add func(atMost bool, limit, measured float64, format string, args ...any)) {
	for i := range r.Drains.Drained {
		d := &r.Drains.Drained[i]
		switch {
		case d.Backlog == 0: // the goals are for what waits
		case d.Bare > 0:
			add(false, 0.85, d.Ratio, "forwards from %s, %d waiting: events a second ÷ bare client", d.Store, d.Backlog)
		case d.Store == "redis":
			add(false, 100_000, d.PerSecond, "conversions from %s, %d waiting: events a second", d.Store, d.Backlog)
		default:
			add(false, 150_000, d.PerSecond, "conversions from %s, %d waiting: events a second", d.Store, d.Backlog)
		}
	}
	for i := range r.Drains.Appended {
		a := &r.Drains.Appended[i]
		add(false, 0.85, ratio(a.Waiting, a.Empty), "%s: append speed with %d waiting ÷ empty", a.Store, a.Backlog)
		add(false, 0.85, ratio(a.After, a.Empty), "%s: append speed after they drained ÷ empty", a.Store)
		add(true, 1.3, a.DiskRatio, "%s: bytes on disk ÷ payload", a.Store)
	}
}

func goalTable(goals []goal) *table {
	t := &table{title: "Goals", head: []string{"what", "goal", "measured", "met"}}
	for _, g := range goals {
		sign, met := "≥ ", "no"
		if g.AtMost {
			sign = "≤ "
		}
		if g.Met {
			met = "yes"
		}
		t.rows = append(t.rows, []string{g.What, sign + figure(g.Limit), figure(g.Measured), met})
	}
	return t
}

// figure writes a number with as many decimals as its size makes sense of.
func figure(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
