//go:build n8nnode

package n8n

import (
	"os"
	"strings"
	"testing"
)

const apiToken = "test-api-token"

// nodeCredentials are the ones that docs/n8n.md tells users of the node to make.
func nodeCredentials(e *edge) []map[string]any {
	c := func(id, name, kind string, data map[string]any) map[string]any {
		return map[string]any{"id": id, "name": name, "type": kind, "data": data}
	}
	return []map[string]any{
		c("leadgateNodeSig1", "Leadgate trigger secret", "leadgateSigningSecretApi", map[string]any{"secret": signingSecret}),
		c("leadgateNodeConv", "Leadgate conversions", "leadgateConversionsApi",
			map[string]any{"url": e.site + "/conversions", "token": conversionsToken}),
		c("leadgateNodeApi1", "Leadgate API", "leadgateApi", map[string]any{"url": e.site + "/api/", "token": apiToken}),
		c("leadgateCrmKey01", "CRM webhook key", "httpHeaderAuth", map[string]any{"name": "X-Api-Key", "value": crmKey}),
	}
}

// TestNode has the package n8n-nodes-leadgate, as npm packs it, in a real n8n, beside a real
// edge and the fake of Meta that users rehearse with.
func TestNode(t *testing.T) {
	packed := os.Getenv("LEADGATE_N8N_PACKED")
	if packed == "" {
		t.Fatal("LEADGATE_N8N_PACKED names no package: run n8n/test.sh")
	}
	e := newEdge(t)
	workflows := readWorkflows(t, "node")
	n := newServer(t, &setting{
		graph: newGraph(t), credentials: nodeCredentials(e), workflows: workflows, packed: packed,
	})
	e.start(strings.NewReplacer("%N8N%", n.url, "%SECRET%", signingSecret).Replace(`
		forward %N8N%/webhook/leadgate {
			name n8n
			sign "%SECRET%"
		}
		capi whatsapp {
			dataset 1234567890
			access_token any
			endpoint http://127.0.0.1:1
		}`))
	e.send("click")
	until(t, "the lead is written", func() bool { return len(n.rows("leads")) == 1 })
	if row := n.rows("leads")[0]; row["source"] != "ad" || row["phone"] != "+15551234567" {
		t.Errorf("the lead is %v", row)
	}
}
