package caddymodule

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestAdminStore asks which store is open, and takes its folder away.
func TestAdminStore(t *testing.T) {
	s := newSink(t)
	config, base := withAdmin(t, siteWith("queue embedded %DIR%/queue", "tenant acme\nforward "+s.URL+" {\nname crm\n}\n"))
	e := startEdge(t, config)
	folder := filepath.Join(e.dir, "queue")
	ask := func() admin.Store {
		t.Helper()
		var list []admin.Store
		if status := e.admin(base, http.MethodGet, "/leadgate/store", nil, &list); status != http.StatusOK || len(list) != 1 {
			t.Fatalf("status %d, %+v", status, list)
		}
		return list[0]
	}
	if got := ask(); got.Store != "embedded "+folder || got.Alerts == nil || len(got.Alerts) != 0 {
		t.Errorf("it is %+v, want no alerts of %s", got, folder)
	}
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the alert", func() bool {
		alerts := ask().Alerts
		return len(alerts) == 1 && alerts[0].Reason == queue.AlertGone && alerts[0].Text != ""
	})
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "all is well", func() bool { return len(ask().Alerts) == 0 })
}
