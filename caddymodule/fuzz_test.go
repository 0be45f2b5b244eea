package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/normalize"
)

// FuzzMetaVerify accepts the one signature that a secret makes of a body, and
// nothing else.
func FuzzMetaVerify(f *testing.F) {
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	f.Add(body, "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756", "")
	f.Add(body, "sha256=DEC6A680679A968E7E0319355B23599CBFC54502C0784668E9618BAA0C633756", "sha1=fc5983fdf1a4e15c8949b8af05322fede4063d27")
	f.Add([]byte(`{"text":"caf\u00e9 \/ x"}`), "sha256=2b0d90487e580dfa9725ba8ae0d348e8a0d945bc4683e56d6690d8684e0d0fac", "")
	f.Add([]byte(nil), "sha256=", "")
	f.Add(body, "sha256=zz", "x")
	f.Fuzz(func(t *testing.T, body []byte, header, legacy string) {
		m := &Meta{secrets: verify.Keys{verify.NewKey("other"), verify.NewKey("test_app_secret")}}
		r := &http.Request{Header: http.Header{}}
		r.Header["X-Hub-Signature-256"], r.Header["X-Hub-Signature"] = []string{header}, []string{legacy}
		err := m.Verify(r, body)
		// Hex may stand in either case; nothing else may differ.
		right := len(header) == 71 && header[:7] == "sha256=" && (lower(header[7:]) == signature("test_app_secret", body)[7:] || lower(header[7:]) == signature("other", body)[7:])
		if (err == nil) != right {
			t.Errorf("%q of %q: %v", header, body, err)
		}
		r.Header["X-Hub-Signature-256"] = []string{signature("test_app_secret", body)}
		if err := m.Verify(r, body); err != nil {
			t.Errorf("the right signature of %q: %v", body, err)
		}
	})
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'F' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// clickStore is a queue whose every contact has clicked the same ad.
type clickStore struct {
	queue.Queue
	click []byte
}

func (s clickStore) Clicks(_ context.Context, _ string, keys []string) ([]queue.Clicks, error) {
	found := make([]queue.Clicks, len(keys))
	for i := range found {
		if i == 0 {
			found[i] = queue.Clicks{First: s.click, Last: s.click, LastClid: s.click}
		}
	}
	return found, nil
}

// FuzzConversions plans whatever is posted: each item has one result, what is
// invalid says why, and what is queued is a valid event that Meta's rules let
// through.
func FuzzConversions(f *testing.F) {
	for _, item := range []string{
		`{"eventName":"Purchase","waPhone":"+15551234567","value":12.5,"currency":"USD","orderId":"A-1"}`,
		`[{"eventName":"won","waId":"15551234567","value":"1e3","currency":"usd"},{"eventName":"Lead","userId":"US.1"},{}]`,
		`{"eventName":"QualifiedLead","messageId":"wamid.1","touch":"first","eventTime":"2025-01-10T19:00:00Z","email":"a@b.c","customData":{"x":[1,null]}}`,
		`{"eventName":"Purchase","ctwaClid":"Aff-1","value":-0,"currency":"JPY","contents":[{"id":"1","quantity":2,"itemPrice":"9.90"}],"channel":"whatsapp"}`,
		`{"eventName":"OrderShipped","waPhone":"5531987654321","eventTime":1736535000000,"email":"\ud800@x.y"}`,
	} {
		f.Add([]byte(item))
	}
	now := time.UnixMilli(1736535600000)
	var touched queue.Event
	var batch normalize.Batch
	if err := normalize.Meta(&batch, click("wamid.1", "15551234567", "Aff-1"), now.UnixMilli()); err != nil {
		f.Fatal(err)
	}
	clicks.Touch(&batch.Events[0], &touched)
	store := clickStore{click: touched.Click.Data}
	tenant := &tenant{name: "acme"}
	settings := capi.Settings{Dataset: "1", AccessToken: "x"}
	tenant.destinations = []*destination{{capi: &capiDestination{settings: settings}}, {wants: wants{kinds: wantAll}}}
	c := &Conversions{Tenant: "acme", Map: map[string]string{"won": "Purchase"}, tenant: tenant, app: &App{}}

	f.Fuzz(func(t *testing.T, body []byte) {
		var doc jsondoc.Doc
		if doc.Parse(body) != nil {
			return
		}
		items := []jsondoc.Node{doc.Root()}
		if doc.Root().Kind() == '[' {
			items = items[:0]
			for n := doc.Root().First(); n.Exists(); n = n.Next() {
				items = append(items, n)
			}
		}
		p := conversionPlan{c: c, now: now, results: make([]conversionResult, len(items)), group: queue.Group{Tenant: "acme"}}
		if err := p.read(t.Context(), store, items); err != nil {
			t.Fatal(err)
		}
		for i := range p.items {
			p.plan(i)
		}
		outcomes := make([]queue.Outcome, len(p.group.Jobs))
		for i := range outcomes {
			outcomes[i] = queue.Queued
		}
		p.report(&queue.Result{Jobs: outcomes})
		for i, r := range p.results {
			switch r.Status {
			case "queued":
				if r.EventID == nil || r.Error != nil || r.Click == nil {
					t.Errorf("item %d: %+v", i, r)
				}
			case "invalid", "no_click":
				if r.EventID != nil || r.Error == nil || *r.Error == "" {
					t.Errorf("item %d: %+v", i, r)
				}
			default:
				t.Errorf("item %d: status %q", i, r.Status)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Errorf("item %d: %v", i, err)
			}
		}
		for _, payload := range p.group.Payloads {
			if !json.Valid(payload) {
				t.Errorf("no JSON: %s", payload)
			}
		}
	})
}
