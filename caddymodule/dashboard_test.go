package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/normalize"
)

// dashboardLogin is anna with the password `correct horse`, as bcrypt at the
// least cost.
const dashboardLogin = "basic_auth /leadgate/* {\n\t\tanna $2a$04$JFdgowMdYKm8Rg1p9yfoEeWj2tpE4WCWWYEZxdPXrsmPiHBkhes2a\n\t}\n"

// dashboardSite is a site with a dashboard at /leadgate/ for anna.
func dashboardSite(block string) string { return dashboardSiteWith(block, dashboardLogin, "") }

func dashboardSiteWith(block, login, options string) string {
	return strings.Replace(site(block), "\trespond ", "\t"+login+"\tleadgate_dashboard /leadgate* {\n\t\t"+options+"\n\t}\n\trespond ", 1)
}

func asAnna(r *http.Request) { r.SetBasicAuth("anna", "correct horse") }

// fromPage makes a request that the dashboard's own page would make.
func fromPage(r *http.Request) {
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Leadgate-Dashboard", "1")
	r.Header.Set("Content-Type", "application/json")
}

// dashboard asks the dashboard as anna.
func (e *edge) dashboard(method, path, body string, edit ...func(*http.Request)) (*http.Response, string) {
	e.t.Helper()
	req, err := http.NewRequest(method, e.url("/leadgate/"+path), strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	asAnna(req)
	for _, f := range edit {
		f(req)
	}
	return e.do(req)
}

// ask asks the dashboard's API, which must answer 200, for JSON.
func (e *edge) ask(path string, into any) {
	e.t.Helper()
	resp, body := e.dashboard("GET", "api/"+path, "")
	if resp.StatusCode != http.StatusOK {
		e.t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		e.t.Fatalf("%s: %v in %s", path, err, body)
	}
}

type overviewAnswer struct {
	User, Problem string
	Window        struct{ Since, Accepted, Refused int64 }
	Destinations  []struct {
		Name, State, Reason string
		Backlog, Dead       int
	}
	Tenants []string
}

func (e *edge) overview() (o overviewAnswer) {
	e.t.Helper()
	e.ask("overview", &o)
	return o
}

func TestDashboardNeedsAuthentication(t *testing.T) {
	forward := "forward http://127.0.0.1:9/"
	e := startEdge(t, dashboardSiteWith(forward, "", ""))
	for _, path := range []string{"/leadgate/", "/leadgate/assets/main.js", "/leadgate/api/overview", "/leadgate/api/dead"} {
		req, _ := http.NewRequest("GET", e.url(path), nil)
		asAnna(req) // a header alone is no authentication
		resp, body := e.do(req)
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "basic_auth") {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
	req, _ := http.NewRequest("POST", e.url("/leadgate/api/destinations/default-127.0.0.1-9/pause"), nil)
	fromPage(req)
	if resp, _ := e.do(req); resp.StatusCode != http.StatusForbidden {
		t.Errorf("pausing without authentication: %d", resp.StatusCode)
	}

	if err := e.load(dashboardSiteWith(forward, "", "insecure_skip_auth")); err != nil {
		t.Fatal(err)
	}
	req, _ = http.NewRequest("GET", e.url("/leadgate/"), nil)
	if resp, body := e.do(req); resp.StatusCode != http.StatusOK || !strings.Contains(body, "<title>Leadgate</title>") {
		t.Errorf("insecure_skip_auth: %d", resp.StatusCode)
	}

	if err := e.load(dashboardSite(forward)); err != nil {
		t.Fatal(err)
	}
	if resp, _ := e.do(req.Clone(t.Context())); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a password: %d", resp.StatusCode)
	}
	if resp, _ := e.dashboard("GET", "", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("with the password: %d", resp.StatusCode)
	}
	if o := e.overview(); o.User != "anna" || o.Problem != "" || len(o.Destinations) != 1 || len(o.Tenants) != 1 || o.Window.Since == 0 {
		t.Errorf("overview: %+v", o)
	}
}

func TestDashboardFiles(t *testing.T) {
	e := startEdge(t, dashboardSite("forward http://127.0.0.1:9/"))
	for path, want := range map[string]string{
		"": "text/html", "assets/main.js": "text/javascript", "assets/style.css": "text/css", "assets/icon.svg": "image/svg+xml",
		"assets/uplot.js": "text/javascript", "assets/uplot.LICENSE.txt": "text/plain", "api/overview": "application/json",
	} {
		resp, _ := e.dashboard("GET", path, "")
		h := resp.Header
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(h.Get("Content-Type"), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, h.Get("Content-Type"))
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers: %v", path, h)
		}
	}
	for path, want := range map[string]int{
		"assets/nothing.js": 404, "assets/": 404, "index.php": 404, "api/nothing": 404, "api/traffic?range=week": 400,
		"api/events?after=x": 400, "api/dead?after=x": 400,
	} {
		if resp, body := e.dashboard("GET", path, ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", path, resp.StatusCode, want, body)
		}
	}
	if resp, _ := e.dashboard("PUT", "", ""); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", resp.StatusCode)
	}
	// The links are relative, so that the page needs its slash; and the answer
	// must not lead to another host.
	req, _ := http.NewRequest("GET", e.url("/leadgate"), nil)
	asAnna(req)
	req.URL.Path = "/leadgate//evil.example"
	if resp, _ := e.do(req); resp.StatusCode == http.StatusPermanentRedirect && !strings.HasPrefix(resp.Header.Get("Location"), "./") {
		t.Errorf("redirect to %s", resp.Header.Get("Location"))
	}
}

