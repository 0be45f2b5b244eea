package doctor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAdsOfRunningEdge: what a running edge waits for is said; one that waits for nothing, none and
// another's are passed over.
func TestAdsOfRunningEdge(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "act_11: too many calls for Meta's limit: waits until 2026-01-01T12:00:00Z": "the running edge: ads: act_11: too many calls",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/leadgate/ads" {
				t.Errorf("asked for %s", r.URL)
			}
			if header != "" {
				w.Header().Set("Leadgate-Ads", header)
			}
			_, _ = w.Write([]byte("[]"))
		}))
		e := &Endpoint{Network: "tcp", Address: strings.TrimPrefix(server.URL, "http://"), Origin: server.URL}
		if found := flat(Report(e.ads(t.Context()))); want == "" && len(e.ads(t.Context())) > 0 || !strings.Contains(found, want) {
			t.Errorf("%q: %s", header, found)
		}
		server.Close()
		if found := e.ads(t.Context()); len(found) > 0 {
			t.Errorf("none runs: %v", found)
		}
	}
}
