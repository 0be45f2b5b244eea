package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/httperr"
)

// TestFind: a path is a route below those that it may lie below, as it is written.
func TestFind(t *testing.T) {
	under := []string{"/api", "/v2/tools"}
	for _, c := range []struct {
		below []string
		path  string
		route string // "" for none
		name  string
	}{
		{under, "/api/destinations", "destinations", ""},
		{under, "/API/destinations", "destinations", ""}, // Caddy's paths match in any case
		{under, "/v2/tools/dead/replay", "dead/replay", ""},
		{under, "/api/dead/4.acme.n8n.01a2", "dead/{id}", "4.acme.n8n.01a2"},
		{under, "/api/dead/" + strings.Repeat("a", 200), "dead/{id}", strings.Repeat("a", 200)},
		{under, "/api/destinations/a.b_c-1/pause", "destinations/{name}/pause", "a.b_c-1"},
		{under, "/api/destinations/n%38n/pause", "destinations/{name}/pause", "n8n"},
		{under, "/api/destinations/a%2Fb/pause", "", ""},
		{under, "/api/destinations//pause", "", ""},
		{under, "/api/Destinations", "", ""},
		{under, "/api/destinations/", "", ""},
		{under, "/api//destinations", "", ""},
		{under, "/api/x/destinations", "", ""},
		{under, "/api/../api/destinations", "", ""},
		{under, "/api/dead%2Freplay", "", ""},
		{under, "/api/dead/", "", ""},
		{under, "/destinations", "", ""},
		{under, "/v2/destinations", "", ""},
		{under, "/api", "", ""},
		{under, "/", "", ""},
		{[]string{""}, "/ads", "ads", ""},
		{[]string{""}, "/api/ads", "", ""},
		{nil, "/ads", "ads", ""},
		{nil, "/any/where/ads", "ads", ""},
		{nil, "/any/dead/ads", "dead/{id}", "ads"},
		{nil, "/any/contacts", "", ""},
	} {
		s := &Server{Below: c.below}
		r := httptest.NewRequest(http.MethodGet, "http://edge"+c.path, nil)
		f, err := s.find(r)
		if (err != nil) != (c.route == "") || err == nil && (f.route.Path != c.route || f.name != c.name) {
			t.Errorf("%q %s: %+v %v, want %s of %q", c.below, c.path, f.route, err, c.route, c.name)
		}
	}
}

// FuzzFind: whatever a path is, a name in it is one segment, and without it the path is
// the route's.
func FuzzFind(f *testing.F) {
	for _, path := range []string{"/api/dead/x", "/api/destinations/n8n/pause", "/api/%2e%2e/ads", "//api/dead", "/api/dead/%2f"} {
		f.Add(path)
	}
	s := &Server{Below: []string{"/api"}}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		got, err := s.find(&http.Request{URL: u})
		if err != nil {
			return
		}
		want := strings.NewReplacer("{name}", got.name, "{id}", got.name).Replace(got.route.Path)
		if _, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/"); rest != want {
			t.Errorf("%q is taken for %s of %q", path, got.route.Path, got.name)
		}
	})
}

// TestAway: what a store failed with is not the tenant's business, and a start is waited
// for.
func TestAway(t *testing.T) {
	starts := httperr.New(http.StatusServiceUnavailable, "the queue is still being opened at 10.0.0.5")
	s := &Server{Tenant: "acme", Logger: zap.NewNop(), Await: func(context.Context) error { return starts }}
	s.Secrets.Add("token")
	edge := &admin.Edge{Engines: func() []admin.Engine { return nil }, Config: func() (*admin.Config, error) {
		return nil, httperr.New(http.StatusServiceUnavailable, "the queue is not open: %w", errors.New("dial tcp 10.0.0.5:6379"))
	}}
	s.Edge = edge.Of("acme")
	ask := func() {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/dead", nil)
		r.Header.Set("Authorization", "Bearer token")
		s.ServeHTTP(w, r)
		var got map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got["error"] == "" || got["fix"] == "" {
			t.Errorf("%v in %s", err, w.Body)
		}
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "10.0.0.5") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	ask()
	s.Await = func(context.Context) error { return nil }
	ask()
}
