package metrics

import (
	"slices"
	"testing"
	"time"
)

// TestTraffic reads what was counted: it sums over providers, tenants and
// destinations.
func TestTraffic(t *testing.T) {
	r := NewTrafficReader()
	before := r.Read()
	NewWebhooks("meta").Add("a", "queued", 3)
	NewWebhooks("whapi").Add("b", "queued", 4)
	NewWebhooks("meta").Add("", "unauthorized", 2)
	Delivered("crm", "delivered", 5, time.Second)
	Delivered("n8n", "delivered", 6, time.Second)
	Delivered("crm", "retried", 1, time.Second)
	Ack(500 * time.Microsecond)
	Ack(time.Minute)
	after := r.Read()
	for outcome, want := range map[string]uint64{"queued": 7, "unauthorized": 2} {
		if got := after.Webhooks[outcome] - before.Webhooks[outcome]; got != want {
			t.Errorf("webhooks %s: %d, want %d", outcome, got, want)
		}
	}
	for outcome, want := range map[string]uint64{"delivered": 11, "retried": 1} {
		if got := after.Deliveries[outcome] - before.Deliveries[outcome]; got != want {
			t.Errorf("deliveries %s: %d, want %d", outcome, got, want)
		}
	}
	acks := after.Acks
	if acks.Total-before.Acks.Total != 2 || !slices.IsSorted(acks.Bounds) || len(acks.Counts) != len(acks.Bounds) || acks.Bounds[0] != .0002 {
		t.Errorf("acknowledgements: %+v", acks)
	}
	for i, bound := range acks.Bounds {
		want := uint64(0)
		if bound >= .0005 {
			want = 1
		}
		if got := acks.Counts[i] - before.Acks.Counts[i]; got != want {
			t.Errorf("up to %v: %d, want %d", bound, got, want)
		}
	}
}
