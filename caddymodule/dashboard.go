package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/internal/metrics"
)

// Dashboard is the leadgate_dashboard directive: a page on what the edge does,
// for people whom Caddy has authenticated. It shows webhooks and
// acknowledgements over time, destinations, dead letters, ads and the last
// events, and it can pause, resume, replay and drop.
//
// The page needs no other server: it works offline.
type Dashboard struct {
	// Whose page it is, a tenant of a leadgate block: it shows that tenant's
	// destinations, dead letters, ads and events, and nothing of any other, of the
	// edge or of its queue. Default: the operator's page, which shows all.
	Tenant string `json:"tenant,omitempty"`

	// Show, and do nothing: no pause, no resume, no replay, no drop. Default: false.
	ReadOnly bool `json:"read_only,omitempty"`

	// Show the dashboard to everybody who can reach it, without a login. Only
	// for where something in front of Caddy asks for one. Default: false.
	InsecureSkipAuth bool `json:"insecure_skip_auth,omitempty"`

	page     dashboard.Page
	recorder *recorder
}

// CaddyModule returns the Caddy module information.
func (Dashboard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_dashboard", New: func() caddy.Module { return new(Dashboard) }}
}

// Provision takes a reference to the recorder, which begins to record when the
// configuration starts.
func (d *Dashboard) Provision(ctx caddy.Context) error {
	a, err := surveyedApp(ctx)
	if err != nil {
		return err
	}
	edge := adminEdge
	if d.Tenant != "" {
		if err := a.sites.KnowsTenant("leadgate_dashboard", d.Tenant, false); err != nil {
			return err
		}
		edge = adminEdge.Of(d.Tenant)
	}
	d.page = dashboard.Page{
		Edge: edge, Version: Version(), Tenant: d.Tenant, ReadOnly: d.ReadOnly, InsecureSkipAuth: d.InsecureSkipAuth,
		User: userOf, Asked: askedURL, Now: a.now, Logger: logger(ctx),
	}
	if d.InsecureSkipAuth {
		power := " and the power to drop dead letters"
		if d.ReadOnly {
			power = ""
		}
		d.page.Logger.Warn("insecure_skip_auth: the dashboard is open to everybody who can reach it, with contacts' messages" + power)
	}
	if d.recorder, err = acquireRecorder(); err != nil {
		return err
	}
	d.page.Recorder = d.recorder.Recorder
	if d.Tenant != "" {
		d.page.Recorder.Keep(d.Tenant)
	}
	a.atStart = append(a.atStart, func() error { d.page.Recorder.Start(); return nil })
	return nil
}

// Cleanup releases the recorder; the last release ends it.
func (d *Dashboard) Cleanup() error {
	if d.recorder == nil {
		return nil
	}
	d.recorder = nil
	return releaseRecorder()
}

// ServeHTTP answers with the page, one of its files, or its API.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	d.page.ServeHTTP(w, r)
	return nil
}

// userOf is who Caddy says is asking, "" for nobody.
func userOf(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	user, _ := repl.GetString("http.auth.user.id")
	return user
}

// askedURL is the URL that the browser knows, of which handle_path may have cut
// off a part.
func askedURL(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		return original.URL
	}
	return r.URL
}

// recorder is the process's, which configurations share, so that a reload forgets
// nothing.
type recorder struct{ *dashboard.Recorder }

// Destruct implements caddy.Destructor.
func (r *recorder) Destruct() error {
	r.Close()
	return nil
}

var recorders = caddy.NewUsagePool()

func acquireRecorder() (*recorder, error) {
	value, _, err := recorders.LoadOrNew("recorder", func() (caddy.Destructor, error) {
		return &recorder{dashboard.NewRecorder(time.Now, metrics.NewTrafficReader().Read)}, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*recorder), nil
}

func releaseRecorder() error {
	_, err := recorders.Delete("recorder")
	return err
}

// parseDashboard makes the route: as for every handler, but that a path such as
// /leadgate/* also matches /leadgate, which people type, and which is answered
// with a redirect.
func parseDashboard(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matchers, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	if matchers, err = withoutSlash(matchers); err != nil {
		return nil, err
	}
	d := new(Dashboard)
	if err := d.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(matchers, d), nil
}

// withoutSlash adds to a matcher's paths those without the slash at their end. A
// named matcher is other directives' too, and stays as it is.
func withoutSlash(matchers caddy.ModuleMap) (caddy.ModuleMap, error) {
	raw, ok := matchers["path"]
	if !ok {
		return matchers, nil
	}
	var paths caddyhttp.MatchPath
	if err := json.Unmarshal(raw, &paths); err != nil {
		return nil, fmt.Errorf("reading path matcher: %w", err)
	}
	for _, path := range slices.Clip(paths) {
		bare, ok := strings.CutSuffix(path, "/*")
		if ok && bare != "" && !strings.Contains(bare, "*") && !slices.Contains(paths, bare) {
			paths = append(paths, bare)
		}
	}
	matchers = maps.Clone(matchers)
	matchers["path"] = caddyconfig.JSON(paths, nil)
	return matchers, nil
}

func dashboardOptions() options[Dashboard] {
	return options[Dashboard]{
		{name: "tenant", args: "<name>", at: func(d *Dashboard) value { return nameValue{&d.Tenant} }},
		{name: "read_only", many: true, at: func(d *Dashboard) value { return flagValue{&d.ReadOnly} }},
		{name: "insecure_skip_auth", many: true, at: func(d *Dashboard) value { return flagValue{&d.InsecureSkipAuth} }},
	}
}

// UnmarshalCaddyfile sets up the handler from `leadgate_dashboard [<matcher>] { … }`.
func (d *Dashboard) UnmarshalCaddyfile(disp *caddyfile.Dispenser) error {
	disp.Next()
	if err := noValue(disp); err != nil {
		return err
	}
	return dashboardOptions().parse(d, disp, "leadgate_dashboard", nil)
}

var (
	_ caddy.Provisioner           = (*Dashboard)(nil)
	_ caddy.CleanerUpper          = (*Dashboard)(nil)
	_ caddyhttp.MiddlewareHandler = (*Dashboard)(nil)
	_ caddyfile.Unmarshaler       = (*Dashboard)(nil)
)
