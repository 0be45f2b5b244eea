//go:build n8nnode

package n8n

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// nodeCredentials are the ones that docs/n8n.md tells users of the node to make, and two that
// are wrong.
func nodeCredentials(e *edge) []map[string]any {
	c := func(id, name, kind string, data map[string]any) map[string]any {
		return map[string]any{"id": id, "name": name, "type": kind, "data": data}
	}
	api := func(id, name, path string) map[string]any {
		return c(id, name, "leadgateApi", map[string]any{"url": e.site + path, "token": apiToken})
	}
	return []map[string]any{
		c("leadgateNodeSig1", "Leadgate trigger secret", "leadgateSigningSecretApi", map[string]any{"secret": signingSecret}),
		c("leadgateNodeConv", "Leadgate conversions", "leadgateConversionsApi",
			map[string]any{"url": e.site + "/conversions", "token": conversionsToken}),
		api("leadgateNodeApi1", "Leadgate API", "/api/"),
		api("leadgateNodeLook", "may only read", "/look"),
		api("leadgateNodeLost", "another path", "/elsewhere"),
		c("leadgateCrmKey01", "CRM webhook key", "httpHeaderAuth", map[string]any{"name": "X-Api-Key", "value": crmKey}),
	}
}

// rehearsal is an n8n with the node, a real edge, the fake of Meta that users rehearse with,
// and a CRM that refuses what it gets until it is told to take it.
type rehearsal struct {
	*testing.T
	n     *server
	e     *edge
	meta  string // the fake's URL
	takes atomic.Bool
}

