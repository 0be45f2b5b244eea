package metrics

import (
	"slices"
	"testing"
)

// TestByName tells each series once, whatever stores are open at once.
func TestByName(t *testing.T) {
	got := byName([]Destination{
		{Name: "crm", State: "removed", Removed: true, Backlog: 3, Dead: 1, Oldest: 60},
		{Name: "crm", State: "paused", Backlog: 2, Oldest: 5}, {Name: "n8n", State: "running"},
		{Name: "unmatched", State: "running", Dead: 1}, {Name: "unmatched", State: "running", Dead: 2},
	})
	want := []Destination{
		{Name: "crm", State: "paused", Backlog: 5, Dead: 1, Oldest: 60}, {Name: "n8n", State: "running"},
		{Name: "unmatched", State: "running", Dead: 3},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
