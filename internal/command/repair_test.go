package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
)

// repairCLI runs the command, and returns what it prints.
func repairCLI(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := repair()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage = true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestRepair(t *testing.T) {
	dir := t.TempDir()
	options := queue.Options{MaxBacklog: 10, MaxSize: 1 << 30}
	open := func() *embedded.Store {
		t.Helper()
		e, err := embedded.Open(embedded.Config{Dir: dir}, options)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open()
	id := queue.ID{1}
	result := e.Append(t.Context(), []queue.Group{{
		Tenant: "acme", Events: []queue.Event{{ID: id, Time: 1}}, Payloads: [][]byte{[]byte(`{}`)},
		Jobs: []queue.Job{{
			Dest: queue.Dest{Tenant: "acme", Name: "crm"}, Events: []int{0}, Header: queue.Header{EventID: id, Format: queue.FormatEvent},
		}},
	}})
	if result[0].Err != nil {
		t.Fatal(result[0].Err)
	}
	if _, err := repairCLI(t, "--dir", dir); err == nil || !strings.Contains(err.Error(), "stop the edge") {
		t.Errorf("beside an open queue: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := repairCLI(t, "--dir", dir); err != nil || !strings.Contains(out, "Nothing is damaged") {
		t.Errorf("a whole one: %s, %v", out, err)
	}
	if err := os.Remove(filepath.Join(dir, "leadgate.journal")); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.Open(embedded.Config{Dir: dir}, options)
	if err == nil || !strings.Contains(err.Error(), "caddy leadgate repair --dir "+dir) {
		t.Fatalf("without its journal: %v", err)
	}
	out, err := repairCLI(t, "--dir", dir, "--json")
	var report embedded.Repaired
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || report.Saved != 1 || report.Lost != 0 || len(report.Kept) != 1 {
		t.Fatalf("%s, %v: want 1 saved, none lost, and one file kept", out, err)
	}
	text := RepairReport(dir, &report)
	wanted := []string{"Saved: 1 record. Lost: 0 records.", "leadgate.journal: it is missing", report.Kept[0], "crm: 1 event to deliver"}
	for _, want := range wanted {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--dir", t.TempDir()}} {
		if _, err := repairCLI(t, args...); err == nil {
			t.Errorf("%q succeeds", args)
		}
	}
}
