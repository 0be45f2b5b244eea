package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// slice is a tenth of a soak.
type slice struct {
	observed

	Webhooks int     `json:"webhooks"`
	P50      float64 `json:"p50"` // ms
	P99      float64 `json:"p99"`
	Live     float64 `json:"liveHeapMB"` // at its end, after a garbage collection

	took []time.Duration
}

func (s *slice) add(took []time.Duration) { s.took = append(s.took, took...) }

// sum is called when all is added.
func (s *slice) sum() {
	slices.Sort(s.took)
	s.Webhooks = len(s.took)
	s.P50, s.P99 = milliseconds(percentile(s.took, 50)), milliseconds(percentile(s.took, 99))
	s.took = nil
}

// verdict is whether a figure stayed what it was.
type verdict struct {
	What  string  `json:"what"`
	First float64 `json:"first"` // median of slices 2 to 4: in the first, pools and caches fill
	Last  float64 `json:"last"`  // of the last three
	Limit float64 `json:"limit"` // of the last
	Flat  bool    `json:"flat"`
	Told  bool    `json:"told"` // only: how long something takes says as much of the machine
}

// What a webhook leaves for days, at the most: its id, and of a click, which every
// twentieth has, the contact's touches and the key under which its lead is reported
// once. In memory the embedded queue keeps filters of the ids. An event that should
// have gone would be ten times that.
const (
	storedPerWebhook = 200.0 // bytes
	heapPerWebhook   = 8.0
)

// judge compares the last slices with the first.
func (k *soak) judge() []verdict {
	const first, last = 2, soakSlices - 1 // the middle ones of three
	between := 0.0
	for _, s := range k.Slices[first : last-1] {
		between += float64(s.Webhooks)
	}
	of := func(from int, figure func(*slice) float64) float64 {
		values := make([]float64, 0, 3)
		for i := from - 1; i <= from+1 && i < len(k.Slices); i++ {
			values = append(values, figure(&k.Slices[i]))
		}
		return median(values)
	}
	var out []verdict
	// limit is what the last may be, and why, beside what the first is.
	add := func(what string, figure func(*slice) float64, times, more float64) {
		v := verdict{What: what, First: of(first, figure), Last: of(last-1, figure)}
		v.Limit = v.First*times + more
		v.Flat = v.Last <= v.Limit
		out = append(out, v)
	}
	// Between two collections the heap grows by 16 MB of ballast and as much as is
	// live, and what is collected goes back to the system with a delay.
	add("anonymous memory, MB", func(s *slice) float64 { return s.Anonymous }, 1.15, 12+heapPerWebhook*between/1e6)
	add("live heap, MB", func(s *slice) float64 { return s.Live }, 1.1, 4+heapPerWebhook*between/1e6)
	// Connections, and senders that failures halt, come and go.
	add("goroutines", func(s *slice) float64 { return s.Goroutines }, 1.1, 32)
	add("descriptors", func(s *slice) float64 { return s.Descriptors }, 1.1, 16)
	// Of the destination that fails a third waits for a second or two.
	add("backlog", func(s *slice) float64 { return s.Backlog }, 1.5, float64(k.Rate))
	if k.Queue == "redis" {
		add("redis's memory, MB", func(s *slice) float64 { return s.Redis }, 1.05, 4+storedPerWebhook*between/1e6)
	} else { // its file grows in steps
		add("files, MB", func(s *slice) float64 { return s.Disk }, 1, 32+storedPerWebhook*between/1e6)
	}
	add("p50, ms", func(s *slice) float64 { return s.P50 }, 1.5, 1)
	add("p99, ms", func(s *slice) float64 { return s.P99 }, 1.5, 5)
	for i := len(out) - 2; i < len(out); i++ {
		out[i].Told = true
	}
	return append(out,
		verdict{What: "left undelivered a minute after the end", Last: float64(k.Left), Flat: k.Left == 0},
		verdict{What: "of the destination that fails", Last: float64(k.Waiting), Limit: float64(unlucky(k.Rate)),
			Flat: k.Waiting <= unlucky(k.Rate)},
		verdict{What: "dead letters", Last: float64(k.Dead), Flat: k.Dead == 0})
}

// uneven says what did not stay what it was, but for times.
func (k *soak) uneven() (what []string) {
	for _, v := range k.Verdicts {
		if !v.Flat && !v.Told {
			what = append(what, fmt.Sprintf("%s: %s: %s, then %s", k.Queue, v.What, figure(v.First), figure(v.Last)))
		}
	}
	return what
}

func (k *soak) tables() []*table {
	t := &table{
		title: fmt.Sprintf("Soak of %s on %s: %d webhooks a second, %d reloads", k.Length, k.About, k.Rate, k.Reloads),
		head: []string{"slice", "webhooks", "p50 ms", "p99 ms", "resident MB", "anonymous MB", "live heap MB", "goroutines", "descriptors",
			"backlog", "files MB", "redis MB"},
		note: fmt.Sprintf("Medians of a look every second; the live heap is that at a slice's end. Destinations: one that is well, one that "+
			"answers 503 a third of the time, and a dataset. %d webhooks in all; %d requests got no answer, as a reload closes connections, "+
			"and were posted again.", k.Webhooks, k.Repeated),
	}
	for i := range k.Slices {
		s := &k.Slices[i]
		t.rows = append(t.rows, []string{
			strconv.Itoa(i + 1), strconv.Itoa(s.Webhooks), decimals(s.P50, 2), decimals(s.P99, 2), decimals(s.Resident, 0),
			decimals(s.Anonymous, 0), decimals(s.Live, 1), decimals(s.Goroutines, 0), decimals(s.Descriptors, 0), decimals(s.Backlog, 0),
			decimals(s.Disk, 1), decimals(s.Redis, 1),
		})
	}
	v := &table{
		title: "Flat?",
		head:  []string{"figure", "slices 2–4", "slices 8–10", "at most", "flat"},
		note: fmt.Sprintf("Medians of three slices. The limits leave room for what a webhook has to leave behind, for days: %.0f bytes in the "+
			"store (its id; a click's touches and its once key), %.0f in the heap (filters of the ids).", storedPerWebhook, heapPerWebhook),
	}
	for _, f := range k.Verdicts {
		flat := "yes"
		if !f.Flat {
			flat = "no"
		}
		v.rows = append(v.rows, []string{f.What, figure(f.First), figure(f.Last), figure(f.Limit), flat})
	}
	return []*table{t, v}
}
