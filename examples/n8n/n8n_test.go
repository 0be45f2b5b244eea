//go:build n8n

package n8n

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
)

// The secrets of the test: what stands in n8n's credentials and in the Caddyfile.
const (
	appID            = "1122334455667788"
	appSecret        = "test_app_secret"
	signingSecret    = "test signing secret ÄÖ"
	crmKey           = "test-crm-key"
	conversionsToken = "test-conversions-token"
	apiToken         = "test-api-token"
	capiToken        = "test-capi-token"
)

// credentials are the ones that docs/n8n.md tells users to make.
func credentials() []map[string]any {
	c := func(id, name, kind string, data map[string]any) map[string]any {
		return map[string]any{"id": id, "name": name, "type": kind, "data": data}
	}
	return []map[string]any{
		c("leadgateSigning1", "Leadgate signing secret", "crypto", map[string]any{"hmacSecret": signingSecret}),
		c("leadgateCrmKey01", "CRM webhook key", "httpHeaderAuth", map[string]any{"name": "X-Api-Key", "value": crmKey}),
		c("leadgateConvert1", "Leadgate conversions token", "httpBearerAuth", map[string]any{"token": conversionsToken}),
		c("leadgateMetaApp1", "Meta app secret", "crypto", map[string]any{"hmacSecret": appSecret}),
		c("leadgateMetaOAut", "Meta app", "whatsAppTriggerApi", map[string]any{"clientId": appID, "clientSecret": appSecret}),
	}
}

// TestN8N is the way of docs/n8n.md, from one n8n and one edge.
func TestN8N(t *testing.T) {
	meta := capitest.New(t, func(s *capitest.Server) { s.Token = capiToken })
	g := newGraph(t)
	e := newEdge(t)
	all := readWorkflows(t, ".")
	const form = "form-lead.json"
	unpublished := map[string]*workflow{form: withoutGoogle(t, form, all[form])}
	delete(all, form)
	n := newServer(t, &setting{
		graph: g, credentials: credentials(), workflows: all, unpublished: unpublished, conversions: e.site + "/conversions",
	})
	fake := e.fakeMeta()
	var trigger string
	for _, node := range all["raw-trigger.json"].Nodes {
		if node.Type == "n8n-nodes-base.whatsAppTrigger" {
			trigger = n.url + "/webhook/" + node.WebhookID + "/webhook"
		}
	}
	until(t, "n8n's WhatsApp Trigger has subscribed", func() bool { return g.callback() != "" })
	if g.callback() != trigger {
		t.Fatalf("n8n's WhatsApp Trigger is at %s, not at %s", g.callback(), trigger)
	}
	e.start(strings.NewReplacer("%N8N%", n.url, "%TRIGGER%", trigger, "%SECRET%", signingSecret, "%META%", meta.URL(), "%CAPI%",
		capiToken, "%FAKE%", fake).Replace(`
		forward %N8N%/webhook/leads {
			name leads
			only messages
			sign "%SECRET%"
		}
		forward %N8N%/webhook/leads {
			name forged
			only messages
			sign "another secret"
		}
		forward %N8N%/webhook/whatsapp {
			name raw
			raw
		}
		forward %TRIGGER% {
			name trigger
			raw
		}
		capi whatsapp {
			dataset 1234567890
			access_token %CAPI%
			endpoint %META%
			linger 10ms
		}` + formDestinations))

	t.Run("leads", func(t *testing.T) { testLeads(t, e, n) })
	t.Run("refused", func(t *testing.T) { testRefused(t, e, n, all) })
	t.Run("purchase", func(t *testing.T) { testPurchase(t, n, meta) })
	t.Run("raw", func(t *testing.T) { testRaw(t, e, n, all) })
	t.Run("restart", func(t *testing.T) { testRestart(t, e, n, g, all, trigger) })
	t.Run("form", func(t *testing.T) { testForm(t, e, n, unpublished[form].ID, fake) })
}

