package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redistest"
	"github.com/leadgate/leadgate/internal/samples"
)

// withAdmin gives a site an admin endpoint, on a port of its own.
func withAdmin(t *testing.T, caddyfile string) (string, string) {
	addr := fmt.Sprintf("127.0.0.1:%d", freeport.New(t))
	return strings.Replace(caddyfile, "admin off", "admin "+addr, 1), "http://" + addr
}

// admin calls the admin endpoint.
func (e *edge) admin(base, method, path string, body any, into any) int {
	e.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		e.t.Fatal(err)
	}
	req, err := http.NewRequest(method, base+path, bytes.NewReader(b))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, text := e.do(req)
	if into != nil {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			e.t.Fatalf("%s %s: %d %s: %v", method, path, resp.StatusCode, text, err)
		}
	}
	return resp.StatusCode
}

type deadPage struct {
	Dead []admin.DeadLetter
	Next *string
}

// waitFor polls the edge until something is so.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	s := newSink(t)
	s.status = func(delivered) int { return http.StatusUnprocessableEntity }
	config, base := withAdmin(t, site("forward "+s.URL+" {\n\t\t\tname crm\n\t\t}"))
	e := startEdge(t, config)
	for i := range 5 {
		e.post("/webhooks/meta", message(fmt.Sprintf("wamid.%d", i), "15551234567", "x"))
	}
	var page deadPage
	waitFor(t, "5 dead letters", func() bool {
		e.admin(base, "GET", "/leadgate/dead?destination=crm", nil, &page)
		return len(page.Dead) == 5
	})
	d := page.Dead[0]
	if d.Code != "422" || d.Tenant != "default" || d.Kind != "message" || d.Attempts != 1 || d.Reason == "" || d.FirstAt == nil ||
		d.DiedAt < *d.FirstAt {
		t.Errorf("dead letter: %+v", d)
	}
	var event map[string]any
	if err := json.Unmarshal(d.Event, &event); err != nil || event["id"] != d.EventID {
		t.Errorf("event: %s", d.Event)
	}
	var first, second deadPage
	e.admin(base, "GET", "/leadgate/dead?limit=3", nil, &first)
	if len(first.Dead) != 3 || first.Next == nil {
		t.Fatalf("first page: %d", len(first.Dead))
	}
	e.admin(base, "GET", "/leadgate/dead?limit=3&after="+*first.Next, nil, &second)
	if len(second.Dead) != 2 || second.Next != nil || second.Dead[0].ID == first.Dead[2].ID {
		t.Fatalf("second page: %d", len(second.Dead))
	}
	e.admin(base, "GET", "/leadgate/dead?reason=nothing", nil, &second)
	if len(second.Dead) != 0 {
		t.Error("a reason that nothing has found something")
	}

	for _, bad := range []any{map[string]any{"destination": "crm"}, map[string]any{"all": true},
		map[string]any{"destination": "crm", "all": true, "ids": []string{"x"}}, map[string]any{"destination": "crm", "al": true}} {
		if status := e.admin(base, "POST", "/leadgate/dead/replay", bad, nil); status != 400 {
			t.Errorf("%v: %d", bad, status)
		}
	}
	for range 5 {
		s.next(t)
	}
	s.mu.Lock()
	s.status = nil
	s.mu.Unlock()
	var count struct{ Count int }
	e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "crm", "ids": []string{d.ID}}, &count)
	if count.Count != 1 {
		t.Errorf("replayed %d", count.Count)
	}
	if got := s.next(t); got.header.Get("Leadgate-Event-Id") != d.EventID {
		t.Errorf("replayed %s", got.body)
	}
	e.admin(base, "POST", "/leadgate/dead/drop", map[string]any{"destination": "crm", "all": true}, &count)
	if count.Count != 4 {
		t.Errorf("dropped %d", count.Count)
	}
}

// TestUnmatched keeps what nobody wants, and routes it again when somebody does.
func TestUnmatched(t *testing.T) {
	s := newSink(t)
	block := func(number string) string {
		return site("tenant acme {\n match phone_number_id " + number + "\n forward " + s.URL + "\n}")
	}
	config, base := withAdmin(t, block("111"))
	e := startEdge(t, config)
	if resp, _ := e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1")); resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	var page deadPage
	e.admin(base, "GET", "/leadgate/dead?destination=unmatched", nil, &page)
	if len(page.Dead) != 1 || !strings.Contains(page.Dead[0].Explanation, "match phone_number_id 106540352242922") {
		t.Fatalf("%+v", page)
	}
	var count struct{ Count int }
	e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &count)
	if count.Count != 0 {
		t.Error("it was routed to nobody")
	}
	s.expectNone(t)
	config, base = withAdmin(t, block("106540352242922"))
	if err := e.load(config); err != nil {
		t.Fatal(err)
	}
	e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &count)
	if count.Count != 1 {
		t.Fatalf("replayed %d", count.Count)
	}
	d := s.next(t)
	attribution, _ := d.event["attribution"].(map[string]any)
	if d.event["tenantId"] != "acme" || d.event["id"] == page.Dead[0].EventID || d.header.Get("Leadgate-Event-Id") != d.event["id"] ||
		attribution["lastClick"] == nil {
		t.Errorf("got %s", d.body)
	}
	// The webhook itself, redelivered, is the same event.
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	s.expectNone(t)
	e.admin(base, "GET", "/leadgate/dead?destination=unmatched", nil, &page)
	if len(page.Dead) != 0 {
		t.Errorf("%d are left", len(page.Dead))
	}
}

