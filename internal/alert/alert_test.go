package alert

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/sign"
)

// chat takes alerts as answers say, 200 when these are used up.
type chat struct {
	*httptest.Server

	mu      sync.Mutex
	answers []int
	got     []*http.Request
	bodies  []string
	came    chan struct{}
}

func newChat(t *testing.T, answers ...int) *chat {
	t.Helper()
	c := &chat{answers: answers, came: make(chan struct{}, 64)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got, c.bodies = append(c.got, r), append(c.bodies, string(body))
		if len(c.answers) > 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.answers[0])
			c.answers = c.answers[1:]
		}
		c.came <- struct{}{}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *chat) poster(t *testing.T, dropped func(*Alert, int)) (*Poster, *observer.ObservedLogs) {
	t.Helper()
	u, err := url.Parse(c.URL + "/hooks/secret-path?token=secret-query")
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("me", "secret-password")
	core, logs := observer.New(zapcore.DebugLevel)
	p, err := NewPoster(Config{
		URL: u, Header: http.Header{"X-Team": {"ops"}}, Sign: "secret", Timeout: time.Minute, UserAgent: "Leadgate/1",
		Now: func() time.Time { return time.Unix(1_767_225_600, 0) }, Dropped: dropped, Logger: zap.New(core),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, logs
}

var sample = Alert{
	ID: "id-1", Event: "leadgate.dead", Destination: "crm", Tenant: "acme", Reason: "400 Bad Request", Count: 7,
	At: time.UnixMilli(1_767_225_600_123).UTC(),
}

// TestPost: what is posted, signed as a forward is, and again after a 503.
func TestPost(t *testing.T) {
	c := newChat(t, http.StatusServiceUnavailable)
	p, _ := c.poster(t, func(*Alert, int) { t.Error("dropped") })
	p.Post(sample)
	<-c.came
	<-c.came
	p.Stop(time.Minute)
	const want = `{"id":"id-1","event":"leadgate.dead","destination":"crm","tenant":"acme","reason":"400 Bad Request","count":7,` +
		`"at":"2026-01-01T00:00:00.123Z","text":"leadgate.dead: crm (tenant acme), 7 events: 400 Bad Request",` +
		`"content":"leadgate.dead: crm (tenant acme), 7 events: 400 Bad Request"}`
	if !slices.Equal(c.bodies, []string{want, want}) {
		t.Fatalf("posted %q", c.bodies)
	}
	r := c.got[1]
	key, err := sign.New("secret")
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := r.BasicAuth()
	for what, ok := range map[string]bool{
		"signature": r.Header.Get("Webhook-Signature") == key.Sign("id-1", 1_767_225_600, []byte(want)),
		"its id":    r.Header.Get("Webhook-Id") == "id-1" && r.Header.Get("Webhook-Timestamp") == "1767225600",
		"header":    r.Header.Get("X-Team") == "ops" && r.Header.Get("Content-Type") == "application/json",
		"agent":     r.Header.Get("User-Agent") == "Leadgate/1",
		"user":      user == "me" && password == "secret-password",
		"request":   r.Method == http.MethodPost && r.URL.RequestURI() == "/hooks/secret-path?token=secret-query",
	} {
		if !ok {
			t.Errorf("%s: %s %s %v", what, r.Method, r.URL, r.Header)
		}
	}
}

// TestGivenUp: what a receiver refuses is not posted again, nor where it points to; the
// log says so without the secrets in its URL.
func TestGivenUp(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusBadRequest, http.StatusNotFound} {
		c := newChat(t, status)
		lost := 0
		p, logs := c.poster(t, func(a *Alert, n int) { lost += n })
		p.Post(sample)
		<-c.came
		p.Stop(time.Minute)
		if len(c.bodies) != 1 || lost != 1 {
			t.Errorf("%d: posted %d times, %d lost", status, len(c.bodies), lost)
		}
		lines := logs.All()
		if len(lines) != 1 {
			t.Fatalf("%d: %d lines", status, len(lines))
		}
		text, err := json.Marshal(lines[0].ContextMap())
		if err != nil || strings.Contains(string(text), "secret") || !strings.Contains(string(text), http.StatusText(status)) {
			t.Errorf("%d: %s %v", status, text, err)
		}
	}
}

// TestNoReceiver: the error of a connection shows no secret either, and the end comes.
func TestNoReceiver(t *testing.T) {
	c := newChat(t)
	c.Close()
	lost := make(chan int, 1)
	p, logs := c.poster(t, func(_ *Alert, n int) { lost <- n })
	p.Post(sample)
	p.Stop(0)
	if n := <-lost; n != 1 {
		t.Errorf("%d lost", n)
	}
	for _, line := range logs.All() {
		if text, _ := json.Marshal(line.ContextMap()); strings.Contains(string(text), "secret") {
			t.Errorf("the log has %s", text)
		}
	}
}

func TestBadSecret(t *testing.T) {
	if _, err := NewPoster(Config{Sign: "whsec_%%"}); err == nil || strings.Contains(err.Error(), "%%") {
		t.Errorf("error %v", err)
	}
}
