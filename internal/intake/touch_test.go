package intake

import (
	"testing"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/google"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestPlanTouch: a click that Google gave is a lead of the account, once, and nothing of the
// contact's clicks is looked up for it when it is sent.
func TestPlanTouch(t *testing.T) {
	b, q := linkStore(t, "meta")
	dest := queue.Dest{Tenant: "acme", Name: "gads"}
	b.Router.Direct.Destinations = append(b.Router.Direct.Destinations, &destination.Destination{
		Dest: dest, Planner: &google.Planner{Actions: google.Actions{"Lead": "6501234567"}},
	})
	b.take(t, q, whatsapp(said("1555000001", "wamid.1", "Hi "+shownClick)))
	b.take(t, q, whatsapp(said("1555000001", "wamid.2", "And again "+shownClick)))
	b.take(t, q, whatsapp(said("1555000002", "wamid.3", "Mine now? "+shownClick)))
	r := q.Drain(dest, func() {})
	defer r.Close()
	entries, err := r.Read(t.Context(), queue.Pos{}, 10, 1<<20)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	h := entries[0].Header
	if h.Format != queue.FormatConversion || h.ClickKey != "whatsapp:1555000001" || h.Contact == h.ClickKey || h.Attribution != 0 {
		t.Errorf("%+v", h)
	}
}