// TestNode has the package n8n-nodes-leadgate, as npm packs it, in a real n8n.
func TestNode(t *testing.T) {
	packed := os.Getenv("LEADGATE_N8N_PACKED")
	if packed == "" {
		t.Fatal("LEADGATE_N8N_PACKED names no package: run n8n/test.sh")
	}
	r := &rehearsal{T: t, e: newEdge(t)}
	workflows := readWorkflows(t, "node")
	const form = "node/form-lead.json"
	unpublished := map[string]*workflow{
		"here.json":    checked(t, "leadgateNodeHere", "leadgate-here"),
		"nowhere.json": checked(t, "leadgateNodeNowh", "leadgate-nowhere"),
		form:           withoutGoogle(t, form, workflows[form]),
	}
	delete(workflows, form)
	workflows["asks.json"] = asking(t)
	r.n = newServer(t, &setting{
		graph: newGraph(t), credentials: nodeCredentials(r.e), workflows: workflows, packed: packed,
		unpublished: unpublished,
	})
	r.meta = r.e.fakeMeta()
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !r.takes.Load() {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	t.Cleanup(crm.Close)
	r.e.start(strings.NewReplacer("%N8N%", r.n.url, "%SECRET%", signingSecret, "%FAKE%", r.meta, "%CRM%",
		crm.URL).Replace(`
		forward %N8N%/webhook/leadgate {
			name n8n
			sign "%SECRET%"
			timeout 2m
		}
		forward %N8N%/webhook/leadgate {
			name forged
			only messages
			sign "another secret"
			timeout 2m
		}
		forward %N8N%/webhook/leadgate-here {
			name later
			only messages
			sign "%SECRET%"
		}
		forward %CRM% {
			name crm
			only messages
		}
		capi whatsapp {
			dataset 1234567890
			access_token any
			endpoint %FAKE%
			linger 10ms
		}` + formDestinations))
	r.Run("types", r.types)
	r.Run("trigger", r.trigger)
	r.Run("signatures", r.signatures)
	r.Run("publishing", r.publishing)
	r.Run("credentials", r.credentials)
	r.Run("conversions", r.conversions)
	r.Run("dead letters", r.deadLetters)
	r.Run("destinations", r.destinations)
	r.Run("ads and contacts", r.adsAndContacts)
	r.Run("form", func(t *testing.T) { testForm(t, r.e, r.n, unpublished[form].ID, r.meta) })
}

// types: the editor has both nodes, and the one for agents that n8n makes of the second.
func (r *rehearsal) types(t *testing.T) {
	var all []struct {
		Name    string
		IconURL json.RawMessage
	}
	r.n.ask(r.n.client, "/types/nodes.json", nil, &all)
	icons := make(map[string]string)
	for _, kind := range all {
		icons[kind.Name] = string(kind.IconURL)
	}
	for _, name := range []string{"leadgate", "leadgateTrigger", "leadgateTool"} {
		if icon := icons["n8n-nodes-leadgate."+name]; !strings.Contains(icon, "leadgate.dark.svg") {
			t.Errorf("the node %s has the icons %s", name, icon)
		}
	}
}

const triggerWorkflow = "leadgateNodeLead"

// trigger: an event that the edge signed runs the workflow, once, with the event as it is; one
// of a kind that it does not want is taken, and runs nothing.
func (r *rehearsal) trigger(t *testing.T) {
	r.e.send("click")
	until(t, "the lead is written", func() bool { return len(r.n.rows("leads")) == 1 })
	row := r.n.rows("leads")[0]
	for column, want := range map[string]string{
		"source": "ad", "phone": "+15551234567", "name": "Maria Garcia", "adId": "120210000000000001", "tenant": "acme",
	} {
		if row[column] != want {
			t.Errorf("the lead has %s %q, not %q", column, row[column], want)
		}
	}
	r.e.send("status")
	until(t, "n8n has both", func() bool { return r.e.destination("n8n").Delivered == 2 })
	came := r.n.reached(triggerWorkflow, "Leadgate")
	if len(came) != 1 || came[0]["id"] != row["key"] || came[0]["kind"] != "message" || came[0]["raw"] == nil {
		t.Fatalf("the trigger put out %v", came)
	}
	said, _ := came[0]["leadgate"].(map[string]any)
	if said["eventId"] != row["key"] || said["tenant"] != "acme" || said["kind"] != "message" || said["attempt"] != 1.0 {
		t.Errorf("of the delivery it says %v", said)
	}
}

// signatures: what another secret signed, or nobody, gets 401 and runs nothing, and the
// destination says so.
func (r *rehearsal) signatures(t *testing.T) {
	until(t, "the edge has been refused", func() bool { return r.e.destination("forged").State != "running" })
	if d := r.e.destination("forged"); d.State != "retrying" || !strings.Contains(d.Reason, "401") || !strings.Contains(d.Reason, "sign") {
		t.Errorf("the destination with another secret: %+v", d)
	}
	body := []byte(`{"id":"forged","kind":"message","referral":{"ctwaClid":"forged"}}`)
	unsigned := signed("forged", time.Now(), body)
	unsigned.Del("Webhook-Signature")
	for what, header := range map[string]http.Header{
		"nothing signed": unsigned, "another body": signed("forged", time.Now(), []byte("{}")),
		"an old one": signed("forged", time.Now().Add(-6*time.Minute), body),
	} {
		if status, answer := r.n.post("leadgate", body, header); status != http.StatusUnauthorized || !strings.Contains(answer, `"error"`) {
			t.Errorf("%s: %d %s", what, status, answer)
		}
	}
	if came := r.n.reached(triggerWorkflow, "Leadgate"); len(came) != 1 {
		t.Errorf("forged events ran the workflow: %v", came)
	}
}

// publishing: what comes before the workflow is published waits, and comes then. With the
// option, a trigger that no destination leads to is not published, and the error has the lines
// to paste.
func (r *rehearsal) publishing(t *testing.T) {
	until(t, "the edge has found nothing there", func() bool { return r.e.destination("later").State == "retrying" })
	if d := r.e.destination("later"); !strings.Contains(d.Reason, "404") {
		t.Errorf("before the workflow is published the destination says %s", d.Reason)
	}
	for id, want := range map[string]string{
		"leadgateNodeHere": "published ", "leadgateNodeNowh": "failed No destination of the edge leads here",
	} {
		r.n.ask(http.DefaultClient, "/api/v1/workflows/"+id+"/activate", map[string]any{}, nil)
		var said struct {
			Data struct {
				Status   string
				Triggers []struct{ ErrorMessage string }
			}
		}
		until(t, id+" is published, or not", func() bool {
			r.n.ask(r.n.client, "/rest/workflows/"+id+"/publication-status", nil, &said)
			return said.Data.Status != "in_progress" && len(said.Data.Triggers) == 1
		})
		if got := said.Data.Status + " " + said.Data.Triggers[0].ErrorMessage; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", id, got)
		}
	}
	r.n.question("resume", map[string]any{"destination": "later"}) // the next try could be minutes away
	until(t, "what waited has come", func() bool { return r.e.destination("later").Delivered == 1 })
}

// credentials: the editor's test of each kind, with the right secret and with a wrong one.
func (r *rehearsal) credentials(t *testing.T) {
	for _, c := range nodeCredentials(r.e) {
		kind, _ := c["type"].(string)
		if kind == "httpHeaderAuth" {
			continue
		}
		right, _ := c["data"].(map[string]any)
		if want := map[bool]string{true: "OK", false: "Error"}[c["id"] != "leadgateNodeLost"]; r.tested(c, right) != want {
			t.Errorf("%s: the test says %s", c["name"], r.tested(c, right))
		}
		wrong := map[string]any{"url": right["url"], "token": "wrong"}
		if kind == "leadgateSigningSecretApi" {
			wrong = map[string]any{"secret": "whsec_%"}
		}
		if got := r.tested(c, wrong); got != "Error" {
			t.Errorf("%s with a wrong secret: the test says %s", c["name"], got)
		}
	}
}

func (r *rehearsal) tested(c, data map[string]any) string {
	r.Helper()
	var answer struct {
		Data struct{ Status, Message string }
	}
	r.n.ask(r.n.client, "/rest/credentials/test", map[string]any{"credentials": map[string]any{
		"id": c["id"], "name": c["name"], "type": c["type"], "data": data,
	}}, &answer)
	return answer.Data.Status
}
