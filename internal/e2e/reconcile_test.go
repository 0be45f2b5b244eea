package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

func (d *formDesk) answer(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}

// TestReconcile: leads that no webhook brought are read of their form, once each: over kill -9 in
// the middle, webhooks that come late, a dead token and throttling; and a form that is archived
// is not read.
func TestReconcile(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, _ := store(t)
			e, desk, fake, refusal := newLeadEdge(t, global, "reconcile 200ms")
			fake.SetToken("right")
			fake.AddForm(&leadfake.Form{ID: "771234567890999", Page: leadPage, Name: "Old", Status: "ARCHIVED"})
			archived := leadfake.Sample("238512345678999999", time.Now())
			archived.Form = "771234567890999"
			fake.Add(archived)
			add := func(ids []string) {
				for _, id := range ids {
					fake.Add(leadfake.Sample(id, time.Now()))
				}
			}
			ids := leadIDs(0, 330)
			e.Kill()
			add(ids[:120])                             // more than is read at once
			desk.answer(http.StatusServiceUnavailable) // a forward that is killed on its way may come again
			e.Start()
			edgetest.Until(t, "it reads", func() bool { return e.Destinations()["crm"].Backlog > 10 })
			e.Kill()
			desk.answer(http.StatusOK)
			e.Start()
			desk.onceEach(t, ids[:120])
			e.mustPost(t, leadgen(ids[:120]...))

			e.mustPost(t, leadgen(ids[120:130]...)) // before they are there to read
			add(ids[120:200])
			desk.onceEach(t, ids[:200])

			refusal.Store(&leadfake.Refusal{Status: 400, Code: 80005, Message: "too many", Header: map[string]string{"Retry-After": "1"}})
			add(ids[200:250])
			edgetest.Until(t, "it waits", func() bool { return strings.Contains(e.Said(), "error 80005") })
			refusal.Store(nil)
			desk.onceEach(t, ids[:250])

			e.setToken(t, "dead")
			fake.SetToken("new")
			add(ids[250:])
			edgetest.Until(t, "the token is dead", func() bool { return strings.Contains(e.Said(), "error 190") })
			e.setToken(t, "new")
			desk.onceEach(t, ids)
			if len(desk.got(archived.ID)) != 0 {
				t.Error("a form that is archived was read")
			}
			var said int
			for line := range strings.Lines(e.Said()) {
				if strings.Contains(line, "webhooks missed leads of a form") {
					said++
				}
				if strings.Contains(line, "access_token=") || strings.Contains(line, "Ana Souza") {
					t.Errorf("the log has %s", line)
				}
			}
			if said == 0 {
				t.Error("nothing says that webhooks missed leads")
			}
			var byAd []struct{ Leads int }
			if e.Do(http.MethodGet, "/leadgate/ads?tenant=acme&group=ad", "", &byAd); len(byAd) != 1 || byAd[0].Leads != len(ids) {
				t.Errorf("their ad's figures: %+v", byAd)
			}
		})
	}
}

// TestBackfill: a form's leads of weeks ago, by the command, once.
func TestBackfill(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, _ := store(t)
			e, desk, fake, _ := newLeadEdge(t, global, "")
			ids := leadIDs(0, 250)
			for i, id := range ids {
				fake.Add(leadfake.Sample(id, time.Now().Add(-time.Duration(i+1)*8*time.Hour)))
			}
			late := leadfake.Sample("238512345678999998", time.Now().Add(-91*24*time.Hour))
			fake.Add(late)
			e.mustPost(t, leadgen(ids[:20]...))
			desk.onceEach(t, ids[:20])
			var said struct{ Leads, Queued int }
			ask := func(body string, leads, queued int) {
				t.Helper()
				said.Leads, said.Queued = 0, 0
				if e.Do(http.MethodPost, "/leadgate/leads/import", body, &said); said.Leads != leads || said.Queued != queued {
					t.Errorf("%s: %+v", body, said)
				}
			}
			for since, says := range map[int64]string{
				time.Now().Add(time.Hour).UnixMilli():            "in the future",
				time.Now().Add(-92 * 24 * time.Hour).UnixMilli(): "more than 90 days ago",
			} {
				body := fmt.Sprintf(`{"form":%q,"since":%d}`, leadForm, since)
				status, answer := e.Ask(http.MethodPost, "/leadgate/leads/import", "application/json", body)
				if status != http.StatusBadRequest || !strings.Contains(string(answer), says) {
					t.Errorf("%s: %d %s", body, status, answer)
				}
			}
			ask(`{"form":"`+leadForm+`","dryRun":true}`, 250, 0)
			if desk.len() != 20 {
				t.Error("a dry run queued leads")
			}
			ask(`{"form":"`+leadForm+`","tenant":"acme"}`, 250, 230)
			desk.onceEach(t, ids)
			ask(`{"form":"`+leadForm+`"}`, 250, 0)
			e.mustPost(t, leadgen(ids...))
			edgetest.Until(t, "all is drained", func() bool {
				d := e.Destinations()
				return d["acme-leads"].Backlog == 0 && d["crm"].Backlog == 0
			})
			desk.onceEach(t, ids)
			if len(desk.got(late.ID)) != 0 {
				t.Error("a lead older than 90 days")
			}
		})
	}
}
