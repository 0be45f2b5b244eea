package attack

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	"sync/atomic"
	"testing"
	"time"

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
	path := filepath.Join(buildDir, "caddy")
	if out, err := exec.Command("go", "build", "-o", path, "../..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w: %s", err, out)
	}
	return path, nil
})

// edge is a Leadgate process.
type edge struct {
	t     *testing.T
	site  string // 127.0.0.1:port
	admin string // 127.0.0.1:port
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
	log   *lastOutput
}

// lastOutput keeps the end of a process's output.
type lastOutput struct {
	mu  sync.Mutex
	buf []byte
}

const keptOutput = 16 << 10

func (l *lastOutput) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2*keptOutput {
		l.buf = append(l.buf[:0], l.buf[len(l.buf)-keptOutput:]...)
	}
	return len(p), nil
}

func (l *lastOutput) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}

// onBothQueues runs a test with the global option of each queue; %DIR% in it is
// the edge's folder.
func onBothQueues(t *testing.T, test func(t *testing.T, queue string)) {
	t.Run("embedded", func(t *testing.T) { test(t, "queue embedded %DIR%/queue") })
	t.Run("redis", func(t *testing.T) { test(t, "queue redis "+redistest.Start(t).URL()) })
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
	e := &edge{t: t, site: freeAddress(t), admin: freeAddress(t), log: new(lastOutput), ended: make(chan struct{})}
	config := filepath.Join(dir, "Caddyfile")
	text := strings.ReplaceAll(`{
	admin `+e.admin+`
	persist_config off
	servers {
		timeouts {
			read_body 10s
			read_header 5s
		}
	}
	leadgate {
		`+global+`
	}
}
http://`+e.site+` {
`+site+`
	respond 404
}
`, "%DIR%", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e.cmd = exec.Command(path, "run", "--config", config)
	e.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dir+"/data", "XDG_CONFIG_HOME="+dir+"/config", "HOME="+dir)
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
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
			t.Logf("the edge said:\n%s", e.log)
		}
	})
	until(t, "the edge serves", func() bool {
		select {
		case <-e.ended:
			t.Fatal("the edge ended")
		default:
		}
		resp, err := client.Get("http://" + e.site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound
	})
	return e
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// client is for requests that a living edge answers.
var client = &http.Client{Timeout: giveUp, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post posts a signed webhook.
func (e *edge) post(body []byte) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+e.site+"/webhooks/meta", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", signature(body))
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

// sink is a destination that takes everything and keeps nothing.
type sink struct {
	*httptest.Server
	taken atomic.Int64
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := new(sink)
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.taken.Add(1)
	}))
	t.Cleanup(s.Close)
	return s
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(giveUp); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// message is a webhook with one text message.
func message(id, text string) []byte {
	return value(fmt.Sprintf(`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text","text":{"body":%q}}]`, id, text))
}

// value is a webhook with this in the value of its one change.
func value(members string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},%s}}]}]}`, members)
}
