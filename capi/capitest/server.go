package capitest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/fake"
)

// Dataset is what a dataset belongs to. One without any id is a website pixel.
type Dataset struct{ WabaID, PageID, InstagramID string }

// Accepted is one event that was taken.
type Accepted struct {
	Version       string          `json:"version"`
	Dataset       string          `json:"dataset"`
	TestEventCode string          `json:"test_event_code,omitempty"`
	PartnerAgent  string          `json:"partner_agent,omitempty"`
	Request       int             `json:"request"` // the number of its request, from 1
	Event         json.RawMessage `json:"event"`
}

// Answer is a scripted answer. What is empty is as Meta would have it.
type Answer struct {
	Status int         // default 200
	Header http.Header // added
	Body   string
	Delay  time.Duration   // before the answer; ends when the client goes away
	Hold   <-chan struct{} // wait until it is closed, likewise
	Cut    bool            // close the connection instead of an answer
	Accept bool            // take the events first, as an answer lost on its way would have
	Pass   bool            // answer as if there was no script (after Delay and Hold)
}

// Server is the fake. Its zero value takes every token and dataset; set the
// fields before the first request. It is safe for concurrent use.
type Server struct {
	Token     string             // the access token that is right; "" = any
	AppSecret string             // not empty: requests need a right appsecret_proof
	Datasets  map[string]Dataset // nil = every dataset exists and fits every event
	Clids     map[string]bool    // nil = every ctwa_clid that is not hashed or malformed is a click's
	Now       func() time.Time   // nil = time.Now
	Keep      int                // how many accepted events are kept, the newest; 0 = all

	OnAccept func(Accepted)       // called for each event, in order; may be nil
	OnRefuse func(string, *Error) // called with the dataset and what was answered; may be nil

	mu       sync.Mutex
	script   fake.Script
	accepted fake.Taken[Accepted]
	requests int
	url      string
}

// TB is the part of testing.TB that New needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// New starts a server on 127.0.0.1 that ends with the test.
func New(t TB, options ...func(*Server)) *Server {
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

// Script gives the next n requests that answer.
func (s *Server) Script(n int, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.Add(n, fake.Answer(a))
}

// Accepted is what was taken so far, in order.
func (s *Server) Accepted() []Accepted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted.All()
}

// Total is how many events were taken, kept or not.
func (s *Server) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted.Total
}

// Requests is how many requests for events came in, scripted ones included.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Reset forgets what was taken, the counters and the script.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.accepted, s.requests = fake.Script{}, fake.Taken[Accepted]{}, 0
}

var eventsPath = regexp.MustCompile(`^/v([0-9]{1,3})\.([0-9]{1,2})/([^/]+)/events/?$`)

// maxBody is beyond what 1000 events need.
const maxBody = 16 << 20

// ServeHTTP answers like the Graph API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_leadgate/accepted" {
		s.serveAccepted(w, r)
		return
	}
	if m := datasetPath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
		s.serveDataset(w, r, m)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return // the client has gone, or got its answer from MaxBytesReader
	}
	s.mu.Lock()
	s.requests++
	number := s.requests
	scripted := s.script.Next()
	s.mu.Unlock()

	if scripted.Follow(w, r, func() { _, _, _ = s.take(r, body, number) }) {
		return
	}
	n, dataset, fail := s.take(r, body, number)
	if fail != nil {
		if s.OnRefuse != nil {
			s.OnRefuse(dataset, fail)
		}
		fail.write(w, number)
		return
	}
	fake.WriteJSON(w, http.StatusOK, map[string]any{"events_received": n, "messages": []string{}, "fbtrace_id": traceID(number)})
}

// take checks a request and keeps its events.
func (s *Server) take(r *http.Request, body []byte, number int) (int, string, *Error) {
	version, dataset, fail := s.checkRequest(r)
	if fail != nil {
		return 0, dataset, fail
	}
	batch, fail := s.check(body, dataset)
	if fail != nil {
		return 0, dataset, fail
	}
	accepted := make([]Accepted, len(batch.Data))
	for i, ev := range batch.Data {
		accepted[i] = Accepted{version, dataset, batch.TestEventCode, batch.PartnerAgent, number, ev}
	}
	s.mu.Lock()
	s.accepted.Add(s.Keep, accepted...)
	s.mu.Unlock()
	if s.OnAccept != nil {
		for _, a := range accepted {
			s.OnAccept(a)
		}
	}
	return len(accepted), dataset, nil
}

func (s *Server) checkRequest(r *http.Request) (version, dataset string, fail *Error) {
	m := eventsPath.FindStringSubmatch(r.URL.Path)
	if m == nil || r.Method != http.MethodPost {
		return "", "", &Error{Status: 404, Code: 2500, Message: "Unknown path components: " + r.URL.Path}
	}
	version, dataset = "v"+m[1]+"."+m[2], m[3]
	if fail := s.checkCaller(r, m, "post"); fail != nil {
		return version, dataset, fail
	}
	if ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(ct) != "application/json" {
		return version, dataset, invalid("the Content-Type is not application/json")
	}
	return version, dataset, nil
}

// checkCaller checks what posting to a dataset and reading one have in common:
// the version, the token, and that the dataset exists. m is the path's version,
// in two parts, and dataset.
func (s *Server) checkCaller(r *http.Request, m []string, method string) *Error {
	dataset := m[3]
	// v20.0 expired on 2026-09-24.
	if major, _ := strconv.Atoi(m[1]); major <= 20 {
		return &Error{Code: 2635, Message: "You are calling a deprecated version of the API: v" + m[1] + "." + m[2]}
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token = r.URL.Query().Get("access_token")
	}
	if token == "" || s.Token != "" && token != s.Token {
		return &Error{Status: 401, Code: 190, Subcode: 467, Message: "Invalid OAuth access token"}
	}
	if s.AppSecret != "" {
		mac := hmac.New(sha256.New, []byte(s.AppSecret))
		mac.Write([]byte(token))
		if r.URL.Query().Get("appsecret_proof") != hex.EncodeToString(mac.Sum(nil)) {
			return &Error{Code: 104, Message: "Invalid appsecret_proof provided in the API argument"}
		}
	}
	if _, known := s.Datasets[dataset]; s.Datasets != nil && !known || !digits.MatchString(dataset) {
		return &Error{Code: 100, Subcode: 33, Message: "Unsupported " + method + " request. Object with ID '" + dataset +
			"' does not exist, cannot be loaded due to missing permissions, or does not support this operation"}
	}
	return nil
}

func (s *Server) serveAccepted(w http.ResponseWriter, r *http.Request) {
	fake.ServeTaken(w, r, s.Reset, func() any {
		s.mu.Lock()
		defer s.mu.Unlock()
		return map[string]any{"requests": s.requests, "total": s.accepted.Total, "accepted": s.accepted.All()}
	})
}
