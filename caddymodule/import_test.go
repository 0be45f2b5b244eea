package caddymodule

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
)

func jsonl(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sales.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// reported are the lines of a report, each with its status: "1 queued".
func reported(report string) []string {
	lines := regexp.MustCompile(`(?m)^ *\d+  \w+`).FindAllString(report, -1)
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return lines
}

// TestImport posts a file to a running edge, twice.
func TestImport(t *testing.T) {
	meta, s := capitest.New(t), newSink(t)
	e := startEdge(t, conversionsSite(meta, s))
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	sale := func(order string) string {
		return `{"eventName":"won","waPhone":"+15551234567","value":12.5,"currency":"USD","orderId":"` + order + `"}`
	}
	file := jsonl(t, "\ufeff"+sale("A-1"), "", sale("A-2")+"\r", sale("A-1"),
		`{"eventName":"won","waPhone":"+15557654321","value":1,"currency":"USD"}`,
		`{"eventName":"won","waPhone":"5551234567"}`, "no JSON", `["x"]`, sale("A-3"))
	out, err := cli(t, "import", file, "--to", e.url("/conversions"), "--token", "crm_token", "--batch", "2")
	if err == nil || !strings.Contains(err.Error(), "3 of 8 lines") {
		t.Errorf("error: %v", err)
	}
	want := []string{"1 queued", "3 queued", "4 duplicate", "5 no_click", "6 invalid", "7 invalid", "8 invalid", "9 queued"}
	if !slices.Equal(reported(out), want) || !strings.Contains(out, "8 lines: 3 queued, 1 duplicate, 1 no_click, 3 invalid\n") ||
		!strings.Contains(out, "→ write it in full") {
		t.Errorf("report:\n%s", out)
	}
	acceptedEvents(t, meta, 4) // and the lead
	out = mustCLI(t, "import", jsonl(t, sale("A-1"), sale("A-2"), sale("A-4")), "--to", e.url("/conversions"), "--token", "crm_token",
		"--from-line", "2")
	if !slices.Equal(reported(out), []string{"2 duplicate", "3 queued"}) {
		t.Errorf("report:\n%s", out)
	}
	out = mustCLI(t, "import", jsonl(t, sale("A-1")), "--dry-run", "--map", "won=Purchase")
	if !slices.Equal(reported(out), []string{"1 valid"}) {
		t.Errorf("a dry run:\n%s", out)
	}

	for _, c := range []struct{ to, token, says string }{
		{e.url("/conversions"), "wrong", "--token is not"},
		{e.url("/webhooks/meta"), "crm_token", "stopped at line 1"},
		{e.url("/elsewhere"), "crm_token", "go on with --from-line 1"},
	} {
		if _, err := cli(t, "import", file, "--to", c.to, "--token", c.token); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.to, err)
		}
	}
	for _, args := range [][]string{{}, {"--to", e.url("/conversions")}, {"--to", "x", "--token", "x"},
		{"--to", e.url("/"), "--token", "x", "--map", "a=Lead"}, {"--dry-run", "--batch", "1001"}, {"--dry-run", "--map", "won=Won"}} {
		if out, err := cli(t, append([]string{"import", file}, args...)...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
	for _, args := range [][]string{{jsonl(t)}, {jsonl(t, "eventName,waPhone", "")}, {file, "--from-line", "100"}} {
		if out, err := cli(t, append([]string{"import", "--dry-run"}, args...)...); err == nil ||
			!strings.Contains(err.Error(), "the file has no line of a conversion") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if _, err := cli(t, "import", "/nowhere.jsonl", "--dry-run"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
