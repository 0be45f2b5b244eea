//go:build n8nnode

package n8n

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"
)

// operation is what a question of the test has the node do.
type operation struct {
	parameters map[string]any
	credential string // its type
	id         string // of the credential
	onError    string // "" stops the workflow
}

// questions are one for each operation of the node, by the path that asks it; what they
// take from the request is what a user would write as an expression.
func questions() map[string]operation {
	ask := func(resource, op string, more map[string]any) operation {
		p := map[string]any{"resource": resource, "operation": op}
		maps.Copy(p, more)
		return operation{parameters: p, credential: "leadgateApi", id: "leadgateNodeApi1", onError: "continueRegularOutput"}
	}
	of := map[string]any{"destination": "={{ $json.body.destination }}"}
	page := map[string]any{"destination": "={{ $json.body.destination }}", "limit": "={{ $json.body.limit }}"}
	one := map[string]any{"destination": "={{ $json.body.destination }}", "which": "one", "deadLetterId": "={{ $json.body.id }}"}
	all := map[string]any{"destination": "={{ $json.body.destination }}", "which": "all", "filters": map[string]any{
		"reason": "={{ $json.body.reason }}", "since": "={{ $json.body.since }}",
	}}
	who := map[string]any{"contact": "={{ $json.body.contact }}"}
	looking := ask("destination", "pause", of)
	looking.id = "leadgateNodeLook"
	lost := ask("destination", "getAll", nil)
	lost.id = "leadgateNodeLost"
	many := ask("conversion", "report", map[string]any{
		"eventName": "={{ $json.name }}", "identifier": "={{ $json.phone }}", "value": "={{ $json.amount }}",
		"currency": "={{ $json.currency }}", "orderId": "={{ $json.order }}",
		"additionalFields": map[string]any{"contents": "={{ $json.contents }}", "eventTime": "={{ $json.at }}"},
	})
	many.credential, many.id = "leadgateConversionsApi", "leadgateNodeConv"
	return map[string]operation{
		"destinations": ask("destination", "getAll", map[string]any{"returnAll": true}),
		"pause":        ask("destination", "pause", of),
		"resume":       ask("destination", "resume", of),
		"may-not":      looking,
		"no-edge":      lost,
		"dead":         ask("deadLetter", "getAll", page),
		"letter":       ask("deadLetter", "get", map[string]any{"deadLetterId": "={{ $json.body.id }}"}),
		"replay":       ask("deadLetter", "replay", one),
		"replay-all":   ask("deadLetter", "replay", all),
		"drop":         ask("deadLetter", "drop", all),
		"ads":          ask("ad", "getAll", map[string]any{"filters": map[string]any{"group": "ad", "from": "={{ $now.minus(1, 'day') }}"}}),
		"contact":      ask("contact", "get", who),
		"erase":        ask("contact", "erase", who),
		"conversions":  many,
	}
}

// node is one of a workflow; with has what is not in every one.
func node(name, kind string, version float64, parameters map[string]any, with map[string]any) map[string]any {
	n := map[string]any{
		"id": name, "name": name, "type": kind, "typeVersion": version, "position": []int{0, 0}, "parameters": parameters,
	}
	maps.Copy(n, with)
	return n
}

func credential(kind, id string) map[string]any {
	return map[string]any{"credentials": map[string]any{kind: map[string]any{"id": id, "name": id}}}
}

// asking is a workflow with a webhook for each question, which answers with all that the
// node puts out.
func asking(t *testing.T) *workflow {
	t.Helper()
	var nodes []any
	connections := make(map[string]any)
	lead := func(from, to string) {
		connections[from] = map[string]any{"main": [][]map[string]any{{{"node": to, "type": "main", "index": 0}}}}
	}
	for path, q := range questions() {
		hook := credential("httpHeaderAuth", "leadgateCrmKey01")
		hook["webhookId"] = path
		nodes = append(nodes, node("on "+path, "n8n-nodes-base.webhook", 2.1, map[string]any{
			"httpMethod": "POST", "path": path, "authentication": "headerAuth", "responseMode": "lastNode", "responseData": "allEntries",
		}, hook))
		asked := credential(q.credential, q.id)
		asked["onError"] = q.onError
		nodes = append(nodes, node(path, "n8n-nodes-leadgate.leadgate", 1, q.parameters, asked))
		if path != "conversions" {
			lead("on "+path, path)
			continue
		}
		nodes = append(nodes, node("items", "n8n-nodes-base.splitOut", 1, map[string]any{
			"fieldToSplitOut": "body.items", "options": map[string]any{},
		}, nil))
		lead("on "+path, "items")
		lead("items", path)
	}
	return made(t, "leadgateNodeAsks", nodes, connections)
}

// checked is a workflow whose trigger looks whether the edge leads to it when it is published.
func checked(t *testing.T, id, path string) *workflow {
	t.Helper()
	return made(t, id, []any{node("Leadgate", "n8n-nodes-leadgate.leadgateTrigger", 1, map[string]any{
		"path": path, "options": map[string]any{"checkEdge": true},
	}, map[string]any{"webhookId": id, "credentials": map[string]any{
		"leadgateSigningSecretApi": map[string]any{"id": "leadgateNodeSig1", "name": "signing"},
		"leadgateApi":              map[string]any{"id": "leadgateNodeApi1", "name": "api"},
	}})}, map[string]any{})
}

func made(t *testing.T, id string, nodes []any, connections map[string]any) *workflow {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": id, "name": id, "nodes": nodes, "connections": connections, "active": false,
		"settings": map[string]any{"executionOrder": "v1"}, "pinData": map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return parseWorkflow(t, id+".json", text)
}

// question asks the node something, and returns all that it puts out.
func (s *server) question(path string, body map[string]any) []map[string]any {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	status, answer := s.post(path, text, http.Header{"X-Api-Key": {crmKey}})
	var items []map[string]any
	if err := json.Unmarshal([]byte(answer), &items); err != nil || status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, status, answer)
	}
	return items
}
