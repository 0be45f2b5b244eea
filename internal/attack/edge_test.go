package attack

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// long reports whether the attacks run in full.
func long() bool { return os.Getenv("LEADGATE_ATTACK") == "long" }

func TestMain(m *testing.M) { os.Exit(edgetest.Main(m)) }

// edge is a Leadgate process.
type edge struct {
	*edgetest.Edge
	t      *testing.T
	site   string // 127.0.0.1:port
	global string
}

// store is where an edge keeps its events.
type store struct {
	option string            // the global option; %DIR% in it is the edge's folder
	redis  *redistest.Server // nil for the embedded queue
}

// onBothQueues runs a test with each queue.
func onBothQueues(t *testing.T, test func(t *testing.T, s store)) {
	t.Run("embedded", func(t *testing.T) { test(t, store{option: "queue embedded %DIR%/queue"}) })
	t.Run("redis", func(t *testing.T) {
		server := redistest.Start(t)
		test(t, store{option: "queue redis " + server.URL(), redis: server})
	})
}

// startEdge starts an edge with these lines in its leadgate option, and this
// site, and waits until it serves.
func startEdge(t *testing.T, global, site string) *edge {
	t.Helper()
	e := &edge{Edge: edgetest.New(t), t: t, global: global}
	e.KeepLog = true
	e.site = strings.TrimPrefix(e.Site, "http://")
	e.Configure(e.caddyfile(site))
	e.Start()
	return e
}

func (e *edge) caddyfile(site string) string {
	return e.Caddyfile(e.global, `log {
		exclude admin.api
	}
	servers {
		timeouts {
			read_body 10s
			read_header 5s
		}
	}`, site)
}

// load gives the running edge another site.
func (e *edge) load(site string) {
	e.t.Helper()
	e.Load(e.caddyfile(site))
}

// drained waits until nothing waits for the destinations of these names, or for
// any where none is named.
func (e *edge) drained(names ...string) {
	e.t.Helper()
	edgetest.Until(e.t, "everything is delivered", func() bool {
		for name, d := range e.Destinations() {
			if (len(names) == 0 || slices.Contains(names, name)) && d.Backlog+d.InFlight > 0 {
				return false
			}
		}
		return true
	})
}

// peak is the largest RssAnon while work ran.
func (e *edge) peak(work func()) int64 {
	e.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	most := e.rssAnon()
	for {
		select {
		case <-done:
			return max(most, e.rssAnon())
		case <-time.After(50 * time.Millisecond):
			most = max(most, e.rssAnon())
		}
	}
}

// post posts a signed webhook of Meta's.
func (e *edge) post(body []byte) (*http.Response, error) {
	return e.posts("/webhooks/meta", http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {edgetest.Sign(body)}}, body)
}

func (e *edge) posts(path string, header http.Header, body []byte) (*http.Response, error) {
	return e.PostTo(edgetest.Client, path, header, body)
}

// mustPost posts a signed webhook that must be taken.
func (e *edge) mustPost(body []byte) {
	e.t.Helper()
	resp, err := e.post(body)
	if err != nil {
		e.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		e.t.Fatalf("a signed webhook is answered %d", resp.StatusCode)
	}
}

// announce opens a connection on which a client says that it will post many
// bytes, and sends these.
func (e *edge) announce(length int, sent []byte) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", e.site, edgetest.GiveUp)
	if err != nil {
		return nil, err
	}
	// Closed by a reset, so that no port waits.
	_ = conn.(*net.TCPConn).SetLinger(0)
	_, err = fmt.Fprintf(conn,
		"POST /webhooks/meta HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256=%064d\r\nContent-Length: "+
			"%d\r\n\r\n%s",
		e.site, 0, length, sent)
	return conn, err
}

// sink is a destination that takes everything. What it keeps, it keeps by path.
type sink struct {
	*httptest.Server
	keeps bool

	mu       sync.Mutex
	got      map[string]*taken
	statuses map[string]int // by path; 200 else
}

// taken is what came to a path of a sink.
type taken struct {
	posts int
	bytes int
	kept  [][]byte
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{got: make(map[string]*taken), statuses: make(map[string]int)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		at := s.at(r.URL.Path)
		at.posts++
		at.bytes += len(body)
		if s.keeps {
			at.kept = append(at.kept, body)
		}
		if status := s.statuses[r.URL.Path]; status != 0 {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// refuse answers a path with a status from now on.
func (s *sink) refuse(path string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses[path] = status
}

func (s *sink) at(path string) *taken {
	if s.got[path] == nil {
		s.got[path] = new(taken)
	}
	return s.got[path]
}

// take is what came to a path since the last time.
func (s *sink) take(path string) taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := *s.at(path)
	delete(s.got, path)
	return was
}

// message is a webhook with one text message.
func message(id, text string) []byte {
	return edgetest.Webhook(fmt.Sprintf(`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text",`+
		`"text":{"body":%q}}]`, id, text))
}
