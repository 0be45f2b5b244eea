package admin

import (
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// alarmed is a store that has noticed something.
type alarmed struct{ queue.Queue }

func (alarmed) Alerts() []queue.Alert { return []queue.Alert{{Reason: "evicting"}} }

// TestOf: to a tenant's edge, what others have is not there, whoever asks for it and by
// whatever name.
func TestOf(t *testing.T) {
	ctx := t.Context()
	q := memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, KeepDead: time.Hour, MaxBacklog: 10}, time.Now)
	acme, theirs := queue.Dest{Tenant: "acme", Name: "crm"}, queue.Dest{Tenant: "globex", Name: "crm"} // of one name
	for i, d := range []queue.Dest{acme, theirs, queue.Unmatched} {
		g := queue.Group{
			Tenant: d.Tenant, Events: []queue.Event{{ID: queue.ID{byte(i + 1)}}}, Payloads: [][]byte{[]byte(`{}`)},
			Jobs:     []queue.Job{{Dest: d, Events: []int{0}, Dead: &queue.Reason{Reason: "x"}}},
			Counters: []queue.Counter{{Day: 1, Key: "ad", Field: "clicks", Add: 1, When: queue.WhenNew}},
		}
		if d.Tenant == "" {
			g.Counters = nil
		}
		if r := q.Append(ctx, []queue.Group{g})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	whole := &Config{Queue: q, Destinations: []queue.Dest{acme, theirs}, Tenants: []string{"acme", "globex"}}
	engines := func() []Engine { return []Engine{{Queue: alarmed{q}}} }
	edge := (&Edge{Engines: engines, Config: func() (*Config, error) { return whole, nil }}).Of("acme")
	own, err := edge.Config()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(own.Destinations, []queue.Dest{acme}) || !slices.Equal(own.Tenants, []string{"acme"}) || len(edge.Alerts()) != 0 {
		t.Errorf("%+v", own)
	}
	infos, err := own.Queue.Destinations(ctx)
	if err != nil || len(infos) != 1 || infos[0].Dest != acme {
		t.Errorf("destinations %+v, %v", infos, err)
	}
	letters, err := own.Queue.Dead(ctx, queue.DeadFilter{Tenant: "globex", Destination: "crm"})
	if err != nil || len(letters) != 1 || letters[0].Dest != acme {
		t.Errorf("dead letters %+v, %v", letters, err)
	}
	for tenant, want := range map[string]int{"acme": 1, "globex": 0} {
		counts, err := own.Queue.Counters(ctx, tenant, 0, 9)
		if err != nil || len(counts) != want {
			t.Errorf("%s: %d figures, want %d, %v", tenant, len(counts), want, err)
		}
		known := own.knownTenant(ctx, tenant) == nil
		if known != (want > 0) || (edge.mayAsk(tenant) == nil) != known {
			t.Errorf("%s is known: %t", tenant, known)
		}
	}
	if own.knownDestination(ctx, queue.Unmatched.Name) == nil || whole.knownDestination(ctx, queue.Unmatched.Name) != nil {
		t.Error("unmatched is known to a tenant, or not to the operator")
	}
	if n, err := own.Queue.DropDead(ctx, queue.DeadFilter{}); n != 1 || err != nil {
		t.Errorf("%d dropped, %v", n, err)
	}
	if left, err := q.Dead(ctx, queue.DeadFilter{}); len(left) != 2 || err != nil {
		t.Errorf("%d are left, %v", len(left), err)
	}
}