// TestDashboardWithoutSlash finds the page at the address that people type,
// whatever the matcher, and before the login, which does not cover it.
func TestDashboardWithoutSlash(t *testing.T) {
	const dashboard = "leadgate_dashboard /leadgate* {\n\t\t\n\t}\n"
	for name, c := range map[string]struct{ login, block, path, to string }{
		"star":        {"/leadgate/*", "leadgate_dashboard /leadgate*\n", "/leadgate", "./leadgate/"},
		"slash, star": {"/leadgate/*", "leadgate_dashboard /leadgate/*\n", "/leadgate", "./leadgate/"},
		"named":       {"@page", "@page path /x/* /ops/leadgate/*\n\tleadgate_dashboard @page\n", "/ops/leadgate", "./leadgate/"},
		"named, method": {"/leadgate/*", "@page {\n\t\tmethod GET POST\n\t\tpath /leadgate/*\n\t}\n\tleadgate_dashboard @page\n", "/leadgate",
			"./leadgate/"},
		"handle_path": {"/none", "handle_path /ops/leadgate* {\n\t\t" + strings.Replace(dashboardLogin, "/leadgate/*", "/*",
			1) + "\t\tleadgate_dashboard\n\t}\n", "/ops/leadgate", "./leadgate/"},
		"handle":   {"/none", "handle /leadgate* {\n\t\t" + dashboardLogin + "\t\tleadgate_dashboard\n\t}\n", "/leadgate", "./leadgate/"},
		"any path": {"/leadgate/*", "leadgate_dashboard\n", "/leadgate", "./leadgate/"},
	} {
		t.Run(name, func(t *testing.T) {
			config := dashboardSiteWith("forward http://127.0.0.1:9/", strings.Replace(dashboardLogin, "/leadgate/*", c.login, 1), "")
			if !strings.Contains(config, dashboard) {
				t.Fatal(config)
			}
			config = strings.Replace(config, dashboard, c.block, 1)
			if i := strings.Index(c.block, "\tleadgate_dashboard @"); i >= 0 { // the login needs the matcher, too
				config = strings.Replace(strings.Replace(config, c.block, c.block[i:], 1), "basic_auth", c.block[:i]+"basic_auth", 1)
			}
			e := startEdge(t, config)
			get := func(path string) *http.Response {
				req, _ := http.NewRequest("GET", e.url(path), nil)
				asAnna(req)
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return resp
			}
			if resp := get(c.path); resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != c.to {
				t.Errorf("%s: %d %s", c.path, resp.StatusCode, resp.Header.Get("Location"))
			}
			for _, path := range []string{"/", "/assets/main.js", "/api/overview"} {
				if resp := get(c.path + path); resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %d", path, resp.StatusCode)
				}
			}
		})
	}
}

