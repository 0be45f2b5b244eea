package links

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/metrics"
)

// Link is one link of a tenant.
type Link struct {
	Name string // in lower case
	To   Target
	Text string // what the visitor sends, with Placeholder; of WhatsApp alone
	Page bool   // a page with a button, instead of a redirect
}

// longURL is what all apps take, in bytes.
const longURL = 2000

// Check says what is wrong with a link whose target is right.
func (l *Link) Check() error {
	switch {
	case !utf8.ValidString(l.Text):
		return errors.New("the text is no UTF-8: save the file as such")
	case l.To.InText() && strings.TrimSpace(l.Text) == "":
		return errors.New("it has no text, in which the code would come: write `text \"Ref {code}. Hi! I would like to know more\"`")
	case l.To.InText() && !strings.Contains(l.Text, Placeholder):
		return errors.New("its text has no {code}, where the code would come: write `text \"Ref {code}. Hi! I would like to know more\"`")
	}
	return nil
}

// Warnings are what need not be meant.
func (l *Link) Warnings() (list []string) {
	if l.Text != "" && !l.To.InText() {
		list = append(list, "the link's text is not used: only WhatsApp takes one, "+l.To.Kind+" takes the code beside it")
	}
	if len(l.To.url(l.Text, linkcode.Format(strings.Repeat("0", linkcode.Len)))) > longURL {
		list = append(list, "the link's text makes an address of over 2000 bytes, which some apps cut: write a shorter one")
	}
	return list
}

// Server answers the visits of one tenant's links. Its fields are set before the first
// one, and not changed.
type Server struct {
	Tenant string
	Links  map[string]*Link // by their names
	Params []string         // what is kept of the query beside what is kept anyway
	Claim  time.Duration    // how long a click's code waits for its first contact

	// Open is the store, until done; ctx is of the wait for it.
	Open   func(ctx context.Context) (q Store, done func(), err error)
	Limits *Limits
	Client func(*http.Request) string                // the visitor's address
	Origin func(*http.Request) (scheme, host string) // as the visitor's browser knows it
	Now    func() time.Time
	Logger *zap.Logger

	Visited func(link string) // is told of each visit that gets a code

	asking  asking
	sayings sayings
}

// What becomes of a request, as it is counted.
const (
	outcomeClick    = "click"    // a click's first visit
	outcomeRepeat   = "repeat"   // the same click again
	outcomeCampaign = "campaign" // campaign parameters alone
	outcomePlain    = "plain"    // no parameters
	outcomeBot      = "bot"      // nobody: no code
	outcomePrefetch = "prefetch" // refused
	outcomeLimited  = "limited"  // too many: no code of its own
	outcomeUnstored = "unstored" // the store did not take it in time: no code
	outcomeUnknown  = "unknown"  // no such link
)

// Prepare counts nothing yet of what alerts watch, so that they see the first one.
func (s *Server) Prepare() {
	for name := range s.Links {
		for _, outcome := range []string{outcomeLimited, outcomeUnstored} {
			metrics.LinkRequests(s.Tenant, name, outcome, 0)
		}
	}
}

// ServeHTTP leads a visitor on to the chat.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the next request is to another company
	h.Set("X-Robots-Tag", "noindex")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	link, printed := s.find(r.URL.Path)
	if link == nil {
		s.count("", outcomeUnknown)
		http.Error(w, "There is no such link.", http.StatusNotFound)
		return
	}
	if isPrefetch(r.Header) {
		s.count(link.Name, outcomePrefetch)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	code, outcome := "", outcomeBot
	if r.Method == http.MethodGet && !isBot(r.Header) {
		code, outcome = s.code(r, link, printed)
	}
	s.count(link.Name, outcome)
	if code != "" {
		s.Visited(link.Name)
	}
	link.lead(w, linkcode.Format(code))
}

func (s *Server) count(link, outcome string) { metrics.LinkRequests(s.Tenant, link, outcome, 1) }

// find is the link that a path ends in, in any case, nil for none; printed reports
// whether the path is that of its QR code, which goes on with /Q.
func (s *Server) find(path string) (link *Link, printed bool) {
	before, name := lastSegment(strings.TrimSuffix(strings.ToLower(path), "/"))
	if name == "q" {
		if _, name := lastSegment(before); s.Links[name] != nil {
			return s.Links[name], true
		}
	}
	return s.Links[name], false
}

func lastSegment(path string) (before, last string) {
	at := strings.LastIndexByte(path, '/')
	return path[:max(at, 0)], path[at+1:]
}

// lead answers with the chat: a redirect that no browser remembers, or the page.
func (l *Link) lead(w http.ResponseWriter, code string) {
	if l.Page && l.page(w, code) == nil {
		return
	}
	w.Header().Set("Location", l.To.url(l.Text, code))
	w.Header().Set("Content-Length", "0") // for HEAD, too
	w.WriteHeader(http.StatusFound)
}