// TestRemovedDestination keeps the queue of a destination that leaves the
// configuration, and moves it to another.
func TestRemovedDestination(t *testing.T) {
	s := newSink(t)
	block := func(name, url string) string {
		return site("forward " + url + " {\n\t\t\tname " + name + "\n\t\t}")
	}
	config, _ := withAdmin(t, block("old", "http://127.0.0.1:9/"))
	e := startEdge(t, config)
	for i := range 3 {
		e.post("/webhooks/meta", message(fmt.Sprintf("wamid.%d", i), "15551234567", "x"))
	}
	config, base := withAdmin(t, block("new", s.URL))
	if err := e.load(config); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	e.admin(base, "GET", "/leadgate/destinations", nil, &list)
	states := make(map[string]any)
	for _, d := range list {
		states[d["name"].(string)] = d["state"]
	}
	if states["old"] != "removed" || states["new"] != "running" {
		t.Fatalf("states: %v", states)
	}
	if status := e.admin(base, "POST", "/leadgate/destinations/new/drop", nil, nil); status != 409 {
		t.Errorf("dropping a configured one: %d", status)
	}
	if status := e.admin(base, "POST", "/leadgate/destinations/nobody/pause", nil, nil); status != 404 {
		t.Errorf("an unknown one: %d", status)
	}
	for action, body := range map[string]map[string]string{
		"move": {}, "move ": {"to": ""}, "drop": {"to": "new"}, "drop ": {"destination": "x"},
	} {
		if status := e.admin(base, "POST", "/leadgate/destinations/old/"+strings.TrimSpace(action), body, nil); status != 400 {
			t.Errorf("%s with %v: %d, want 400", action, body, status)
		}
	}
	var count struct{ Count int }
	if status := e.admin(base, "POST", "/leadgate/destinations/old/move", map[string]string{"to": "new"}, &count); status != 200 ||
		count.Count != 3 {
		t.Fatalf("move: %d, %d", status, count.Count)
	}
	ids(t, s, 3)
}

// TestPause stops a destination until it is resumed, also over a reload.
func TestPause(t *testing.T) {
	s := newSink(t)
	config, base := withAdmin(t, site("forward "+s.URL+" {\n\t\t\tname crm\n\t\t}"))
	e := startEdge(t, config)
	if status := e.admin(base, "POST", "/leadgate/destinations/crm/pause", nil, nil); status != 200 {
		t.Fatalf("pause: %d", status)
	}
	e.post("/webhooks/meta", message("wamid.1", "15551234567", "x"))
	if err := e.load(config + "\n# again"); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	e.admin(base, "GET", "/leadgate/destinations", nil, &list)
	if list[0]["state"] != "paused" || list[0]["backlog"] != 1.0 {
		t.Fatalf("destination: %v", list[0])
	}
	s.expectNone(t)
	if status := e.admin(base, "POST", "/leadgate/destinations/crm/resume", nil, nil); status != 200 {
		t.Fatalf("resume: %d", status)
	}
	ids(t, s, 1)
}

// TestDeadAfterNothing: a page after what is no dead letter's id is a bad request,
// on both stores.
func TestDeadAfterNothing(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			s := newSink(t)
			config, base := withAdmin(t, site("forward "+s.URL+" {\n\t\t\tname crm\n\t\t}"))
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			for _, query := range []string{"after=x", "after=x&destination=crm", "after=x&limit=1", "after=404+Not+Found",
				"destination=crm&after=-"} {
				var answer struct{ Error string }
				if status := e.admin(base, "GET", "/leadgate/dead?"+query, nil, &answer); status != 400 {
					t.Errorf("%s: %d %s", query, status, answer.Error)
				}
			}
		})
	}
}

// TestErase forgets a contact's clicks and dead letters.
func TestErase(t *testing.T) {
	s := newSink(t)
	config, base := withAdmin(t, site("tenant acme\nforward "+s.URL))
	e := startEdge(t, config)
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	if d := s.next(t); d.event["attribution"] == nil {
		t.Fatal("no attribution")
	}
	var count struct{ Count int }
	if status := e.admin(base, "POST", "/leadgate/contacts/erase", map[string]string{"tenant": "acme", "contact": "+15551234567"},
		&count); status != 200 || count.Count == 0 {
		t.Fatalf("erase: %d, %d", status, count.Count)
	}
	e.post("/webhooks/meta", message("wamid.2", "15551234567", "x"))
	if d := s.next(t); d.event["attribution"] != nil {
		t.Errorf("still known: %s", d.body)
	}
}

