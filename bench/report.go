package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// report is everything that a run measured.
type report struct {
	Machine          machine             `json:"machine"`
	Rounds           int                 `json:"rounds"`
	Seconds          float64             `json:"seconds"`
	Acknowledgements []*acknowledgements `json:"acknowledgements,omitempty"`
	Drains           *drains             `json:"drains,omitempty"`
	Heaps            []heap              `json:"heaps,omitempty"`
	Soaks            []*soak             `json:"soaks,omitempty"`
	Goals            []goal              `json:"goals,omitempty"`
}

// write writes the report: as JSON, as Markdown or as text.
func (r *report) write(w io.Writer, format string) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	markdown := format == "markdown"
	if _, err := fmt.Fprintf(w, "%s\n\n", r.Machine.String()); err != nil {
		return err
	}
	for _, t := range r.tables() {
		if err := t.write(w, markdown); err != nil {
			return err
		}
	}
	return nil
}

func (r *report) tables() []*table {
	var out []*table
	for _, a := range r.Acknowledgements {
		out = append(out, a.table(r.Rounds, time.Duration(r.Seconds*float64(time.Second))))
	}
	if r.Drains != nil {
		out = append(out, r.Drains.tables()...)
	}
	if len(r.Heaps) > 0 {
		out = append(out, heapTable(r.Heaps))
	}
	for _, k := range r.Soaks {
		out = append(out, k.tables()...)
	}
	if len(r.Goals) > 0 {
		out = append(out, goalTable(r.Goals))
	}
	return out
}

// uneven is an error where a soak's edge did not stay what it was.
func (r *report) uneven() error {
	var what []string
	for _, k := range r.Soaks {
		what = append(what, k.uneven()...)
	}
	if len(what) > 0 {
		return errors.New("not flat: " + strings.Join(what, "; "))
	}
	return nil
}

func (a *acknowledgements) table(rounds int, length time.Duration) *table {
	t := &table{
		title: fmt.Sprintf("%s, %d rounds of %s", a.Title, rounds, length),
		head: []string{"edge", "req/s", "÷ bare", "rounds", "CPU µs", "÷ bare", "redis µs", "p50 ms", "p99 ms", "p99.9 ms", "p50 ÷", "p99 ÷",
			"p99.9 ÷"},
		note: "÷ is the median of each round's ratio to the bare Caddy of that round (with TLS or clicks to the one with them), rounds the " +
			"least and the greatest of them; latencies are of all rounds together.",
	}
	for i := range a.Results {
		m := &a.Results[i]
		t.rows = append(t.rows, []string{
			m.About, thousands(m.PerSecond), decimals(m.SpeedRatio, 2),
			decimals(m.SpeedRatioMin, 2) + "–" + decimals(m.SpeedRatioMax, 2),
			decimals(m.EdgeCPU, 1), decimals(m.CPURatio, 2), decimals(m.RedisCPU, 1),
			decimals(m.P50, 2), decimals(m.P99, 2), decimals(m.P999, 2),
			decimals(m.P50Ratio, 2), decimals(m.P99Ratio, 2), decimals(m.P999Ratio, 2),
		})
	}
	return t
}

func (d *drains) tables() []*table {
	t := &table{
		title: "Deliveries into a trivial sink in a process of its own",
		head:  []string{"queue", "kind", "backlog", "events/s", "CPU µs", "redis µs", "bare client/s", "÷ bare"},
		note: fmt.Sprintf("Forwards: one event a request, in order per contact, %d requests at once, as the bare Go client beside it. capi: "+
			"1000 events a request. Backlog 0: delivered while they come in, appends included.", senders),
	}
	for i := range d.Drained {
		m := &d.Drained[i]
		t.rows = append(t.rows, []string{
			m.Store, m.Kind, strconv.Itoa(m.Backlog), thousands(m.PerSecond), decimals(m.CPU, 1), decimals(m.RedisCPU, 1), thousands(m.Bare),
			decimals(m.Ratio, 2),
		})
	}
	a := &table{
		title: fmt.Sprintf("Appends by %d writers, one webhook each", writers),
		head:  []string{"queue", "backlog", "empty/s", "waiting/s", "÷ empty", "after/s", "÷ empty", "disk ÷ payload", "payload B"},
		note: fmt.Sprintf("The median of %d runs each. Disk: the embedded queue's file, Redis's append-only file as it is written, both "+
			"with ids, clicks and contacts.", appendRuns),
	}
	for i := range d.Appended {
		m := &d.Appended[i]
		a.rows = append(a.rows, []string{
			m.Store, strconv.Itoa(m.Backlog), thousands(m.Empty), thousands(m.Waiting), decimals(ratio(m.Waiting, m.Empty), 2),
			thousands(m.After), decimals(ratio(m.After, m.Empty), 2), decimals(m.DiskRatio, 2), strconv.FormatInt(m.PayloadSize, 10),
		})
	}
	return []*table{t, a}
}

func heapTable(heaps []heap) *table {
	t := &table{
		title: fmt.Sprintf("Live Go heap of the edge, MB, on the way to %d webhooks", heaps[0].Webhooks),
		head:  []string{"edge", "at start", "¼", "½", "¾", "all"},
		note:  "After a garbage collection each time. Without delivery the whole lot waits in the queue.",
	}
	for i := range heaps {
		row := []string{heaps[i].About}
		for _, mb := range heaps[i].MB {
			row = append(row, decimals(mb, 1))
		}
		t.rows = append(t.rows, row)
	}
	return t
}
