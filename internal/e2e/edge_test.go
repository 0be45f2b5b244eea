package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

func TestMain(m *testing.M) { os.Exit(edgetest.Main(m)) }

// edge is a Leadgate process with one block.
type edge struct{ *edgetest.Edge }

// newEdge starts an edge with these options of Leadgate and this leadgate block.
func newEdge(t *testing.T, global, block string) *edge {
	t.Helper()
	e := &edge{edgetest.New(t)}
	e.Configure(e.Caddyfile(global, "", edgetest.MetaBlock(block)))
	e.Start()
	return e
}

// post posts a signed webhook; err is set where there was no answer.
func (e *edge) post(body []byte) (status int, err error) {
	return e.Post(http.DefaultClient, body, edgetest.Sign(body))
}

// sink counts what it gets by message id.
type sink struct {
	*httptest.Server

	mu    sync.Mutex
	down  bool
	count map[string]int
	order map[string][]string // sender → message ids at first delivery
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{count: make(map[string]int), order: make(map[string][]string)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			WaID    string
			Message struct{ ID string }
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil && !errors.Is(err, io.EOF) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if s.count[event.Message.ID]++; s.count[event.Message.ID] == 1 {
			s.order[event.WaID] = append(s.order[event.WaID], event.Message.ID)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *sink) delivered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.count)
}

// text is a webhook with one text message of now.
func text(id, from string) []byte {
	return edgetest.Webhook(fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,`+
		`"timestamp":"%d","type":"text","text":{"body":"Hello"}}]`,
		from, from, id, time.Now().Unix()))
}

// click is a webhook with a message that an ad brought.
func click(id, from, clid string) []byte {
	return edgetest.Webhook(fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,`+
		`"timestamp":"%d","type":"text","text":{"body":"Hi"},"referral":{"source_url":"https:\/\/fb.me\/x","source_id":"120210000000000001",`+
		`"source_type":"ad","headline":"Sale","ctwa_clid":%q}}]`,
		from, from, id, time.Now().Unix(), clid))
}
