package googletest

import (
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/fake"
)

// Account is a Google Ads account.
type Account struct {
	Managers []string          // login accounts through which it is reached; itself always is one
	Actions  map[string]Action // its conversion actions, by number
	NoTerms  bool              // it has not accepted the customer data terms
}

// Action is a conversion action; its zero value takes imported clicks.
type Action struct {
	Webpage     bool // of type WEBPAGE: imports are refused
	OnePerClick bool // counts one per click
}

// Click is what Google knows of a click.
type Click struct {
	At      time.Time // zero: it never was too young, nor too old
	Account string    // whose ad it was; "" = any
}

// Accepted is one event that was taken.
type Accepted struct {
	Request      int             `json:"request"` // the number of its request, from 1
	RequestID    string          `json:"requestId"`
	Account      string          `json:"account"`
	LoginAccount string          `json:"loginAccount,omitempty"`
	Action       string          `json:"action"`
	Outcome      string          `json:"outcome"` // what its status will say: SUCCESS, or a reason without its prefix
	Event        json.RawMessage `json:"event"`
}

// Answer is a scripted answer to an ingest or a status.
type Answer = fake.Answer

// Server is the fake. Its zero value takes every well-formed credential, account,
// conversion action and click; set the fields before the first request. It is safe for
// concurrent use.
type Server struct {
	Keys     map[string]*rsa.PublicKey // of service accounts, by e-mail; nil = any, and no signature is checked
	Users    map[string]User           // by client_id; nil = any
	Accounts map[string]*Account       // by number; nil = any
	Clicks   map[string]Click          // by gclid, gbraid or wbraid; nil = any is a click, however old
	Numbers  []string                  // digits of phone numbers whose hash without the plus is refused
	Denied   map[string]bool           // transaction ids of events whose person denied consent, in the account
	Reasons  map[string]string         // by transaction id: another outcome, known or not

	Now        func() time.Time // nil = time.Now
	ReadyAfter time.Duration    // when the outcome is known; 0 = 30 minutes
	NoIndices  bool             // statuses without recordIndices, as before 2026-11-04
	MaxNamed   int              // how many events an error names at most; 0 = all
	PerMinute  int              // requests in a minute, of each kind; 0 = 300
	Keep       int              // how many accepted events are kept, the newest; 0 = all

	OnAccept func(Accepted) // called for each event, in order; may be nil
	OnRefuse func(*Error)   // called with what was answered; may be nil

	mu       sync.Mutex
	script   fake.Script
	accepted fake.Taken[Accepted]
	ingests  int // requests
	asked    int
	known
	mint
	minutes [2]minute // of ingest and status
	url     string
	signer  *rsa.PrivateKey
}

// mint is the access tokens that were given out.
type mint struct {
	tokens map[string]token
	minted int
}

// known is what a fake knows of the events that it took.
type known struct {
	stored  map[string]*stored // by request id
	sales   map[string]string  // account, action and transaction id → the event's content
	seconds map[string]string  // account, click and second → transaction id
}

// New starts a server on 127.0.0.1 that ends with the test.
func New(t fake.TB, options ...func(*Server)) *Server {
	t.Helper()
	s := new(Server)
	for _, o := range options {
		o(s)
	}
	s.url = fake.Serve(t, s)
	return s
}

// URL is the endpoint of a server that New made.
func (s *Server) URL() string { return s.url }

// Script gives the next n ingests and statuses that answer.
func (s *Server) Script(n int, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.Add(n, a)
}

// Accepted is what was taken so far, in order, resent events as often as they came.
func (s *Server) Accepted() []Accepted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted.All()
}

// Counts are how many events were taken, how many requests with events came, how many
// questions for a status, and how many access tokens were given out.
func (s *Server) Counts() (events, ingests, statuses, tokens int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted.Total, s.ingests, s.asked, s.minted
}

// Reset forgets what was taken, the counters and the script.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.accepted = fake.Script{}, fake.Taken[Accepted]{}
	s.ingests, s.asked, s.known = 0, 0, known{}
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// maxBody is beyond what 2000 events need.
const maxBody = 16 << 20

// ServeHTTP answers like Google.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/token":
		s.serveToken(w, r)
	case "/_leadgate/accepted":
		s.serveAccepted(w, r)
	case "/v1/events:ingest":
		s.serve(w, r, http.MethodPost, 0, s.ingest)
	case "/v1/requestStatus:retrieve":
		s.serve(w, r, http.MethodGet, 1, s.status)
	default:
		notFound(r).write(w)
	}
}

// serve answers one of the two calls, as the script says or by itself.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, method string, kind int, call func(*http.Request, []byte) (any, *Error)) {
	if r.Method != method {
		notFound(r).write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return // the client has gone, or got its answer from MaxBytesReader
	}
	if s.next(kind).Follow(w, r, func() { _, _ = call(r, body) }) {
		return
	}
	fail := s.limit(kind)
	var answer any
	if fail == nil {
		fail = s.checkToken(r)
	}
	if fail == nil {
		answer, fail = call(r, body)
	}
	if fail != nil {
		if s.OnRefuse != nil {
			s.OnRefuse(fail)
		}
		fail.write(w)
		return
	}
	fake.WriteJSON(w, http.StatusOK, answer)
}

// next counts a request and takes its script.
func (s *Server) next(kind int) *Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == 0 {
		s.ingests++
	} else {
		s.asked++
	}
	return s.script.Next()
}

func (s *Server) serveAccepted(w http.ResponseWriter, r *http.Request) {
	fake.ServeTaken(w, r, s.Reset, func() any {
		total, ingests, _, _ := s.Counts()
		return map[string]any{"requests": ingests, "total": total, "accepted": s.Accepted()}
	})
}

// minute counts the requests of one.
type minute struct {
	at int64
	n  int
}

// limit refuses what is over the quota.
func (s *Server) limit(kind int) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.minutes[kind]
	if at := s.now().Unix() / 60; at != m.at {
		*m = minute{at: at}
	}
	m.n++
	limit := s.PerMinute
	if limit == 0 {
		limit = 300
	}
	if m.n <= limit {
		return nil
	}
	return &Error{HTTP: 429, Status: "RESOURCE_EXHAUSTED", Message: "Quota exceeded", Reason: "RATE_LIMIT_EXCEEDED",
		Metadata: map[string]string{"quota_limit": "RequestsPerMinutePerProject"}}
}
