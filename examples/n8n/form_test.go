//go:build n8n

package n8n

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sheet is the data table that stands for the Google sheet of form-lead.json.
const sheet = "form leads"

// withoutGoogle is form-lead.json with a data table in the place of the Google sheet, and
// seconds in the place of minutes. Everything else stays as users get it.
func withoutGoogle(t *testing.T, file string, w *workflow) *workflow {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(w.text, &all); err != nil {
		t.Fatal(err)
	}
	replaced := make(map[string]int)
	nodes, _ := all["nodes"].([]any)
	for _, n := range nodes {
		node, _ := n.(map[string]any)
		parameters, _ := node["parameters"].(map[string]any)
		switch node["type"] {
		case "n8n-nodes-base.scheduleTrigger":
			node["parameters"] = map[string]any{"rule": map[string]any{"interval": []any{
				map[string]any{"field": "seconds", "secondsInterval": 2},
			}}}
		case "n8n-nodes-base.googleSheets":
			operation, _ := parameters["operation"].(string)
			replaced[operation]++
			node["type"], node["typeVersion"] = "n8n-nodes-base.dataTable", 1.1
			delete(node, "credentials")
			node["parameters"] = tableOf(operation)
		}
	}
	if replaced["appendOrUpdate"] != 1 || replaced["read"] != 1 || replaced["update"] != 1 {
		t.Fatalf("%s does to its sheet: %v", file, replaced)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return parseWorkflow(t, file, text)
}

// tableOf are the parameters of a data table's node that does what a sheet's does.
func tableOf(operation string) map[string]any {
	p := map[string]any{
		"resource": "row", "dataTableId": map[string]any{"__rl": true, "mode": "name", "value": sheet}, "options": map[string]any{},
	}
	if operation == "read" {
		p["operation"], p["returnAll"] = "get", true
		return p
	}
	p["operation"], p["matchType"] = "upsert", "allConditions"
	p["filters"] = map[string]any{"conditions": []any{
		map[string]any{"keyName": "leadId", "condition": "eq", "keyValue": "={{ $json.leadId }}"},
	}}
	p["columns"] = map[string]any{"mappingMode": "autoMapInputData", "value": nil, "matchingColumns": []any{}, "schema": []any{}}
	return p
}

// formDestinations are what the tenant has for form-lead.json.
const formDestinations = `
		forward %N8N%/webhook/form-lead {
			name form
			only leads
			sign "%SECRET%"
		}
		leads {
			access_token any
			endpoint %FAKE%
		}
		capi lead_ads {
			name stages
			dataset 345678901234567
			access_token any
			endpoint %FAKE%
			lead_event_source Sheet
			linger 10ms
		}`

// testForm: a form's lead becomes a row, once; the stage that somebody writes into it is at
// Meta, once, and what Leadgate said of it is in the row.
func testForm(t *testing.T, e *edge, n *server, id, fake string) {
	columns := make([]any, 0, 12)
	for name := range strings.FieldsSeq("leadId receivedAt name phone email answers form ad campaign stage reported answer") {
		columns = append(columns, map[string]any{"name": name, "type": "string"})
	}
	var table struct{ ID string }
	n.ask(http.DefaultClient, "/api/v1/data-tables", map[string]any{"name": sheet, "columns": columns}, &table)
	n.ask(http.DefaultClient, "/api/v1/workflows/"+id+"/activate", map[string]any{}, nil)
	until(t, "n8n takes leads", func() bool {
		status, _ := n.post("form-lead", []byte("{}"), http.Header{})
		return status == http.StatusUnauthorized
	})

	e.send("leadgen")
	until(t, "the lead is a row", func() bool { return len(n.rows(sheet)) == 1 })
	row := n.rows(sheet)[0]
	for column, want := range map[string]string{
		"name": "Ana Souza", "phone": "+5511987654321", "email": "ana@example.com", "form": "Summer sale",
		"answers": "full_name: Ana Souza\nphone_number: +5511987654321\nemail: ana@example.com\nqual_o_seu_bairro?: centro",
	} {
		if row[column] != want {
			t.Errorf("the lead has %s %q, not %q", column, row[column], want)
		}
	}
	leadID, _ := row["leadId"].(string)
	stage := func(s string) {
		n.ask(http.DefaultClient, "/api/v1/data-tables/"+table.ID+"/rows/upsert", map[string]any{
			"filter": map[string]any{"type": "and", "filters": []any{
				map[string]any{"columnName": "leadId", "condition": "eq", "value": leadID},
			}},
			"data": map[string]any{"leadId": leadID, "stage": s},
		}, nil)
		until(t, "the row says that "+s+" was reported", func() bool { return n.rows(sheet)[0]["reported"] == s })
	}
	stage("Qualified")
	if answer := n.rows(sheet)[0]["answer"]; answer != "queued" {
		t.Errorf("a new stage was answered %v", answer)
	}
	until(t, "the stage is at Meta", func() bool { return len(accepted(t, fake, "Qualified")) == 1 })
	user, _ := accepted(t, fake, "Qualified")[0]["user_data"].(map[string]any)
	if got, _ := json.Marshal(user["lead_id"]); "l:"+strings.Trim(string(got), `"`) != leadID {
		t.Errorf("the stage is of the lead %s, not of %s", got, leadID)
	}

	// The same event again keeps the row, and what somebody wrote into it.
	body, err := json.Marshal(map[string]any{
		"id": "again", "kind": "lead", "receivedAt": time.Now().UnixMilli(),
		"lead": map[string]any{"leadgenId": strings.TrimPrefix(leadID, "l:")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := n.post("form-lead", body, signed("again", time.Now(), body)); status != http.StatusOK {
		t.Errorf("the lead again: %d %s", status, answer)
	}
	if rows := n.rows(sheet); len(rows) != 1 || rows[0]["stage"] != "Qualified" {
		t.Errorf("after the lead came again: %v", rows)
	}
	stage("Won")
	stage("Qualified") // again: it counts once
	if answer := n.rows(sheet)[0]["answer"]; answer != "duplicate" {
		t.Errorf("a stage that was reported before was answered %v", answer)
	}
	until(t, "the next stage is at Meta", func() bool { return len(accepted(t, fake, "Won")) == 1 })
	if got := accepted(t, fake, "Qualified"); len(got) != 1 {
		t.Errorf("Meta has the stage %d times", len(got))
	}
	n.ask(http.DefaultClient, "/api/v1/workflows/"+id+"/deactivate", map[string]any{}, nil)
}
