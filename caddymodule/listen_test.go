package caddymodule

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/internal/command"
)

// TestListen prints what a destination gets, readably, and nothing that changes a
// terminal.
func TestListen(t *testing.T) {
	var out lockedText
	server := httptest.NewServer(&command.Listener{Out: &out})
	defer server.Close()
	e := startEdge(t, site("tenant acme\n forward "+server.URL+"\n forward "+server.URL+"/raw {\n name raw\n raw\n }"))
	body := strings.Replace(string(click("wamid.1", "15551234567", "Aff-1")), `"Hello"`, `"Hi \u001b[31m\u202e"`, 1)
	e.post("/webhooks/meta", []byte(body))
	waitFor(t, "both", func() bool {
		return strings.Contains(out.String(), "click Aff-1") && strings.Contains(out.String(), "the provider's own body, application/json")
	})
	for _, want := range []string{"message, whatsapp, tenant acme, +15551234567", "id ", ", attempt 1", `"ctwa_clid": "Aff-1"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Errorf("a control character came through: %q", out.String())
	}
}

// lockedText is a text that is read while others write it.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
