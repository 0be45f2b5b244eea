package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const secret = "test_app_secret"

// giveUp ends a test that has failed; nothing is measured by it.
const giveUp = 60 * time.Second

var (
	binaryOnce sync.Once
	binaryPath string
	binaryErr  error
)

func TestMain(m *testing.M) {
	code := m.Run()
	if binaryPath != "" {
		_ = os.RemoveAll(filepath.Dir(binaryPath))
	}
	os.Exit(code)
}

// binary builds the Caddy of this repository, once.
func binary(t *testing.T) string {
	t.Helper()
	binaryOnce.Do(func() {
		var dir string
		if dir, binaryErr = os.MkdirTemp("", "leadgate-e2e-"); binaryErr != nil {
			return
		}
		binaryPath = filepath.Join(dir, "caddy")
		build := exec.Command("go", "build", "-o", binaryPath, "../..")
		if out, err := build.CombinedOutput(); err != nil {
			binaryErr = fmt.Errorf("building: %w: %s", err, out)
		}
	})
	if binaryErr != nil {
		t.Fatal(binaryErr)
	}
	return binaryPath
}

// edge is a Leadgate process that can be killed and started again.
type edge struct {
	t      *testing.T
	config string
	site   string // http://127.0.0.1:port
	admin  string
	dir    string

	cmd *exec.Cmd
	log *logFile
}

// logFile keeps a process's output.
type logFile struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logFile) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newEdge writes a Caddyfile with one leadgate block and starts it. %DIR% in it
// is the edge's folder.
func newEdge(t *testing.T, global, block string) *edge {
	t.Helper()
	dir := t.TempDir()
	e := &edge{t: t, dir: dir, log: new(logFile), site: "http://127.0.0.1:" + freePort(t), admin: "127.0.0.1:" + freePort(t)}
	e.config = filepath.Join(dir, "Caddyfile")
	e.write(global, block)
	t.Cleanup(func() {
		e.kill()
		if t.Failed() {
			t.Logf("the edge said:\n%s", tail(e.log.String(), 8000))
		}
	})
	e.start()
	return e
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

func (e *edge) write(global, block string) {
	e.t.Helper()
	text := `{
	admin ` + e.admin + `
	persist_config off
	leadgate {
		` + global + `
	}
}
` + e.site + ` {
	leadgate /webhooks/meta {
		provider meta {
			app_secret ` + secret + `
			verify_token word
		}
` + block + `
	}
	respond "not here" 404
}
`
	if err := os.WriteFile(e.config, []byte(strings.ReplaceAll(text, "%DIR%", e.dir)), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// start starts the process and waits until it serves.
func (e *edge) start() {
	e.t.Helper()
	e.cmd = exec.Command(binary(e.t), "run", "--config", e.config)
	e.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+e.dir+"/data", "XDG_CONFIG_HOME="+e.dir+"/config", "HOME="+e.dir)
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	until(e.t, "the edge serves", func() bool {
		resp, err := http.Get(e.site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound
	})
}

// kill is kill -9.
func (e *edge) kill() {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	e.cmd = nil
}

// post posts a signed webhook; err is set where there was no answer.
func (e *edge) post(body []byte) (status int, err error) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req, err := http.NewRequest(http.MethodPost, e.site+"/webhooks/meta", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(giveUp)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
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
	return value(fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":"Hello"}}]`,
		from, from, id, time.Now().Unix()))
}

// click is a webhook with a message that an ad brought.
func click(id, from, clid string) []byte {
	return value(fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":"Hi"},"referral":{"source_url":"https:\/\/fb.me\/x","source_id":"120210000000000001","source_type":"ad","headline":"Sale","ctwa_clid":%q}}]`,
		from, from, id, time.Now().Unix(), clid))
}

func value(members string) []byte {
	return []byte(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},` + members + `},"field":"messages"}]}]}`)
}
