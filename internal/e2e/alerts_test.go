package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
)

// chatRoom is a chat that alerts are posted to.
type chatRoom struct {
	*httptest.Server

	mu   sync.Mutex
	said []string // event destination tenant
	all  []map[string]any
}

func newChatRoom(t *testing.T) *chatRoom {
	t.Helper()
	c := new(chatRoom)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a map[string]any
		if r.Header.Get("Webhook-Signature") == "" || json.NewDecoder(r.Body).Decode(&a) != nil {
			t.Errorf("posted without signature or JSON: %v", r.Header)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.said = append(c.said, fmt.Sprint(a["event"], " ", a["destination"], " ", a["tenant"]))
		c.all = append(c.all, a)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *chatRoom) heard(line string) bool { return c.times(line) > 0 }

func (c *chatRoom) times(line string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.said {
		if s == line {
			n++
		}
	}
	return n
}

// TestAlerts: each change of a destination is posted to a chat once, with nothing but
// Caddy and Leadgate: also after a reload, and not again after kill -9.
func TestAlerts(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			chat, meta := newChatRoom(t), capitest.New(t)
			var status atomic.Int64
			status.Store(http.StatusServiceUnavailable)
			crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
			t.Cleanup(crm.Close)
			meta.Script(1_000_000, capitest.Answer{
				Status: http.StatusUnauthorized, Body: `{"error":{"message":"expired","type":"OAuthException","code":190,"error_subcode":463}}`,
			})
			events := "events {\n"
			for _, event := range []string{"parked", "paused", "resumed", "dead", "silent", "open", "closed"} {
				events += "on leadgate." + event + " leadgate_webhook " + chat.URL + " {\n sign secret\n}\n"
			}
			events += "}\n"
			block := edgetest.MetaBlock("tenant acme {\n match phone_number_id 106540352242922\n forward " + crm.URL + " {\n name crm\n}\n" +
				"capi {\n name meta\n dataset 1\n access_token x\n linger 10ms\n endpoint " + meta.URL() + "\n}\n}\n" +
				"tenant quiet {\n match phone_number_id 1\n forward " + crm.URL + " {\n name nobody\n}\n}")
			e := &edge{edgetest.New(t)}
			config := e.Caddyfile(global+"\nsilence 1s", events, block)
			e.Configure(config)
			e.Start()
			post := func(body []byte) {
				t.Helper()
				if status, err := e.post(body); err != nil || status != http.StatusOK {
					t.Fatalf("posting: %d %v", status, err)
				}
			}
			heard := func(line string) {
				t.Helper()
				edgetest.Until(t, line, func() bool { return chat.heard(line) })
			}
			for i := range 12 {
				post(text(fmt.Sprint("wamid.", i), fmt.Sprint("1555123400", i)))
			}
			post(click("wamid.click", "15551234999", "Aff-1"))
			heard("leadgate.open crm acme")
			heard("leadgate.parked meta acme")
			heard("leadgate.silent  quiet")

			// What was told is not told again, by another config or another process.
			e.Load(strings.Replace(config, "silence 1s", "silence 2s", 1))
			e.Kill()
			status.Store(http.StatusBadRequest) // before, since the breaker of the next process would open, too
			e.Start()
			meta.Reset()
			if code, body := e.Ask(http.MethodPost, "/leadgate/destinations/meta/resume", "application/json", "{}"); code != http.StatusOK {
				t.Fatalf("resuming: %d %s", code, body)
			}
			heard("leadgate.resumed meta acme")
			heard("leadgate.dead crm acme")
			edgetest.Until(t, "all are dead", func() bool { return e.Destinations()["crm"].Dead == 13 })
			edgetest.Until(t, "silence is told by the second process", func() bool { return chat.times("leadgate.silent  quiet") == 2 })
			e.Load(strings.Replace(config, "silence 1s", "silence 3s", 1))
			e.End() // what waits is posted

			chat.mu.Lock()
			defer chat.mu.Unlock()
			slices.Sort(chat.said)
			counts := map[string]int{}
			for _, line := range chat.said {
				counts[line]++
			}
			for _, once := range []string{"leadgate.parked meta acme", "leadgate.resumed meta acme", "leadgate.open crm acme"} {
				if counts[once] != 1 {
					t.Errorf("%s: told %d times", once, counts[once])
				}
			}
			dead := 0
			for _, a := range chat.all {
				if a["event"] == "leadgate.dead" {
					dead += int(a["count"].(float64))
				}
				if text, _ := json.Marshal(a); strings.Contains(string(text), "1555123") {
					t.Errorf("an alert names a contact: %s", text)
				}
				if a["event"] == "leadgate.parked" && !strings.Contains(a["text"].(string), "190/463") {
					t.Errorf("parked without its reason: %v", a)
				}
			}
			if dead != 13 {
				t.Errorf("%d dead letters were told of, want 13: %q", dead, chat.said)
			}
			if counts["leadgate.silent  quiet"] != 2 { // once in each process
				t.Errorf("silence was told %d times", counts["leadgate.silent  quiet"])
			}
		})
	}
}
