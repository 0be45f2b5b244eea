// Package leadfake answers as Meta's Graph API does where it is asked for lead ads: leads by
// id, forms, their leads page by page, test leads, and who has access. It is for rehearsals
// and tests, shares no code with what asks, and takes less than Meta does. Begin at [Server].
package leadfake

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// Field is a question's name and its answers.
type Field struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Lead is a form that somebody sent.
type Lead struct {
	ID, Form, Ad string
	Created      time.Time
	Fields       []Field
	Test         bool // may be deleted
}

// Form is an instant form of a Page.
type Form struct{ ID, Page, Name, Status string }

// Refusal is an error of the Graph API.
type Refusal = graphfake.Refusal

// Server is the fake. Set its fields before the first request; it is safe for concurrent use
// from then on.
type Server struct {
	Next   http.Handler                 // what is not about leads; nil: an error of the Graph API
	MakeUp func(id string) *Lead        // a lead that is not there; nil: 100/33
	NoAds  bool                         // the token has no rights to ads
	Now    func() time.Time             // nil: time.Now
	Refuse func(*http.Request) *Refusal // asked first; nil: as Meta would have it
	Post   func(*Lead, *Form)           // is told of a test lead, as Meta's webhook tells
	Access func(page string) Access     // nil: everybody has it
	Rate   Rate                         // zero: as many calls as one likes
	// PageToken is a Page's own token, which any other is changed for; "": there is no such Page.
	// nil: who asks for it is Next's.
	PageToken func(page string) string
	OwnAlone  bool // no token but the Page's own lists its forms, their leads and test leads

	mu    sync.Mutex
	token string // the one that is right; "" = any
	leads []*Lead
	forms []*Form
	asked map[string]int // GETs of a lead, by id
	calls int
	limit limit
}

// Access is what has_lead_access says.
type Access struct {
	Can                bool
	Reason, Resolution string
}

// SetToken makes a token the only one that is right.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Add adds leads, and forms that they name.
func (s *Server) Add(leads ...*Lead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leads = append(s.leads, leads...)
}

// Replace puts a lead in the place of the one of its id.
func (s *Server) Replace(lead *Lead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.leads {
		if l.ID == lead.ID {
			s.leads[i] = lead
		}
	}
}

// AddForm adds a form.
func (s *Server) AddForm(f *Form) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms = append(s.forms, f)
}

// Asked is how often a lead was asked for.
func (s *Server) Asked(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[id]
}

// Calls is how many requests about leads there were.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

var (
	nodePath = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/([^/]+)$`)
	edgePath = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/([^/]+)/(leadgen_forms|leads|test_leads)$`)
	digits   = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// ServeHTTP answers like the Graph API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	node, edge := nodePath.FindStringSubmatch(r.URL.Path), edgePath.FindStringSubmatch(r.URL.Path)
	if edge == nil && (node == nil || !s.isOurs(r, node[1])) {
		if s.Next != nil {
			s.Next.ServeHTTP(w, r)
			return
		}
		graphfake.Refuse(w, &Refusal{Status: 400, Code: 2500, Message: "Unknown path components"})
		return
	}
	s.mu.Lock()
	s.calls++
	right := s.token
	s.mu.Unlock()
	if s.Refuse != nil {
		if no := s.Refuse(r); no != nil {
			graphfake.Refuse(w, no)
			return
		}
	}
	usage, no := s.count()
	w.Header().Set("X-Business-Use-Case-Usage", usage)
	if no == nil {
		no = s.asksAs(r, right, edge)
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	switch {
	case node != nil && s.givesToken(r, node[1]):
		graphfake.Answer(w, map[string]string{"id": node[1], "access_token": s.PageToken(node[1])})
	case node != nil:
		s.node(w, r, node[1])
	case !digits.MatchString(edge[1]):
		graphfake.Refuse(w, graphfake.NoAlias(edge[1]))
	case edge[2] == "leadgen_forms":
		s.listForms(w, r, edge[1])
	case edge[2] == "leads":
		s.listLeads(w, r, edge[1])
	default:
		s.testLeads(w, r, edge[1])
	}
}

// isOurs reports whether a node is asked for as a lead, a form or a Page's access; the id of a
// dataset looks the same.
func (s *Server) isOurs(r *http.Request, id string) bool {
	fields := r.URL.Query().Get("fields")
	if strings.Contains(fields, "field_data") || strings.Contains(fields, "has_lead_access") || r.Method == http.MethodDelete {
		return true
	}
	if s.givesToken(r, id) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lead(id) != nil || s.form(id) != nil
}

// lead is the one of an id that can still be read; s.mu is held.
func (s *Server) lead(id string) *Lead {
	for _, l := range s.leads {
		if l.ID == id && s.now().Sub(l.Created) < 90*24*time.Hour {
			return l
		}
	}
	return nil
}

func (s *Server) form(id string) *Form {
	for _, f := range s.forms {
		if f.ID == id {
			return f
		}
	}
	return nil
}
