package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

const (
	leadPage = "1029384756"
	leadForm = "771234567890123"
)

// formDesk gets forms' leads, and keeps each body by its lead's id.
type formDesk struct {
	*httptest.Server
	mu     sync.Mutex
	bodies map[string][]string
	count  int // of all that came
	status int
}

func newFormDesk(t *testing.T) *formDesk {
	d := &formDesk{bodies: make(map[string][]string), status: http.StatusOK}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var event struct {
			Kind string
			Lead struct{ LeadgenID string }
		}
		_ = json.Unmarshal(body, &event)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.count++
		if d.status == http.StatusOK && event.Kind == "lead" {
			d.bodies[event.Lead.LeadgenID] = append(d.bodies[event.Lead.LeadgenID], string(body))
		}
		w.WriteHeader(d.status)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *formDesk) got(id string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.bodies[id])
}

func (d *formDesk) all() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

func (d *formDesk) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.bodies)
}

func leadgen(ids ...string) []byte {
	var changes []string
	for _, id := range ids {
		changes = append(changes, fmt.Sprintf(`{"field":"leadgen","value":{"leadgen_id":%s,"page_id":"%s","form_id":"%s","created_time":%d}}`,
			id, leadPage, leadForm, time.Now().Unix()))
	}
	return []byte(`{"object":"page","entry":[{"id":"` + leadPage + `","time":1,"changes":[` + strings.Join(changes, ",") + `]}]}`)
}

func leadIDs(from, n int) (ids []string) {
	for i := range n {
		ids = append(ids, strconv.Itoa(238512345678900000+from+i))
	}
	return ids
}

// newLeadEdge is an edge with a desk for the leads, one for raw bytes, and a fake of Meta's.
func newLeadEdge(
	t *testing.T, global, more string,
) (e *edge, desk *formDesk, fake *leadfake.Server, refusal *atomic.Pointer[leadfake.Refusal]) {
	t.Helper()
	desk, fake, refusal = newFormDesk(t), new(leadfake.Server), new(atomic.Pointer[leadfake.Refusal])
	fake.Refuse = func(*http.Request) *leadfake.Refusal { return refusal.Load() }
	fake.AddForm(&leadfake.Form{ID: leadForm, Page: leadPage, Name: "Summer", Status: "ACTIVE"})
	meta := httptest.NewServer(fake)
	t.Cleanup(meta.Close)
	return startLeadEdge(t, global, more, desk.URL, meta.URL), desk, fake, refusal
}

// startLeadEdge starts an edge that reads leads at meta and forwards them to a desk.
func startLeadEdge(t *testing.T, global, more, desk, meta string) *edge {
	t.Helper()
	e := &edge{edgetest.New(t)}
	e.KeepLog = true
	token := filepath.Join(e.Dir, "token")
	if err := os.WriteFile(token, []byte("right"), 0o600); err != nil {
		t.Fatal(err)
	}
	block := "tenant acme {\n match page_id " + leadPage + "\n forward " + desk + " {\n name crm\n}\n" +
		" leads {\n access_token {file." + token + "}\n endpoint " + meta + "\n" + more + "\n}\n}"
	e.Configure(e.Caddyfile(global, "", edgetest.MetaBlock(block)))
	e.Start()
	return e
}

func (e *edge) setToken(t *testing.T, token string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(e.Dir, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onceEach waits until the desk has each lead, and holds it to have none twice.
func (d *formDesk) onceEach(t *testing.T, ids []string) {
	t.Helper()
	edgetest.Until(t, "each lead is there", func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return len(d.got(id)) == 0 })
	})
	for _, id := range ids {
		got := d.got(id)
		if len(got) != 1 || !strings.Contains(got[0], `"answers":[{"name":"full_name"`) || !strings.Contains(got[0], `"formName":"Summer"`) {
			t.Errorf("lead %s: %d times, %.2000s", id, len(got), got)
		}
	}
}

// TestLeads: over a dead token, throttling, proxies' errors, a lead that is not there yet, and
// kill -9 between the webhook and the reading, each lead comes once, whole, and nothing of it is
// in a log.
func TestLeads(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, server := store(t)
			e, desk, fake, refusal := newLeadEdge(t, global, "")
			ids := leadIDs(0, 40)
			for _, id := range ids {
				fake.Add(leadfake.Sample(id, time.Now()))
			}
			fake.SetToken("right")
			late := leadIDs(40, 1) // which Meta does not know yet: it holds up no other
			e.mustPost(t, leadgen(late...))
			edgetest.Until(t, "it is asked for", func() bool { return fake.Asked(late[0]) > 0 })

			e.setToken(t, "dead")
			e.Kill()
			e.Start()
			e.mustPost(t, leadgen(ids[:5]...))
			edgetest.Until(t, "the destination is parked", func() bool { return e.Destinations()["acme-leads"].State == "parked" })
			if desk.len() != 0 {
				t.Fatal("a lead without its answers was forwarded")
			}
			e.mustPost(t, leadgen(ids[0], `"`+ids[1]+`"`)) // again, one as text
			e.Kill()
			if server != nil {
				server.Kill()
				server.Restart()
			}
			e.setToken(t, "right")
			e.Start()
			desk.onceEach(t, ids[:5])

			refusal.Store(&leadfake.Refusal{Status: 502, Body: "<html>bad gateway</html>"})
			e.mustPost(t, leadgen(ids[5:20]...))
			edgetest.Until(t, "they wait", func() bool { return e.Destinations()["acme-leads"].Backlog == 15+1 })
			refusal.Store(&leadfake.Refusal{Status: 400, Code: 80005, Message: "too many calls", Header: map[string]string{"Retry-After": "1"}})
			e.mustPost(t, leadgen(ids[20:30]...))
			e.Kill()
			refusal.Store(nil)
			e.Start()
			e.mustPost(t, leadgen(ids[30:]...))
			desk.onceEach(t, ids)
			if d := e.Destinations()["acme-leads"]; d.Dead != 0 || len(desk.got(late[0])) != 0 {
				t.Errorf("what is not there yet: %+v", d)
			}
			fake.Add(leadfake.Sample(late[0], time.Now()))
			ids = append(ids, late...)
			desk.onceEach(t, ids)
			e.mustPost(t, leadgen(ids...))
			edgetest.Until(t, "all is drained", func() bool {
				d := e.Destinations()
				return d["acme-leads"].Backlog == 0 && d["crm"].Backlog == 0
			})
			desk.onceEach(t, ids)
			var byAd []struct {
				AdID  string
				Leads int
			}
			if e.Do(http.MethodGet, "/leadgate/ads?tenant=acme&group=ad", "", &byAd); len(byAd) != 1 || byAd[0].AdID != "120210000000000001" ||
				byAd[0].Leads != len(ids) {
				t.Errorf("their ad's figures: %+v", byAd)
			}
			for _, secret := range []string{"Ana Souza", "987654321\"", "ana@example.com", "centro", "5511987654321"} {
				if strings.Contains(e.Said(), secret) {
					t.Errorf("the log has %q", secret)
				}
			}
		})
	}
}
