package caddymodule

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestCaddysOwnLimits keeps the status that a limit of Caddy's gives a body
// whose length is not known before it is read.
func TestCaddysOwnLimits(t *testing.T) {
	s := newSink(t)
	config := strings.Replace(site("tenant acme\nforward "+s.URL+"\ncapi {\n dataset 1\n access_token x\n}"),
		`respond "next" 418`, "request_body {\n\t\tmax_size 600\n\t}\n\tleadgate_conversions /conversions {\n\t\ttenant acme\n\t\ttoken "+
			"x\n\t}\n\trespond \"next\" 418", 1)
	e := startEdge(t, config)
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	big := message("wamid.big", "15551234567", strings.Repeat("a", 600))
	for name, edit := range map[string]func(*http.Request){"chunked": chunked, "announced": func(*http.Request) {}} {
		if resp, answer := e.post("/webhooks/meta", big, edit); resp.StatusCode != 413 || answer != "" {
			t.Errorf("%s webhook: %d %q", name, resp.StatusCode, answer)
		}
		resp, _ := e.post("/conversions", bytes.Repeat([]byte(" "), 700), edit, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer x")
		})
		if resp.StatusCode != 413 {
			t.Errorf("%s conversions: %d", name, resp.StatusCode)
		}
	}
	s.expectNone(t)
	if resp, _ := e.post("/webhooks/meta", message("wamid.small", "15551234567", "x"), chunked); resp.StatusCode != 200 {
		t.Errorf("below the limit: %d", resp.StatusCode)
	}
	s.next(t)
}
