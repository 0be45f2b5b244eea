// Package n8n holds n8n workflows to import. Its tests without a build tag look
// at the files; with the tag n8n they run them in a real n8n, behind a real
// edge: see test.sh.
package n8n

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// workflow is what the tests look at of an exported workflow.
type workflow struct {
	ID     string
	Name   string
	Active bool
	Nodes  []struct {
		ID, Name, Type string
		WebhookID      string
		Parameters     struct {
			Path    string
			Options struct{ RawBody bool }
		}
		Credentials map[string]struct{ ID, Name string }
	}
	Connections map[string]struct {
		Main [][]struct{ Node string }
	}
	PinData map[string]any

	text []byte
}

// readWorkflows returns the workflows of a folder by file name.
func readWorkflows(t *testing.T, folder string) map[string]*workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*workflow)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = parseWorkflow(t, file, text)
	}
	if len(all) == 0 {
		t.Fatal("no workflows")
	}
	return all
}

func parseWorkflow(t *testing.T, file string, text []byte) *workflow {
	t.Helper()
	w := &workflow{text: text}
	if err := json.Unmarshal(text, w); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return w
}

func TestWorkflowsAreWhole(t *testing.T) {
	page, err := os.ReadFile("../../docs/n8n.md")
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]string)
	all := readWorkflows(t, ".")
	maps.Copy(all, readWorkflows(t, "node"))
	for file, w := range all {
		if other, taken := ids[w.ID]; taken || w.ID == "" {
			t.Errorf("%s: the id '%s' is empty or that of %s", file, w.ID, other)
		}
		ids[w.ID] = file
		if w.Active || len(w.PinData) > 0 {
			t.Errorf("%s: is active or carries pinned data", file)
		}
		if !strings.Contains(string(page), file) {
			t.Errorf("docs/n8n.md does not name %s", file)
		}
		nodes, reached := make(map[string]bool), make(map[string]bool)
		for _, n := range w.Nodes {
			if nodes[n.Name] || ids[n.ID] != "" {
				t.Errorf("%s: the node '%s' or its id is there twice", file, n.Name)
			}
			nodes[n.Name], ids[n.ID] = true, file
			for _, c := range n.Credentials {
				if !strings.Contains(string(page), "**"+c.Name+"**") {
					t.Errorf("%s: docs/n8n.md does not explain the credential '%s'", file, c.Name)
				}
			}
		}
		for from, c := range w.Connections {
			if !nodes[from] {
				t.Errorf("%s: a connection starts at '%s', which is not there", file, from)
			}
			for _, output := range c.Main {
				for _, to := range output {
					if !nodes[to.Node] {
						t.Errorf("%s: '%s' leads to '%s', which is not there", file, from, to.Node)
					}
					reached[to.Node] = true
				}
			}
		}
		for _, n := range w.Nodes {
			trigger := n.WebhookID != "" || n.Type == "n8n-nodes-base.scheduleTrigger"
			if !trigger && !reached[n.Name] && n.Type != "n8n-nodes-base.stickyNote" {
				t.Errorf("%s: nothing leads to '%s'", file, n.Name)
			}
		}
	}
}
