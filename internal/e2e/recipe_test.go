package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// hook is a chat's incoming webhook, which takes what Slack and Discord both take: a line of text
// in JSON, at its own path.
type hook struct {
	*httptest.Server

	mu   sync.Mutex
	said []string
}

func newHook(t *testing.T, path string) *hook {
	h := new(hook)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a struct{ Text, Content string }
		err := json.NewDecoder(r.Body).Decode(&a)
		if r.Method != http.MethodPost || r.URL.Path != path || r.Header.Get("Content-Type") != "application/json" || err != nil ||
			a.Text == "" || a.Content == "" || utf8.RuneCountInString(a.Content) > 2000 {
			t.Errorf("no chat takes this: %s %s %v: %+v, %v", r.Method, r.URL, r.Header, a, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.said = append(h.said, a.Text)
	}))
	t.Cleanup(h.Close)
	return h
}

// heard waits for a line.
func (h *hook) heard(t *testing.T, line string) {
	t.Helper()
	edgetest.Until(t, line, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, s := range h.said {
			if strings.HasPrefix(s, line) {
				return true
			}
		}
		return false
	})
}

// TestAlertRecipe: the recipe of docs/operations.md as it stands there, with the addresses of a chat
// and of one more receiver: each event that the page names a line for comes there, and the chat's
// address, which is a secret, is in no log.
func TestAlertRecipe(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	recipe := regexp.MustCompile(`(?ms)^\tevents \{\n.*?^\t\}\n`).FindString(string(page))
	if strings.Count(recipe, "leadgate_webhook https://chat.example.com/hooks/{env.CHAT_HOOK}") < 6 {
		t.Fatalf("the page's recipe is another one:\n%s", recipe)
	}
	chat, ops := newHook(t, "/hooks/T0/B0/path-of-a-secret"), newHook(t, "/hooks/leadgate")
	recipe = strings.NewReplacer("https://chat.example.com", chat.URL, "https://ops.example.com", ops.URL).Replace(recipe)
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, strings.Repeat("a long excuse ", 1000))
	}))
	t.Cleanup(crm.Close)
	e := &edge{edgetest.New(t)}
	e.Env = append(e.Env, "CHAT_HOOK=T0/B0/path-of-a-secret", "OPS_SIGNING_SECRET=secret")
	e.Configure(e.Caddyfile("silence 1s", recipe, edgetest.MetaBlock("tenant acme {\n match phone_number_id 106540352242922\n"+
		" forward "+crm.URL+" {\n name crm\n}\n}")))
	e.Start()
	if status, err := e.post(text("wamid.1", "15551234001")); err != nil || status != http.StatusOK {
		t.Fatalf("posting: %d %v", status, err)
	}
	chat.heard(t, "leadgate.dead: crm (tenant acme): ")
	for _, does := range []string{"pause", "resume"} {
		if code, body := e.Ask(http.MethodPost, "/leadgate/destinations/crm/"+does, "application/json", "{}"); code != http.StatusOK {
			t.Fatalf("%s: %d %s", does, code, body)
		}
		chat.heard(t, "leadgate."+does+"d: crm (tenant acme)")
	}
	chat.heard(t, "leadgate.silent (tenant acme)")
	e.Kill()
	if strings.Contains(e.Said(), "path-of-a-secret") {
		t.Error("the chat's address is in the log")
	}
}
