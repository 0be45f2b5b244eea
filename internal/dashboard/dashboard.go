// Package dashboard is a page on what the edge does, and its API: webhooks and
// acknowledgements over time, destinations, dead letters, ads and the last events;
// and it can pause, resume, replay and drop. The page's own files are in the folder
// page.
//
// [Page] serves all of it; what the admin API can do is done by the same package
// admin. A [Recorder] remembers what the page shows of the past, fed by metrics and,
// where events are new, by [RecordEvent]; shorten.go keeps phone numbers out of it.
//
// It imports admin, intake, delivery, queue and metrics; no Caddy.
package dashboard

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/admin"
)

//go:embed page
var files embed.FS

// Page serves the page, its files and its API. Its fields are set before the
// first request, and not changed.
type Page struct {
	Edge     *admin.Edge
	Recorder *Recorder
	Version  string // Leadgate's
	// Tenant is whose page it is: Edge is of that tenant alone, and so are the events.
	// "" for the operator's, which has all.
	Tenant string
	// ReadOnly is whether it can do nothing.
	ReadOnly bool
	// InsecureSkipAuth is whether it is shown to everybody who can reach it.
	InsecureSkipAuth bool
	// User is who is asking, "" for somebody who has not logged in.
	User func(*http.Request) string
	// Asked is the URL that the browser knows, of which r.URL may be a part.
	Asked  func(*http.Request) *url.URL
	Now    func() time.Time
	Logger *zap.Logger
}

// forbidden is what somebody gets whom Caddy has not authenticated.
const forbidden = "This dashboard is for people whom Caddy has authenticated: " +
	"put basic_auth, or another directive that asks for a login, on the same path. " +
	"If something in front of Caddy does that, write insecure_skip_auth into the leadgate_dashboard block."

// contentPolicy lets the page load nothing but its own files.
const contentPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers with the page, one of its files, or its API. What it is
// does not depend on where the dashboard is mounted: only on the path's end.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if to := p.missingSlash(r); to != "" {
		header.Set("Location", to)
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	if !p.InsecureSkipAuth && p.User(r) == "" {
		plainText(w, http.StatusForbidden, forbidden)
		return
	}
	if i := strings.LastIndex(r.URL.Path, "/api/"); i >= 0 {
		p.serveAPI(w, r, r.URL.Path[i+len("/api/"):])
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		plainText(w, http.StatusMethodNotAllowed, "The page is read with GET.")
		return
	}
	dir, file := path.Split(r.URL.Path)
	switch {
	case strings.HasSuffix(dir, "/assets/"):
		serveFile(w, r, "page/assets/"+file)
	case file == "":
		p.serveIndex(w)
	default:
		plainText(w, http.StatusNotFound, "The dashboard has no such page.")
	}
}

// missingSlash is where the page lies if it was asked for without the slash at
// its end, "" if it was not: its links are relative. It is asked of the path that
// the browser knows, of which handle_path may have cut off a part. The answer is
// relative itself, so that //host/x leads nowhere else; and it comes before the
// login, which usually covers /leadgate/* alone, and says nothing about anything.
func (p *Page) missingSlash(r *http.Request) string {
	dir, file := path.Split(p.Asked(r).Path)
	if r.Method != http.MethodGet && r.Method != http.MethodHead || file == "" || strings.Contains(file, ".") ||
		strings.Contains(r.URL.Path, "/api/") || strings.HasSuffix(dir, "/assets/") {
		return ""
	}
	return "./" + url.PathEscape(file) + "/"
}

// serveIndex answers with the page itself, and what of it is not for who asks left out.
func (p *Page) serveIndex(w http.ResponseWriter) {
	page, err := files.ReadFile("page/index.html")
	if err != nil {
		p.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	classes := ""
	if p.Tenant != "" {
		classes += " of-tenant"
	}
	if p.ReadOnly {
		classes += " read-only"
	}
	for line := range bytes.Lines(page) {
		if p.ReadOnly && bytes.Contains(line, []byte("data-action")) {
			continue
		}
		if string(line) == "<body>\n" && classes != "" {
			line = []byte(`<body class="` + classes[1:] + "\">\n")
		}
		_, _ = w.Write(line)
	}
}

func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	if info, err := fs.Stat(files, name); err != nil || info.IsDir() {
		plainText(w, http.StatusNotFound, "The dashboard has no such file.")
		return
	}
	// Not its own path: ServeFileFS redirects from */index.html.
	http.ServeFileFS(w, withPath(r, "/file"), files, name)
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

func plainText(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(sentence + "\n"))
}
