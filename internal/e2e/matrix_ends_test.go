package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
)

// gate is what stands before the ends that the edge delivers to.
type gate struct {
	mu   sync.Mutex
	held chan struct{} // not nil: nothing is taken until it is closed
}

// hold keeps all requests waiting until release. Those that were held are never
// taken: whoever sent them is dead by then.
func (g *gate) hold() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := make(chan struct{})
	g.held = held
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.held = nil
		close(held)
	})
}

// pass reads a request's body; false for one that was held.
func (g *gate) pass(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, false
	}
	g.mu.Lock()
	held := g.held
	g.mu.Unlock()
	if held == nil {
		return body, true
	}
	select {
	case <-held:
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	return nil, false
}

// arrival is a delivery that was taken.
type arrival struct {
	header http.Header
	body   []byte
}

// ends are all the forwards of a matrix, by their paths /<row>/<destination>.
// Those whose name begins with fussy refuse what they get until they are told
// otherwise.
type ends struct {
	*httptest.Server
	gate *gate

	mu      sync.Mutex
	refuses bool
	taken   map[string][]arrival
}

func newEnds(t *testing.T, g *gate) *ends {
	e := &ends{gate: g, refuses: true, taken: make(map[string][]arrival)}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// ServeHTTP takes a delivery.
func (e *ends) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := e.gate.pass(w, r)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuses && strings.Contains(r.URL.Path, "/fussy") {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	e.taken[r.URL.Path] = append(e.taken[r.URL.Path], arrival{r.Header, body})
}

func (e *ends) at(r *row, destination string) []arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.taken["/"+r.name+"/"+destination])
}

// fakeMeta is Meta as strict as capitest, which also refuses some sales at first.
type fakeMeta struct {
	*httptest.Server
	api  *capitest.Server
	gate *gate

	mu      sync.Mutex
	refuses bool
	refused []string // what the fake itself would not take: there should be nothing
}

// fussyOrder is in the order ids that are refused at first.
const fussyOrder = "fussy"

var fussySale = regexp.MustCompile(`"order_id":"[^"]*` + fussyOrder)

func newFakeMeta(t *testing.T, g *gate, datasets map[string]capitest.Dataset) *fakeMeta {
	m := &fakeMeta{gate: g, refuses: true}
	m.api = &capitest.Server{Token: metaToken, AppSecret: metaSecret, Datasets: datasets, OnRefuse: func(dataset string, e *capitest.Error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.refused = append(m.refused, dataset+": "+e.Error()+" "+e.User)
	}}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

const (
	metaToken  = "token-of-meta"
	metaSecret = "secret-of-the-app"
)

// ServeHTTP answers like the Graph API.
func (m *fakeMeta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := m.gate.pass(w, r)
	if !ok {
		return
	}
	m.mu.Lock()
	refuses := m.refuses && fussySale.Match(body)
	m.mu.Unlock()
	if refuses {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w,
			`{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804087,"fbtrace_id":"A1"}}`)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	m.api.ServeHTTP(w, r)
}

// reported is an event that Meta took.
type reported struct {
	Name     string          `json:"event_name"`
	ID       string          `json:"event_id"`
	Time     int64           `json:"event_time"`
	Source   string          `json:"action_source"`
	Channel  string          `json:"messaging_channel"`
	UserData map[string]any  `json:"user_data"`
	Custom   map[string]any  `json:"custom_data"`
	Outcome  json.RawMessage `json:"messaging_outcome_data"`
}

// at lists what a dataset was told.
func (m *fakeMeta) at(t *testing.T, dataset string) (list []reported) {
	t.Helper()
	for _, a := range m.api.Accepted() {
		if a.Dataset != dataset {
			continue
		}
		var r reported
		decode(t, a.Event, &r)
		list = append(list, r)
	}
	return list
}

// takeAll ends the refusals.
func takeAll(e *ends, m *fakeMeta) {
	e.mu.Lock()
	e.refuses = false
	e.mu.Unlock()
	m.mu.Lock()
	m.refuses = false
	m.mu.Unlock()
}