// TestDashboardForgery refuses whatever a foreign page could make a browser send.
func TestDashboardForgery(t *testing.T) {
	e := startEdge(t, dashboardSite("forward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}"))
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	own := fmt.Sprintf("http://127.0.0.1:%d", e.port)
	header := set("Leadgate-Dashboard", "1")
	for name, c := range map[string]struct {
		edit []func(*http.Request)
		want int
	}{
		"nothing":                  {nil, 403},
		"header alone":             {[]func(*http.Request){header}, 403},
		"same origin, no header":   {[]func(*http.Request){set("Sec-Fetch-Site", "same-origin")}, 403},
		"cross-site":               {[]func(*http.Request){header, set("Sec-Fetch-Site", "cross-site")}, 403},
		"same site":                {[]func(*http.Request){header, set("Sec-Fetch-Site", "same-site")}, 403},
		"typed":                    {[]func(*http.Request){header, set("Sec-Fetch-Site", "none")}, 403},
		"foreign origin":           {[]func(*http.Request){header, set("Origin", "https://evil.example")}, 403},
		"null origin":              {[]func(*http.Request){header, set("Origin", "null")}, 403},
		"own origin, but embedded": {[]func(*http.Request){header, set("Origin", own), set("Sec-Fetch-Site", "cross-site")}, 403},
		"own origin, no header":    {[]func(*http.Request){set("Origin", own)}, 403},
		"own origin":               {[]func(*http.Request){header, set("Origin", own)}, 200},
		"the page":                 {[]func(*http.Request){fromPage}, 200},
	} {
		resp, body := e.dashboard("POST", "api/destinations/crm/pause", "{}", c.edit...)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d: %s", name, resp.StatusCode, c.want, body)
		}
		want := "running"
		if c.want == 200 {
			want = "paused"
		}
		waitFor(t, name+": "+want, func() bool { return e.overview().Destinations[0].State == want })
		if c.want == 200 {
			e.dashboard("POST", "api/destinations/crm/resume", "{}", fromPage)
			waitFor(t, "running again", func() bool { return e.overview().Destinations[0].State == "running" })
		}
	}
	// GET does nothing, and only what the page offers can be done.
	if resp, _ := e.dashboard("GET", "api/destinations/crm/pause", "", fromPage); resp.StatusCode != http.StatusNotFound {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	for _, what := range []string{"destinations/crm/drop", "destinations/crm/move", "destinations/crm", "contacts/erase",
		"destinations/../contacts/pause", "dead", "dead/replay/x", "overview"} {
		if resp, _ := e.dashboard("POST", "api/"+what, "{}", fromPage); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", what, resp.StatusCode)
		}
	}
	resp, body := e.dashboard("POST", "api/destinations/nobody/pause", "{}", fromPage)
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(body, `"error":"there is no destination nobody; there is crm"`) {
		t.Errorf("an unknown destination: %d %s", resp.StatusCode, body)
	}
}

func TestDashboardDeadLetters(t *testing.T) {
	s := newSink(t)
	s.status = func(delivered) int { return http.StatusUnprocessableEntity }
	e := startEdge(t, dashboardSite("forward "+s.URL+" {\n\t\t\tname crm\n\t\t}"))
	const n = dashboard.DeadPage + 5
	for i := range n {
		e.post("/webhooks/meta", message(fmt.Sprintf("wamid.%d", i), "15551234567", "x"))
	}
	waitFor(t, "dead letters", func() bool { return e.overview().Destinations[0].Dead == n })
	var first, second, one deadPage
	e.ask("dead", &first)
	if len(first.Dead) != dashboard.DeadPage || first.Next == nil || first.Dead[0].Code != "422" || first.Dead[0].Explanation == "" {
		t.Fatalf("first page: %d, %+v", len(first.Dead), first.Dead[0])
	}
	if string(first.Dead[0].Event) != "null" {
		t.Errorf("a list carries events: %s", first.Dead[0].Event)
	}
	e.ask("dead?destination=crm&after="+*first.Next, &second)
	if len(second.Dead) != 5 || second.Next != nil {
		t.Fatalf("second page: %d", len(second.Dead))
	}
	e.ask("dead?reason=nothing", &one)
	if len(one.Dead) != 0 {
		t.Error("a reason that nothing has found something")
	}
	e.ask("dead?id="+second.Dead[4].ID, &one)
	if len(one.Dead) != 1 || one.Dead[0].ID != second.Dead[4].ID || !strings.Contains(string(one.Dead[0].Event), "1555…67") ||
		strings.Contains(string(one.Dead[0].Event), "15551234567") {
		t.Fatalf("one: %+v", one)
	}

	for range n {
		s.next(t)
	}
	s.mu.Lock()
	s.status = nil
	s.mu.Unlock()
	resp, body := e.dashboard("POST", "api/dead/replay", fmt.Sprintf(`{"destination":"crm","ids":[%q]}`, first.Dead[0].ID), fromPage)
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(body) != `{"count":1}` {
		t.Fatalf("replay: %d %s", resp.StatusCode, body)
	}
	if got := s.next(t); got.header.Get("Leadgate-Event-Id") != first.Dead[0].EventID {
		t.Errorf("replayed %s", got.body)
	}
	if resp, body = e.dashboard("POST", "api/dead/drop", `{"destination":"crm"}`, fromPage); resp.StatusCode != http.StatusBadRequest ||
		!strings.Contains(body, "error") {
		t.Errorf("drop of nothing: %d %s", resp.StatusCode, body)
	}
	if resp, body = e.dashboard("POST", "api/dead/drop", `{"destination":"crm","all":true}`,
		fromPage); strings.TrimSpace(body) != fmt.Sprintf(`{"count":%d}`, n-1) {
		t.Errorf("drop: %d %s", resp.StatusCode, body)
	}
}