// testLeads: an ad's message and an organic one come to their own branches.
func testLeads(t *testing.T, e *edge, n *server) {
	e.send("click")
	until(t, "the ad's lead is written", func() bool { return len(n.rows("leads")) == 1 })
	ad := n.rows("leads")[0]
	for column, want := range map[string]string{
		"source": "ad", "phone": "+15551234567", "name": "Maria Garcia", "adId": "120210000000000001",
		"headline": "Summer sale — 50% off", "text": "Hi, I saw your ad and I'm interested", "tenant": "acme",
	} {
		if ad[column] != want {
			t.Errorf("the ad's lead has %s %q, not %q", column, ad[column], want)
		}
	}
	if clid, _ := ad["ctwaClid"].(string); !strings.HasPrefix(clid, "Aff-") {
		t.Errorf("the ad's lead has the click id %q", clid)
	}

	e.send("text")
	e.send("text")
	e.send("status") // is none of the kinds that the destination gets
	until(t, "n8n has got three messages", func() bool { return e.destination("leads").Delivered == 3 })
	rows := n.rows("leads")
	if len(rows) != 2 || rows[1]["source"] != "organic" || rows[1]["ctwaClid"] != nil || rows[1]["text"] != "Hello, what are your opening "+
		"hours?" {
		t.Errorf("after two organic messages of one contact: %v", rows)
	}

	// A repeat of the edge, after a crash in the middle: the same event again,
	// and it is the same lead.
	id, _ := ad["key"].(string)
	var event map[string]any
	for _, item := range n.reached("leadgateLeads001", "Verify") {
		if came, ok := item["event"].(map[string]any); ok && came["id"] == id {
			event = came
		}
	}
	if event == nil {
		t.Fatalf("no event has the id of the ad's lead, %s", id)
	}
	body, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := n.post("leads", body, signed(id, time.Now(), body)); status != http.StatusOK {
		t.Errorf("the repeated event: %d %s", status, answer)
	}
	if rows := n.rows("leads"); len(rows) != 2 {
		t.Errorf("after a repeated event: %v", rows)
	}
	// What is neither an ad's nor organic is taken and not written.
	event["kind"] = "status"
	if body, err = json.Marshal(event); err != nil {
		t.Fatal(err)
	}
	if status, answer := n.post("leads", body, signed("status", time.Now(), body)); status != http.StatusOK {
		t.Errorf("a status: %d %s", status, answer)
	}
	if rows := n.rows("leads"); len(rows) != 2 {
		t.Errorf("after a status: %v", rows)
	}
}

// testPurchase: a won deal becomes a Purchase at Meta, with the click of the
// contact that wrote before.
func testPurchase(t *testing.T, n *server, meta *capitest.Server) {
	clid, _ := n.rows("leads")[0]["ctwaClid"].(string)
	deal := func(text, key string) (int, string) {
		return n.post("deal-won", []byte(text), http.Header{"X-Api-Key": {key}})
	}
	const won = `{"phone":"+1 (555) 123-4567","amount":"129.90","currency":"USD","dealId":1001,"email":"maria@example.com"}`
	if status, answer := deal(won, "wrong"); status != http.StatusForbidden {
		t.Errorf("with a wrong key: %d %s", status, answer)
	}
	if status, answer := deal(won, crmKey); status != http.StatusOK || !strings.Contains(answer, `"status":"queued"`) {
		t.Fatalf("a won deal: %d %s", status, answer)
	}
	type event struct {
		Name string `json:"event_name"`
		User struct {
			Clid  string   `json:"ctwa_clid"`
			Email []string `json:"em"`
		} `json:"user_data"`
		Custom struct {
			Value    json.Number `json:"value"`
			Currency string      `json:"currency"`
			OrderID  string      `json:"order_id"`
		} `json:"custom_data"`
	}
	purchases := func() (events []event) {
		for _, a := range meta.Accepted() {
			var e event
			if err := json.Unmarshal(a.Event, &e); err != nil {
				t.Fatal(err)
			}
			if e.Name == "Purchase" {
				events = append(events, e)
			}
		}
		return events
	}
	until(t, "the Purchase is at Meta", func() bool { return len(purchases()) > 0 })
	email := sha256.Sum256([]byte("maria@example.com"))
	if p := purchases()[0]; p.User.Clid != clid || p.Custom.Value != "129.90" && p.Custom.Value != "129.9" || p.Custom.Currency != "USD" ||
		p.Custom.OrderID != "1001" ||
		len(p.User.Email) != 1 || p.User.Email[0] != hex.EncodeToString(email[:]) {
		t.Errorf("the Purchase is %+v; the click was %s", p, clid)
	}
	for text, want := range map[string]struct {
		status int
		text   string
	}{
		won: {200, `"status":"duplicate"`},
		`{"phone":"+15557654321","amount":5,"currency":"USD","dealId":"B"}`: {200, `"status":"no_click"`},
		`{"phone":"+15551234567","amount":5,"dealId":"C"}`:                  {422, `currency`},
	} {
		if status, answer := deal(text, crmKey); status != want.status || !strings.Contains(answer, want.text) {
			t.Errorf("%s: %d %s", text, status, answer)
		}
	}
	if p := purchases(); len(p) != 1 {
		t.Errorf("Meta got %d purchases", len(p))
	}
}

