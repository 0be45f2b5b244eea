package attack

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/built"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

const secret = "test_app_secret"

// giveUp ends a test that has failed; nothing is measured by it.
const giveUp = 2 * time.Minute

// long says whether the attacks run in full.
func long() bool { return os.Getenv("LEADGATE_ATTACK") == "long" }

var buildDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

// binary builds the Caddy of this repository, once.
var binary = sync.OnceValues(func() (string, error) {
	var err error
	if buildDir, err = os.MkdirTemp("", "leadgate-attack-"); err != nil {
		return "", err
	}
	return built.Caddy(buildDir)
})

// edge is a Leadgate process.
type edge struct {
	t      *testing.T
	site   string // 127.0.0.1:port
	admin  string // 127.0.0.1:port
	config string
	binary string
	global string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	log    string        // the file that holds all that it writes
}

// said is the edge's whole output so far.
func (e *edge) said() string {
	e.t.Helper()
	text, err := os.ReadFile(e.log)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(text)
}

// alive fails the test where the process has ended.
func (e *edge) alive() {
	e.t.Helper()
	select {
	case <-e.ended:
		e.t.Fatal("the edge ended")
	default:
	}
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
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e := &edge{t: t, site: freeAddress(t), admin: freeAddress(t), binary: path, ended: make(chan struct{}),
		config: filepath.Join(dir, "Caddyfile"), log: filepath.Join(dir, "log"), global: strings.ReplaceAll(global, "%DIR%", dir)}
	if err := os.WriteFile(e.config, []byte(e.caddyfile(site)), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(e.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the process has its own
	e.cmd = exec.Command(path, "run", "--config", e.config)
	e.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dir+"/data", "XDG_CONFIG_HOME="+dir+"/config", "HOME="+dir)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = e.cmd.Wait()
		close(e.ended)
	}()
	t.Cleanup(func() {
		_ = e.cmd.Process.Kill()
		<-e.ended
		if t.Failed() {
			said := e.said()
			t.Logf("the edge said:\n%s", said[max(0, len(said)-16<<10):])
		}
	})
	edgetest.Until(t, "the edge serves", func() bool {
		e.alive()
		resp, err := client.Get("http://" + e.site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound
	})
	return e
}

func (e *edge) caddyfile(site string) string {
	return `{
	admin ` + e.admin + `
	persist_config off
	log {
		exclude admin.api
	}
	servers {
		timeouts {
			read_body 10s
			read_header 5s
		}
	}
	leadgate {
		` + e.global + `
	}
}
http://` + e.site + ` {
` + site + `
	respond 404
}
`
}

// load gives the running edge another site.
func (e *edge) load(site string) {
	e.t.Helper()
	if status, body := e.ask(http.MethodPost, "/load", "text/caddyfile", e.caddyfile(site)); status != http.StatusOK {
		e.t.Fatalf("loading config: %d %s", status, body)
	}
}

// ask asks the admin endpoint.
func (e *edge) ask(method, path, contentType, body string) (status int, answer []byte) {
	e.t.Helper()
	req, err := http.NewRequest(method, "http://"+e.admin+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// do is ask for JSON that must be answered 200; into may be nil.
func (e *edge) do(method, path, body string, into any) {
	e.t.Helper()
	status, answer := e.ask(method, path, "application/json", body)
	if status != http.StatusOK {
		e.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			e.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// destination is a row of the admin API.
type destination struct {
	Name, State, Reason     string
	Backlog, InFlight, Dead int
	Delivered               int64
}

func (e *edge) destinations() map[string]destination {
	e.t.Helper()
	var list []destination
	e.do(http.MethodGet, "/leadgate/destinations", "", &list)
	all := make(map[string]destination, len(list))
	for _, d := range list {
		all[d.Name] = d
	}
	return all
}

// drained waits until nothing waits for the destinations of these names, or for
// any where none is named.
func (e *edge) drained(names ...string) {
	e.t.Helper()
	edgetest.Until(e.t, "everything is delivered", func() bool {
		for name, d := range e.destinations() {
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

// metaBlock is a leadgate block of Meta's with these settings.
func metaBlock(settings string) string {
	return `	leadgate /webhooks/meta {
		provider meta {
			app_secret ` + secret + `
			verify_token word
		}
` + settings + `
	}`
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", freeport.New(t))
}

// client is for requests that a living edge answers.
var client = &http.Client{Timeout: giveUp, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post posts a signed webhook of Meta's.
func (e *edge) post(body []byte) (*http.Response, error) {
	return e.posts("/webhooks/meta", http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {signature(body)}}, body)
}

func (e *edge) posts(path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+e.site+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
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
	conn, err := net.DialTimeout("tcp", e.site, giveUp)
	if err != nil {
		return nil, err
	}
	// Closed by a reset, so that no port waits.
	_ = conn.(*net.TCPConn).SetLinger(0)
	_, err = fmt.Fprintf(conn, "POST /webhooks/meta HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256=%064d\r\nContent-Length: %d\r\n\r\n%s",
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
	return value(fmt.Sprintf(`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text","text":{"body":%q}}]`, id, text))
}

// value is a webhook with this in the value of its one change.
func value(members string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},%s}}]}]}`, members)
}
