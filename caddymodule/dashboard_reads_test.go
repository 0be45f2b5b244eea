package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDashboardReads: what keeps forms from being read is on the page, of each tenant; on a
// customer's page that of its own alone.
func TestDashboardReads(t *testing.T) {
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Business-Use-Case-Usage", `{"1":[{"type":"leadgen","call_count":100,"estimated_time_to_regain_access":20}]}`)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"message":"too many","type":"OAuthException","code":80005}}`))
	}))
	t.Cleanup(meta.Close)
	tenant := func(name, page string) string {
		return "tenant " + name + " {\nmatch page_id " + page + "\nforward " + meta.URL + "\nleads {\naccess_token x\nreconcile 200ms\n" +
			"endpoint " + meta.URL + "\n}\n}\n"
	}
	block := tenant("acme", "1") + tenant("globex", "2")
	for options, want := range map[string]int{"": 2, "tenant acme": 1} {
		e := startEdge(t, dashboardSiteWith(block, dashboardLogin, options))
		waitFor(t, "both tenants' forms to be asked for", func() bool {
			config, err := activeConfig()
			return err == nil && len(config.Forms) == 2 && config.Forms[0].Problem() != "" && config.Forms[1].Problem() != ""
		})
		var got struct {
			Reads []struct{ Tenant, Problem string }
		}
		e.ask("overview", &got)
		if len(got.Reads) != want {
			t.Errorf("%q: %+v", options, got.Reads)
		}
		for _, r := range got.Reads {
			if !strings.HasPrefix(r.Problem, "too many calls for Meta's limit: waits until 20") || want == 1 && r.Tenant != "acme" {
				t.Errorf("%q: %+v", options, r)
			}
		}
	}
}
