package caddymodule

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
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/leadgate/leadgate/internal/freeport"
)

const (
	testSecret = "test_app_secret"
	testToken  = "test_verify_token"
)

// edge is a Caddy in this process, on a port of its own.
type edge struct {
	t    *testing.T
	port int
	dir  string
}

// startEdge runs a Caddyfile in which %PORT% and %DIR% stand for the edge's own.
func startEdge(t *testing.T, caddyfile string) *edge {
	t.Helper()
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	if err := e.load(caddyfile); err != nil {
		t.Fatalf("loading: %v", err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return e
}

func (e *edge) adapt(caddyfile string) ([]byte, error) {
	text := strings.NewReplacer("%PORT%", fmt.Sprint(e.port), "%DIR%", e.dir).Replace(caddyfile)
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return cfg, err
}

func (e *edge) load(caddyfile string) error {
	cfg, err := e.adapt(caddyfile)
	if err != nil {
		return err
	}
	return caddy.Load(cfg, true)
}

func (e *edge) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", e.port, path) }

func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post posts a signed webhook and returns the status and the answer.
func (e *edge) post(path string, body []byte, edit ...func(*http.Request)) (*http.Response, string) {
	e.t.Helper()
	req, err := http.NewRequest(http.MethodPost, e.url(path), bytes.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", signature(testSecret, body))
	for _, f := range edit {
		f(req)
	}
	return e.do(req)
}

// transport takes a new connection each time, since every reload closes idle ones.
var transport = &http.Transport{DisableKeepAlives: true}

// cutOff reports whether an error is of a connection that no server took.
func cutOff(err error) bool {
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial" || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

func (e *edge) do(req *http.Request) (*http.Response, string) {
	e.t.Helper()
	resp, err := transport.RoundTrip(req)
	// A reload may reset or close a connection that waits in the old listener's
	// queue: a provider posts again, too.
	for tries := 0; err != nil && tries < 100 && cutOff(err); tries++ {
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				e.t.Fatal(err)
			}
		}
		resp, err = transport.RoundTrip(req)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp, string(answer)
}

// delivered is one request that a sink got.
type delivered struct {
	header http.Header
	method string
	body   []byte
	event  map[string]any
}

// signatures are all of Meta's signatures that a delivery has, "" for none: of two that
// are alike a receiver may make one text, and refuse it.
func signatures(d delivered) string {
	return strings.Join(d.header.Values("X-Hub-Signature-256"), ", ")
}

// sink is a destination that keeps what it gets.
type sink struct {
	*httptest.Server
	got chan delivered

	mu     sync.Mutex
	status func(delivered) int
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{got: make(chan delivered, 10_000)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		d := delivered{header: r.Header.Clone(), method: r.Method, body: body}
		_ = json.Unmarshal(body, &d.event)
		s.mu.Lock()
		status := http.StatusOK
		if s.status != nil {
			status = s.status(d)
		}
		s.mu.Unlock()
		w.WriteHeader(status)
		s.got <- d
	}))
	t.Cleanup(s.Close)
	return s
}

// next waits for the next request. The limit only ends a test that has failed.
func (s *sink) next(t *testing.T) delivered {
	t.Helper()
	select {
	case d := <-s.got:
		return d
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was delivered")
		return delivered{}
	}
}

func (s *sink) expectNone(t *testing.T) {
	t.Helper()
	select {
	case d := <-s.got:
		t.Fatalf("unexpected delivery: %s", d.body)
	default:
	}
}

// message is a WhatsApp webhook with one text message.
func message(id, from, text string) []byte {
	return envelope("106540352242922", fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,`+
		`"timestamp":"%d","type":"text","text":{"body":%q}}]`,
		from, from, id, time.Now().Unix(), text))
}

// click is a WhatsApp webhook with a message that an ad brought.
func click(id, from, clid string) []byte {
	return envelope("106540352242922", fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,`+
		`"timestamp":"%d","type":"text","text":{"body":"Hi"},"referral":{"source_url":"https:\/\/fb.me\/x?utm_source=facebook",`+
		`"source_id":"120210000000000001","source_type":"ad","headline":"Sale","ctwa_clid":%q}}]`,
		from, from, id, time.Now().Unix(), clid))
}

func envelope(phoneNumberID, value string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[%s]}`, entry(phoneNumberID, value))
}

func entry(phoneNumberID, value string) string {
	return fmt.Sprintf(`{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{`+
		`"display_phone_number":"15550783881","phone_number_id":%q},%s},"field":"messages"}]}`, phoneNumberID, value)
}

// site is a Caddyfile with one leadgate block.
func site(block string) string { return siteWith("queue embedded %DIR%/queue", block) }

func siteWith(global, block string) string {
	return `{
	admin off
	leadgate {
		` + global + `
	}
}
http://127.0.0.1:%PORT% {
	leadgate /webhooks/meta {
		provider meta {
			app_secret ` + testSecret + `
			verify_token ` + testToken + `
		}
` + block + `
	}
	respond "next" 418
}
`
}
