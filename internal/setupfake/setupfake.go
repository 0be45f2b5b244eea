// Package setupfake answers as Meta's Graph API does where an app is set up: tokens and what
// they may, WhatsApp accounts and Pages and the apps that are subscribed to them, datasets, and
// the webhooks of an app, whose address it asks for the challenge as Meta does. It is for
// rehearsals and tests, shares no code with what asks, and takes less than Meta does. Begin at
// [Server].
//
// Sources: Meta's business SDK for Python (24 Jun 2026), "Subscribe to webhooks" and "Managing
// webhooks" (21 May 2026).
package setupfake

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// App is the app that is set up.
type App struct{ ID, Name, Secret string }

// Token is an access token of the app.
type Token struct {
	App        string              // whose it is; "": the server's
	Type       string              // USER, SYSTEM_USER, PAGE
	Scopes     []string            // what it may
	Targets    map[string][]string // of a scope the ids that it is for; none: all
	ExpiresAt  time.Time           // zero: never
	DataAccess time.Time           // zero: never ends
	Page       string              // of a Page's token
}

// WABA is a WhatsApp Business Account.
type WABA struct {
	ID      string
	Numbers []string          // ids of its numbers
	Apps    map[string]string // the apps that are subscribed, with their override_callback_uri
	Dataset string            // "": none yet
}

// Page is a Facebook Page.
type Page struct {
	ID, Name, Token string
	Fields          map[string][]string // of each app that is installed
	Dataset         string
}

// Subscription is what an app gets of an object.
type Subscription struct {
	CallbackURL string
	Active      bool
	Fields      []string
}

// Refusal is an error of the Graph API.
type Refusal = graphfake.Refusal

// Server is the fake. Set its fields before the first request; it is safe for concurrent use
// from then on.
type Server struct {
	Next   http.Handler                 // what is not about setting up; nil: an error of the Graph API
	App    App                          // Secret "": any is right
	Tokens map[string]*Token            // nil: any token is a system user's that may everything
	Now    func() time.Time             // nil: time.Now
	Refuse func(*http.Request) *Refusal // asked first; nil: as Meta would have it
	// MostOfList is how much of a list stands in one answer at most; 0: as much as is asked for, or 25.
	MostOfList int
	// Changed is told what was changed; nil: nobody is.
	Changed func(what string)

	mu            sync.Mutex
	wabas         []*WABA
	pages         []*Page
	instagrams    map[string]string        // the dataset of each account
	subscriptions map[string]*Subscription // by object
	writes        []string                 // every request that may change something
}

// AddWABA adds an account.
func (s *Server) AddWABA(w *WABA) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.Apps == nil {
		w.Apps = make(map[string]string)
	}
	s.wabas = append(s.wabas, w)
}

// AddPage adds a Page.
func (s *Server) AddPage(p *Page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Fields == nil {
		p.Fields = make(map[string][]string)
	}
	s.pages = append(s.pages, p)
}

// AddInstagram adds an account, and its dataset if it has one.
func (s *Server) AddInstagram(id, dataset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instagrams == nil {
		s.instagrams = make(map[string]string)
	}
	s.instagrams[id] = dataset
}

// Subscribe sets what the app gets of an object, without asking for the challenge.
func (s *Server) Subscribe(object string, sub Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscriptions == nil {
		s.subscriptions = make(map[string]*Subscription)
	}
	s.subscriptions[object] = &sub
}

// Subscribed is what the app gets of an object.
func (s *Server) Subscribed(object string) Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subscriptions[object]; sub != nil {
		return Subscription{sub.CallbackURL, sub.Active, slices.Clone(sub.Fields)}
	}
	return Subscription{}
}

// PageFields are those of a Page that an app gets.
func (s *Server) PageFields(page, app string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.page(page); p != nil {
		return slices.Clone(p.Fields[app])
	}
	return nil
}

// Override is the override_callback_uri of an app at an account; ok is whether it is subscribed.
func (s *Server) Override(waba, app string) (uri string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waba(waba); w != nil {
		uri, ok = w.Apps[app]
	}
	return uri, ok
}

// Writes are the requests so far that may change something: "POST /1/subscribed_apps".
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}
