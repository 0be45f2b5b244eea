package caddymodule

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// Dashboard is the leadgate_dashboard directive: a page on what the edge does,
// for people whom Caddy has authenticated. It shows webhooks and
// acknowledgements over time, destinations, dead letters, ads and the last
// events, and it can pause, resume, replay and drop.
//
// The page needs no other server: it works offline.
type Dashboard struct {
	// Show the dashboard to everybody who can reach it, without a login. Only
	// for where something in front of Caddy asks for one. Default: false.
	InsecureSkipAuth bool `json:"insecure_skip_auth,omitempty"`

	app      *App
	recorder *recorder
	logger   *zap.Logger
}

//go:embed dashboard
var dashboardFiles embed.FS

// CaddyModule returns the Caddy module information.
func (Dashboard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_dashboard", New: func() caddy.Module { return new(Dashboard) }}
}

// Provision takes a reference to the recorder, which begins to record when the
// configuration starts.
func (d *Dashboard) Provision(ctx caddy.Context) error {
	d.logger = logger(ctx)
	app, err := ctx.App("leadgate")
	if err != nil {
		return err
	}
	d.app = app.(*App)
	if err := d.app.survey(ctx); err != nil {
		return err
	}
	if d.InsecureSkipAuth {
		d.logger.Warn("insecure_skip_auth: the dashboard is open to everybody who can reach it, with contacts' messages and the power to drop dead letters")
	}
	if d.recorder, err = acquireRecorder(); err != nil {
		return err
	}
	d.app.atStart = append(d.app.atStart, func() error { d.recorder.start(); return nil })
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

// forbidden is what somebody gets whom Caddy has not authenticated.
const forbidden = "This dashboard is for people whom Caddy has authenticated: put basic_auth, or another directive that asks for a login, on the same path. " +
	"If something in front of Caddy does that, write insecure_skip_auth into the leadgate_dashboard block."

// contentPolicy lets the page load nothing but its own files.
const contentPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers with the page, one of its files, or its API. What it is
// does not depend on where the dashboard is mounted: only on the path's end.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	header := w.Header()
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if to := missingSlash(r); to != "" {
		header.Set("Location", to)
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	if !d.InsecureSkipAuth && userOf(r) == "" {
		return plainText(w, http.StatusForbidden, forbidden)
	}
	if i := strings.LastIndex(r.URL.Path, "/api/"); i >= 0 {
		return d.serveAPI(w, r, r.URL.Path[i+len("/api/"):])
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		return plainText(w, http.StatusMethodNotAllowed, "The page is read with GET.")
	}
	dir, file := path.Split(r.URL.Path)
	switch {
	case strings.HasSuffix(dir, "/assets/"):
		return serveDashboardFile(w, r, "dashboard/assets/"+file)
	case file == "":
		return serveDashboardFile(w, r, "dashboard/index.html")
	}
	return plainText(w, http.StatusNotFound, "The dashboard has no such page.")
}

// missingSlash is where the page lies if it was asked for without the slash at
// its end, "" if it was not: its links are relative. It is asked of the path that
// the browser knows, of which handle_path may have cut off a part. The answer is
// relative itself, so that //host/x leads nowhere else; and it comes before the
// login, which usually covers /leadgate/* alone, and says nothing about anything.
func missingSlash(r *http.Request) string {
	asked := r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		asked = original.URL
	}
	dir, file := path.Split(asked.Path)
	if r.Method != http.MethodGet && r.Method != http.MethodHead || file == "" || strings.Contains(file, ".") ||
		strings.Contains(r.URL.Path, "/api/") || strings.HasSuffix(dir, "/assets/") {
		return ""
	}
	return "./" + url.PathEscape(file) + "/"
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

func serveDashboardFile(w http.ResponseWriter, r *http.Request, name string) error {
	if info, err := fs.Stat(dashboardFiles, name); err != nil || info.IsDir() {
		return plainText(w, http.StatusNotFound, "The dashboard has no such file.")
	}
	// Not its own path: ServeFileFS redirects from */index.html.
	http.ServeFileFS(w, withPath(r, "/file"), dashboardFiles, name)
	return nil
}

// withPath is the request, for a handler that expects another path.
func withPath(r *http.Request, path string) *http.Request {
	other := new(http.Request)
	*other = *r
	other.URL = new(url.URL)
	*other.URL = *r.URL
	other.URL.Path, other.URL.RawPath = path, ""
	return other
}

func plainText(w http.ResponseWriter, status int, sentence string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(sentence + "\n"))
	return nil
}

var (
	_ caddy.Provisioner           = (*Dashboard)(nil)
	_ caddy.CleanerUpper          = (*Dashboard)(nil)
	_ caddyhttp.MiddlewareHandler = (*Dashboard)(nil)
)
