//go:build n8nnode

package n8n

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// conversions: the example, and many at a time, each with its own answer.
func (r *rehearsal) conversions(t *testing.T) {
	const won = `{"phone":"+1 (555) 123-4567","amount":"129.90","currency":"usd","dealId":1001,"email":"maria@example.com"}`
	for i, c := range []struct {
		text   string
		status int
		want   []string
	}{
		{won, 200, []string{`"status":"queued"`}},
		{won, 200, []string{`"status":"duplicate"`}},
		{`{"phone":"+15557654321","amount":5,"currency":"USD","dealId":"B"}`, 200, []string{`"status":"no_click"`}},
		{`{"phone":"+15551234567","amount":5,"dealId":"C"}`, 422, []string{`"error":`, `"fix":`, `currency`}},
	} {
		status, answer := r.n.post("deal-won", []byte(c.text), http.Header{"X-Api-Key": {crmKey}})
		for _, want := range c.want {
			if status != c.status || !strings.Contains(answer, want) {
				t.Errorf("deal %d: %d %s", i, status, answer)
			}
		}
	}
	until(t, "the Purchase is at Meta", func() bool { return len(accepted(t, r.meta, "Purchase")) == 1 })

	item := func(name, phone, order string) map[string]any {
		return map[string]any{
			"name": name, "phone": phone, "amount": "9.90", "currency": "USD", "order": order,
			"contents": []any{map[string]any{"id": "SKU-1", "quantity": 1, "itemPrice": "9.90"}}, "at": time.Now().UnixMilli(),
		}
	}
	got := r.n.question("conversions", map[string]any{"items": []any{
		item("OrderCreated", "+15551234567", "1"), item("No such", "+15551234567", "2"), item("OrderCreated", "+15557654321", "3"),
		item("OrderCreated", "+15551234567", "1"),
	}})
	if len(got) != 4 || got[0]["status"] != "queued" || got[2]["status"] != "no_click" || got[3]["status"] != "duplicate" {
		t.Fatalf("four conversions: %v", got)
	}
	if said, _ := got[1]["error"].(string); said == "" || got[1]["message"] == nil {
		t.Errorf("a name that nobody knows: %v", got[1])
	}
	until(t, "the order is at Meta", func() bool { return len(accepted(t, r.meta, "OrderCreated")) == 1 })
	if got := r.n.question("conversions", map[string]any{"items": []any{item("No such", "+15551234567", "2")}}); got[0]["error"] == nil {
		t.Errorf("one that is wrong, alone: %v", got)
	}
}

// deadLetters: they are listed, shown, replayed, one or all, and dropped.
func (r *rehearsal) deadLetters(t *testing.T) {
	r.e.send("text")
	crm := map[string]any{"destination": "crm", "limit": 10}
	until(t, "the CRM has refused two", func() bool { return len(r.n.question("dead", crm)) == 2 })
	if got := r.n.question("dead", map[string]any{"destination": "crm", "limit": 1}); len(got) != 1 {
		t.Errorf("one of two: %v", got)
	}
	first := r.n.question("dead", crm)[0]
	if first["destination"] != "crm" || first["code"] != "422" || first["event"] == nil {
		t.Errorf("a dead letter is %v", first)
	}
	if got := r.n.question("letter", map[string]any{"id": first["id"]}); got[0]["eventId"] != first["eventId"] {
		t.Errorf("the same, alone: %v", got)
	}

	// what has the node do something to dead letters of the CRM.
	what := func(path string, of map[string]any) map[string]any {
		of["destination"] = "crm"
		return r.n.question(path, of)[0]
	}
	r.takes.Store(true)
	if got := what("replay", map[string]any{"id": first["id"]}); got["count"] != 1.0 {
		t.Errorf("replaying one: %v", got)
	}
	until(t, "the CRM has it", func() bool { return r.e.destination("crm").Delivered == 1 })
	if got := what("replay", map[string]any{"id": first["id"]}); got["error"] == nil || got["message"] == nil {
		t.Errorf("replaying what is not there any more: %v", got)
	}
	// None died in the future.
	if got := what("replay-all", map[string]any{"reason": first["reason"], "since": "2999-01-01T00:00:00"}); got["count"] != 0.0 {
		t.Errorf("replaying what will die: %v", got)
	}
	if got := what("replay-all", map[string]any{"reason": first["reason"], "since": "2000-01-01T00:00:00"}); got["count"] != 1.0 {
		t.Errorf("replaying all: %v", got)
	}
	until(t, "the CRM has both", func() bool { return r.e.destination("crm").Delivered == 2 })

	r.takes.Store(false)
	r.e.send("text")
	until(t, "the CRM has refused another", func() bool { return len(r.n.question("dead", crm)) == 1 })
	if got := what("drop", map[string]any{"reason": first["reason"]}); got["error"] == nil {
		t.Errorf("dropping with a filter that came out empty: %v", got)
	}
	if got := what("drop", map[string]any{"reason": first["reason"], "since": 1}); got["count"] != 1.0 {
		t.Errorf("dropping all: %v", got)
	}
}

// destinations: what they do, pausing and resuming, and what a token may not, or another path
// cannot, is an error that says what to do.
func (r *rehearsal) destinations(t *testing.T) {
	states := make(map[any]any)
	for _, d := range r.n.question("destinations", nil) {
		states[d["name"]] = d["state"]
	}
	if len(states) != 8 || states["n8n"] != "running" {
		t.Errorf("the destinations are %v", states)
	}
	for _, c := range []struct{ action, state string }{{"pause", "paused"}, {"resume", "running"}} {
		if got := r.n.question(c.action, map[string]any{"destination": "crm"}); got[0]["success"] != true {
			t.Errorf("%s: %v", c.action, got)
		}
		until(t, "it is "+c.state, func() bool { return r.e.destination("crm").State == c.state })
	}
	for path, want := range map[string]string{"may-not": "allow", "no-edge": "path"} {
		got := r.n.question(path, map[string]any{"destination": "crm"})
		if fix, _ := got[0]["message"].(string); got[0]["error"] == nil || !strings.Contains(fix, want) {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// adsAndContacts: what the ad brought, and whom; and forgetting one.
func (r *rehearsal) adsAndContacts(t *testing.T) {
	rows := r.n.question("ads", nil)
	if len(rows) != 1 || rows[0]["adId"] != "120210000000000001" || rows[0]["clicks"] != 1.0 || rows[0]["purchases"] != 1.0 {
		t.Errorf("the figures are %v", rows)
	}
	who := map[string]any{"contact": "+15551234567"}
	touches := func() int {
		got, _ := r.n.question("contact", who)[0]["touches"].([]any)
		return len(got)
	}
	if touches() != 1 {
		t.Errorf("the contact has %d clicks", touches())
	}
	if got := r.n.question("erase", who); got[0]["contact"] != "+15551234567" || got[0]["count"] == 0.0 {
		t.Errorf("erasing it: %v", got)
	}
	if touches() != 0 {
		t.Errorf("an erased contact has %d clicks", touches())
	}
}