// testRaw: Meta's own bytes pass the plain Webhook node's check, and that of
// n8n's own WhatsApp Trigger; both put out the same.
func testRaw(t *testing.T, e *edge, n *server, all map[string]*workflow) {
	// Each sample that was sent is a webhook: a click, two texts, a status.
	for _, name := range []string{"raw", "trigger"} {
		until(t, "n8n has got the raw webhooks of "+name, func() bool { return e.destination(name).Delivered == 4 })
	}
	var got [2]string
	for i, file := range []string{"raw.json", "raw-trigger.json"} {
		until(t, file+" has run", func() bool { return len(n.reached(all[file].ID, "Your workflow")) == 4 })
		kinds := make(map[string]int)
		for _, item := range n.reached(all[file].ID, "Your workflow") {
			text, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			if item["field"] != "messages" || item["metadata"].(map[string]any)["phone_number_id"] != "106540352242922" {
				t.Errorf("%s: an item is %s", file, text)
			}
			switch {
			case item["statuses"] != nil:
				kinds["status"]++
			case strings.Contains(string(text), `"ctwa_clid":"Aff-`):
				kinds["click"]++
				got[i] = string(text)
			default:
				kinds["text"]++
			}
		}
		if fmt.Sprint(kinds) != "map[click:1 status:1 text:2]" {
			t.Errorf("%s: %v", file, kinds)
		}
	}
	if got[0] != got[1] {
		t.Errorf("the items differ:\n%s\n%s", got[0], got[1])
	}
}

// testRestart: what docs/n8n.md says of the WhatsApp Trigger and Meta's app. The
// app may point to the edge while the trigger is published, through restarts;
// when it is unpublished and published, it takes the app away.
func testRestart(t *testing.T, e *edge, n *server, g *graph, all map[string]*workflow, trigger string) {
	edge := e.site + "/webhooks/meta"
	g.set(newSubscription(edge, "messages"))
	n.process.stop()
	n.start()
	e.send("text")
	w := all["raw-trigger.json"]
	until(t, "n8n's trigger takes webhooks after a restart", func() bool { return len(n.reached(w.ID, "Your workflow")) == 5 })
	if g.callback() != edge {
		t.Errorf("a restart of n8n made %q the app's callback", g.callback())
	}

	n.ask(http.DefaultClient, "/api/v1/workflows/"+w.ID+"/deactivate", map[string]any{}, nil)
	until(t, "n8n has deleted the app's subscription", func() bool { return g.callback() == "" })

	g.set(newSubscription(edge, "messages", "automatic_events"))
	n.ask(http.DefaultClient, "/api/v1/workflows/"+w.ID+"/activate", map[string]any{}, nil)
	until(t, "n8n has put itself in the edge's place", func() bool { return g.callback() == trigger })

	n.ask(http.DefaultClient, "/api/v1/workflows/"+w.ID+"/deactivate", map[string]any{}, nil)
	until(t, "n8n has deleted its own subscription", func() bool { return g.callback() == "" })
	g.set(newSubscription(edge, "messages"))
	n.ask(http.DefaultClient, "/api/v1/workflows/"+w.ID+"/activate", map[string]any{}, nil)
	until(t, "n8n has taken the app away though the fields are its own", func() bool { return g.callback() != edge })
}
