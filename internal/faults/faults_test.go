package faults

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// long says that the long form runs: every scenario with at least 2000
// acknowledged webhooks, and more rounds of each fault.
var long = os.Getenv("LEADGATE_FAULTS") == "long"

// form chooses between the short and the long form.
func form(short, longForm int) int {
	if long {
		return longForm
	}
	return short
}

var results table

func TestMain(m *testing.M) {
	flag.Parse()
	// Most scenarios wait most of the time.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := edgetest.Main(m)
	results.print()
	os.Exit(code)
}

// row is what a scenario came to.
type row struct {
	scenario, queue         string
	webhooks                int // acknowledged
	refused                 int // answered otherwise, or not at all, and repeated
	events                  int // of the acknowledged webhooks
	delivered               int
	lost                    int
	repeated                int // deliveries of an event beyond its first
	inFlight                int // events in the queue when an edge was killed or paused
	disordered              int // first tried or first taken after a later event of the contact
	clicks                  int // acknowledged
	reported, reportedAgain int
}

// table gathers the rows and the measurements of a run.
type table struct {
	mu    sync.Mutex
	rows  []row
	lines []string // measurements
}

// add takes a row; one without a name repeats another scenario, and is left out.
func (t *table) add(r row) {
	if r.scenario == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

func (t *table) line(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, s)
}

func (t *table) print() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) > 0 {
		fmt.Println("\n| scenario | queue | webhooks acknowledged | refused, repeated until 200 | events | delivered | lost | repeated | in " +
			"flight at the fault | out of order | clicks | reported | reported again |")
		fmt.Println("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	}
	slices.SortStableFunc(t.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.queue, b.queue), cmp.Compare(a.scenario, b.scenario))
	})
	for _, r := range t.rows {
		fmt.Printf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", r.scenario, r.queue, r.webhooks, r.refused,
			r.events, r.delivered, r.lost, r.repeated, r.inFlight, r.disordered, r.clicks, r.reported, r.reportedAgain)
	}
	slices.Sort(t.lines)
	for i, line := range t.lines {
		if i == 0 {
			fmt.Println("\n| healthy destination beside | queue | webhooks a second | 200 after p50 | p99 | " +
				"deliveries a second to the healthy one | ÷ beside a healthy one | p99 ÷ |")
			fmt.Println("|---|---|--:|--:|--:|--:|--:|--:|")
		}
		fmt.Println(line)
	}
}

// pass lets a time go by that is part of a fault: a pause longer than a lease.
func pass(d time.Duration) { <-time.After(d) }
