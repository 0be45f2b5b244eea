package caddymodule

import (
	"net/http"
	"testing"
)

// TestDashboardSeesWebhooks shows new events, and those only.
func TestDashboardSeesWebhooks(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, dashboardSite("tenant acme\nforward "+s.URL))
	body := click("wamid.1", "15551234567", "Aff-1")
	e.post("/webhooks/meta", body)
	e.post("/webhooks/meta", body) // a redelivery
	e.post("/webhooks/meta", message("wamid.2", "15551234567", "x"), func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", "sha256=00")
	})
	var answer struct {
		Events []struct {
			Event struct {
				TenantID, Kind string
				Referral       struct{ CtwaClid string }
			}
		}
	}
	e.ask("events", &answer)
	if len(answer.Events) != 1 || answer.Events[0].Event.TenantID != "acme" || answer.Events[0].Event.Referral.CtwaClid != "Aff-1" {
		t.Errorf("events: %+v", answer.Events)
	}
}