// TestUnmatchedAutomaticEvent routes again an event that carries a click id
// alone.
func TestUnmatchedAutomaticEvent(t *testing.T) {
	s := newSink(t)
	block := func(number string) string {
		return site("tenant acme {\n match phone_number_id " + number + "\n forward " + s.URL +
			"\n capi {\n dataset 1\n access_token x\n endpoint http://127.0.0.1:9\n}\n}")
	}
	config, _ := withAdmin(t, block("111"))
	e := startEdge(t, config)
	body, err := samples.Render("purchase", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	e.post("/webhooks/meta", body)
	config, base := withAdmin(t, block("106540352242922"))
	if err := e.load(config); err != nil {
		t.Fatal(err)
	}
	var count struct{ Count int }
	if e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &count); count.Count != 1 {
		t.Fatalf("replayed %d", count.Count)
	}
	if d := s.next(t); d.event["kind"] != "automatic_event" || d.event["tenantId"] != "acme" {
		t.Errorf("got %s", d.body)
	}
}

// A dead letter of a newer edge, in a Redis that both use, is listed without its kind.
func TestShowDeadOfANewerEdge(t *testing.T) {
	if d := admin.ShowDead(&queue.DeadLetter{Header: queue.Header{Kind: 200}, Payload: []byte(`{}`)}); d.Kind != "" ||
		string(d.Event) != "{}" {
		t.Errorf("%+v", d)
	}
}

// TestRenamedTenant gives a tenant another name and not its destination, with both
// stores: all that the destination had goes along.
func TestRenamedTenant(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			s := newSink(t)
			s.status = func(d delivered) int {
				if strings.Contains(string(d.body), "refuse") {
					return http.StatusUnprocessableEntity
				}
				return http.StatusOK
			}
			block := func(tenant string) string {
				return site("tenant " + tenant + "\n\t\tforward " + s.URL + " {\n\t\t\tname crm\n\t\t}")
			}
			use := func(text string) string { return text }
			if store == "redis" {
				url := redistest.Start(t).URL()
				use = func(text string) string {
					return strings.Replace(text, "queue embedded %DIR%/queue", "queue redis "+url, 1)
				}
			}
			config, base := withAdmin(t, use(block("acme")))
			e := startEdge(t, config)
			act := func(action string) {
				t.Helper()
				if status := e.admin(base, "POST", "/leadgate/destinations/crm/"+action, nil, nil); status != 200 {
					t.Fatalf("%s: %d", action, status)
				}
			}
			row := func() map[string]any {
				t.Helper()
				var list []map[string]any
				e.admin(base, "GET", "/leadgate/destinations", nil, &list)
				if len(list) != 1 {
					t.Fatalf("destinations: %v", list)
				}
				return list[0]
			}
			dead := func() []admin.DeadLetter {
				t.Helper()
				var page deadPage
				e.admin(base, "GET", "/leadgate/dead?destination=crm", nil, &page)
				return page.Dead
			}
			e.post("/webhooks/meta", message("wamid.dead", "15551234599", "refuse"))
			waitFor(t, "a dead letter", func() bool { return len(dead()) == 1 })
			s.next(t)
			act("pause")
			e.post("/webhooks/meta", click("wamid.click", "15551234500", "Aff-1"))
			want := []string{"wamid.click"}
			for i := range 27 {
				id := fmt.Sprintf("wamid.%d", i)
				want = append(want, id)
				e.post("/webhooks/meta", message(id, "15551234500", "x"))
			}

			config, base = withAdmin(t, use(block("initech")))
			if err := e.load(config); err != nil {
				t.Fatal(err)
			}
			e.post("/webhooks/meta", message("wamid.new", "15551234500", "x"))
			want = append(want, "wamid.new")
			for range 3 {
				req, err := http.NewRequest(http.MethodGet, base+"/metrics", nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp, text := e.do(req); resp.StatusCode != 200 || strings.Count(text, `leadgate_backlog{destination="crm"}`) != 1 {
					t.Fatalf("metrics: %d", resp.StatusCode)
				}
			}
			waitFor(t, "the queue to be the new tenant's", func() bool {
				r := row()
				return r["tenant"] == "initech" && r["state"] == "paused" && r["backlog"] == 29.0 && r["dead"] == 1.0 && dead()[0].Tenant == "initech"
			})
			s.expectNone(t)
			if status := e.admin(base, "POST", "/leadgate/destinations/crm/drop", nil, nil); status != 409 {
				t.Errorf("dropping a configured one: %d", status)
			}
			act("resume")
			for _, id := range want {
				d := s.next(t)
				attribution, _ := d.event["attribution"].(map[string]any)
				if got := d.event["message"].(map[string]any)["id"]; got != id || (id != "wamid.new") != (attribution != nil) {
					t.Fatalf("got %v with attribution %v, want %s", got, attribution, id)
				}
			}
			s.mu.Lock()
			s.status = nil
			s.mu.Unlock()
			var count struct{ Count int }
			e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "crm", "all": true}, &count)
			if d := s.next(t); count.Count != 1 || d.event["message"].(map[string]any)["id"] != "wamid.dead" {
				t.Errorf("replayed %d: %s", count.Count, d.body)
			}
			waitFor(t, "nothing to be left", func() bool { return row()["backlog"] == 0.0 })
			s.expectNone(t)
		})
	}
}