// TestDashboardTraffic counts real webhooks, over a reload.
func TestDashboardTraffic(t *testing.T) {
	s := newSink(t)
	config := dashboardSite("forward " + s.URL)
	e := startEdge(t, config)
	since := e.overview().Window.Since
	e.post("/webhooks/meta", message("wamid.1", "15551234567", "x"))
	e.post("/webhooks/meta", message("wamid.2", "15551234567", "x"), func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", "sha256=00")
	})
	s.next(t)
	if err := e.load(config + "\n# again"); err != nil {
		t.Fatal(err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // a POST is not tried again on one that the reload closed
	e.post("/webhooks/meta", message("wamid.3", "15551234567", "x"))
	if w := e.overview().Window; w.Since != since || w.Accepted != 2 || w.Refused != 1 {
		t.Errorf("window: %+v, since %d", w, since)
	}
	if !dashboard.Recording() {
		t.Error("nothing records")
	}
	if err := e.load(site("forward " + s.URL)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the recorder's end", func() bool { return !dashboard.Recording() })
}

func TestDashboardMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"leadgate_dashboard /x {\n\t\tinsecure\n\t}": "leadgate_dashboard has no option 'insecure': write one of " +
			"tenant, read_only, insecure_skip_auth",
		"leadgate_dashboard /x {\n\t\tinsecure_skip_auth please\n\t}": "takes nothing behind it",
		"leadgate_dashboard /x y":                                     "takes nothing behind it",
		"leadgate_dashboard x/*":                                      "leadgate_dashboard: a path begins with a slash: write /x/*",
	} {
		err := validate(t, strings.Replace(site("forward http://127.0.0.1:9/"), "\trespond ", "\t"+text+"\n\trespond ", 1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestDashboardWithoutQueue shows that a dashboard without a leadgate block that
// queues says so, and does not fail.
func TestDashboardWithoutQueue(t *testing.T) {
	e := startEdge(t, dashboardSite(""))
	if o := e.overview(); o.Problem == "" || len(o.Destinations) != 0 {
		t.Errorf("%+v", o)
	}
	if resp, body := e.dashboard("GET", "api/dead", ""); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, `"error"`) {
		t.Errorf("dead: %d %s", resp.StatusCode, body)
	}
}

func TestDashboardEvents(t *testing.T) {
	e := startEdge(t, dashboardSite("tenant acme\nforward http://127.0.0.1:9/"))
	provider, err := newProvider("meta")
	if err != nil {
		t.Fatal(err)
	}
	for i := range dashboard.KeptEvents + 3 {
		var batch normalize.Batch
		if err := provider.Normalize(nil, message(fmt.Sprintf("wamid.%d", i), "15551234567", fmt.Sprint("number ", i)), 1736535600000,
			&batch); err != nil {
			t.Fatal(err)
		}
		batch.Events[0].SetTenant("acme")
		dashboard.RecordEvent(&batch.Events[0])
	}
	var answer struct {
		Since, Kept int64
		Events      []struct {
			Seq   int64
			Event struct {
				TenantID, WaPhone string
				Message           struct{ Text string }
			}
		}
	}
	e.ask("events", &answer)
	first := answer.Events[0]
	if len(answer.Events) != dashboard.KeptEvents || answer.Kept != dashboard.KeptEvents || answer.Since == 0 ||
		first.Event.Message.Text != fmt.Sprint("number ", dashboard.KeptEvents+2) ||
		first.Event.TenantID != "acme" || first.Event.WaPhone != "+1555…67" {
		t.Fatalf("%d events, first %+v", len(answer.Events), first)
	}
	e.ask(fmt.Sprint("events?after=", first.Seq-2), &answer)
	if len(answer.Events) != 2 {
		t.Errorf("%d events are newer", len(answer.Events))
	}
}
