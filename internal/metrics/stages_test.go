package metrics

import (
	"crypto/rand"
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadgate/leadgate/internal/queue"
)

// countedOf is what is counted of a destination's conversions, by name and outcome.
func countedOf(t *testing.T, destination string) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(capiEvents)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, m := range families[0].Metric {
		labels := make(map[string]string)
		for _, l := range m.Label {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["destination"] == destination {
			got[labels["event_name"]+" "+labels["outcome"]] = m.Counter.GetValue()
		}
	}
	return got
}

// TestStages: of a CRM's names those that are configured are counted by themselves, and what
// else is posted, whatever it is, together.
func TestStages(t *testing.T) {
	name := "stages-" + rand.Text() // counters are the process's
	count := Stages(name)
	StageName(name, "Won")
	StageName("no-stages", "Won") // says nothing
	count("Won", "delivered", 2)
	count("+15551234567", "delivered", 3)
	count("", "dead", 1) // it has none
	job := queue.Job{Dest: queue.Dest{Name: name}, Header: queue.Header{Format: queue.FormatConversion}}
	Unsent(&job, "ana@example.com", queue.Duplicate)
	// A destination of a chat's in its place has names of Meta's list alone.
	Conversions(name)("Purchase", "delivered", 1)
	want := map[string]float64{"Won delivered": 2, "other delivered": 3, " dead": 1, "other duplicate": 1, "Purchase delivered": 1}
	if got := countedOf(t, name); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
