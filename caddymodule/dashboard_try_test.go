package caddymodule

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/internal/delivery"
)

// TestDashboardTry learns what came of the attempt that it asked for.
func TestDashboardTry(t *testing.T) {
	meta := capitest.New(t)
	expired := capitest.Answer{Status: http.StatusBadRequest, Body: `{"error":{"message":"no","type":"OAuthException","code":190,` +
		`"error_subcode":463}}`}
	meta.Script(2, expired)
	e := startEdge(t, dashboardSite("tenant acme\ncapi {\n\t\t\tname meta\n\t\t\tdataset 1234567890\n\t\t\taccess_token "+
		"x\n\t\t\tendpoint "+meta.URL()+"\n\t\t\tlinger 0s\n\t\t}"))
	if resp, _ := e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1")); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode)
	}
	waitFor(t, "parked", func() bool { return e.overview().Destinations[0].State == "parked" })
	try := func(want dashboard.Tried) {
		t.Helper()
		resp, body := e.dashboard("POST", "api/destinations/meta/try", "{}", fromPage)
		var got dashboard.Tried
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if !strings.HasPrefix(got.Reason, want.Reason) {
			t.Errorf("reason %q", got.Reason)
		}
		if got.Reason = want.Reason; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	try(dashboard.Tried{Tried: true, State: delivery.StateParked, Reason: "token", Backlog: 1})
	try(dashboard.Tried{Tried: true, Delivered: true, State: delivery.StateRunning})
	try(dashboard.Tried{State: delivery.StateRunning}) // nothing waits
	if resp, body := e.dashboard("POST", "api/destinations/nobody/try", "{}", fromPage); resp.StatusCode != http.StatusNotFound ||
		!strings.Contains(body, "nobody") {
		t.Errorf("an unknown one: %d %s", resp.StatusCode, body)
	}
	if resp, _ := e.dashboard("POST", "api/destinations/meta/try", "{}"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("not from the page: %d", resp.StatusCode)
	}
}
