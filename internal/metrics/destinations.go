package metrics

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Destination is what the gauges show of a destination.
type Destination struct {
	Name    string
	State   string // as the admin API says it: running, retrying, …
	Removed bool   // it has left the configuration
	Backlog int    // events that wait
	Dead    int    // dead letters
	Oldest  int64  // age of the oldest event that waits, in seconds
	Until   *int64 // when it goes on by itself, in ms; nil if it does not wait
	Code    string // of what keeps it from running: an HTTP status, or Meta's code/subcode; "" for none
}

// Destinations is the collector of what a destination has and does. read
// describes the destinations of all stores; one may be there twice, while a
// reload goes from one store to another.
func Destinations(read func(context.Context) []Destination) prometheus.Collector { return gauges{read} }

type gauges struct {
	read func(context.Context) []Destination
}

var (
	backlogDesc = perDestination("leadgate_backlog", "Events that wait for a destination.")
	oldestDesc  = perDestination("leadgate_oldest_seconds", "Age of the oldest event that waits for a destination.")
	deadDesc    = perDestination("leadgate_dead", "Dead letters of a destination.")
	untilDesc   = perDestination("leadgate_destination_wait_until_timestamp_seconds",
		"When a destination that waits goes on or tries again by itself; 0 if it does not wait.")
	codeDesc = perDestination("leadgate_destination_error_code",
		"Meta's code, or the HTTP status, of what keeps a destination from running; 0 if nothing does, or without a code.")
	stateDesc = perDestination("leadgate_destination_state", "1 for the state that a destination is in.", "state")
)

func perDestination(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"destination"}, more...), nil)
}

// scrapeTimeout bounds how long a scrape waits for a store.
const scrapeTimeout = 2 * time.Second

// Describe implements prometheus.Collector.
func (gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{backlogDesc, oldestDesc, deadDesc, stateDesc, untilDesc, codeDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	for _, s := range byName(g.read(ctx)) {
		ch <- prometheus.MustNewConstMetric(backlogDesc, prometheus.GaugeValue, float64(s.Backlog), s.Name)
		ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, float64(s.Oldest), s.Name)
		ch <- prometheus.MustNewConstMetric(deadDesc, prometheus.GaugeValue, float64(s.Dead), s.Name)
		ch <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1, s.Name, s.State)
		ch <- prometheus.MustNewConstMetric(untilDesc, prometheus.GaugeValue, waitUntil(&s), s.Name)
		ch <- prometheus.MustNewConstMetric(codeDesc, prometheus.GaugeValue, mainCode(&s), s.Name)
	}
}

// waitUntil is the UNIX time at which a destination goes on by itself, 0 if it
// does not wait.
func waitUntil(d *Destination) float64 {
	if d.Until == nil {
		return 0
	}
	return float64(*d.Until) / 1000
}

// mainCode is the code of a destination's reason without Meta's subcode.
func mainCode(d *Destination) float64 {
	code, _, _ := strings.Cut(d.Code, "/")
	n, err := strconv.Atoi(code)
	if err != nil {
		return 0
	}
	return float64(n)
}

// byName has each name once, so that no series is told twice: while a reload goes
// from one store to another, both may know a destination.
func byName(list []Destination) []Destination {
	at := map[string]int{}
	var out []Destination
	for _, s := range list {
		i, known := at[s.Name]
		if !known {
			at[s.Name] = len(out)
			out = append(out, s)
			continue
		}
		one, other := out[i], s
		if one.Removed {
			one, other = other, one
		}
		one.Backlog, one.Dead = one.Backlog+other.Backlog, one.Dead+other.Dead
		one.Oldest = max(one.Oldest, other.Oldest)
		out[i] = one
	}
	return out
}
