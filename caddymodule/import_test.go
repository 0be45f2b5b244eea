package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// statusOf reads a report: the statuses of the lines by number.
func statusOf(report string) map[string]string {
	statuses := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ *(\d+)  (\w+)`).FindAllStringSubmatch(report, -1) {
		statuses[m[1]] = m[2]
	}
	return statuses
}

func expectStatuses(t *testing.T, report string, want map[string]string) {
	t.Helper()
	got := statusOf(report)
	for number, status := range want {
		if got[number] != status {
			t.Errorf("line %s: %s, want %s", number, got[number], status)
		}
	}
	if len(got) != len(want) || t.Failed() {
		t.Errorf("%d lines reported, want %d:\n%s", len(got), len(want), report)
	}
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
	expectStatuses(t, out, map[string]string{"1": "queued", "3": "queued", "4": "duplicate", "5": "no_click", "6": "invalid",
		"7": "invalid", "8": "invalid", "9": "queued"})
	if !strings.Contains(out, "8 lines: 3 queued, 1 duplicate, 1 no_click, 3 invalid\n") || !strings.Contains(out, "→ write it in full") {
		t.Errorf("report:\n%s", out)
	}
	acceptedEvents(t, meta, 4) // and the lead
	out = mustCLI(t, "import", jsonl(t, sale("A-1"), sale("A-2"), sale("A-4")), "--to", e.url("/conversions"), "--token", "crm_token",
		"--from-line", "2")
	expectStatuses(t, out, map[string]string{"2": "duplicate", "3": "queued"})

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

// TestImportDryRun finds what the endpoint would find, without it.
func TestImportDryRun(t *testing.T) {
	const who = `"waPhone":"+15551234567"`
	file := jsonl(t,
		`{"eventName":"Purchase",`+who+`,"value":12.5,"currency":"USD"}`,
		`{"eventName":"won",`+who+`,"value":"12.5","currency":"usd","email":"maria@example.com","contents":[{"id":"a"}]}`,
		`{"eventName":"QualifiedLead","userId":"77","channel":"messenger"}`,
		`{"eventName":"QualifiedLead","userId":"88","channel":"instagram"}`,
		`{"eventName":"Lead","ctwaClid":"Aff-1"}`,
		`{"eventName":"lost",`+who+`}`,
		`{"eventName":"Purchase",`+who+`,"value":12.5}`,
		`{"eventName":"Purchase",`+who+`,"currency":"USD"}`,
		`{"eventName":"Purchase",`+who+`,"currency":"USD","value":-1}`,
		`{"eventName":"Lead","waPhone":"5551234567"}`,
		`{"eventName":"Lead",`+who+`,"eventTime":"2020-01-01T00:00:00Z"}`,
		`{"eventName":"Lead",`+who+`,"email":"maria"}`,
		`{"eventName":"Lead",`+who+`,"contents":"x"}`,
		`{"eventName":"Lead",`+who+`,`,
	)
	out, err := cli(t, "import", file, "--dry-run", "--map", "won=Purchase")
	if err == nil || !strings.Contains(err.Error(), "9 of 14") {
		t.Errorf("error: %v", err)
	}
	want := map[string]string{}
	for i := 1; i <= 14; i++ {
		want[fmt.Sprint(i)] = "invalid"
		if i <= 5 {
			want[fmt.Sprint(i)] = "valid"
		}
	}
	expectStatuses(t, out, want)
}

// TestImportCSV takes a table with a header, between any of the usual marks.
func TestImportCSV(t *testing.T) {
	file := func(text string) string { return jsonl(t, text) }
	for name, text := range map[string]string{
		"comma": "\ufeffeventName,waPhone,value,currency,orderId,customData\nPurchase,+15551234567,12.5,USD,A-1,\"{\"\"a\"\":1}\"\n" +
			"Purchase,+15551234567,1,,A-2,\n",
		"semicolon": "eventName;waPhone;value;currency;orderId\r\nPurchase;+15551234567;12.5;USD;A-1\r\nPurchase;+15551234567;1;;A-2\r\n",
		"tab":       "eventName\twaPhone\tvalue\tcurrency\torderId\nPurchase\t+15551234567\t12.5\tUSD\tA-1\nPurchase\t+15551234567\t1\t\tA-2",
	} {
		out, err := cli(t, "import", file(text), "--dry-run")
		if err == nil || !strings.Contains(err.Error(), "1 of 2 lines") {
			t.Errorf("%s: %v", name, err)
		}
		expectStatuses(t, out, map[string]string{"2": "valid", "3": "invalid"})
	}
	for text, says := range map[string]string{
		"eventName,phone\nPurchase,+15551234567\n": "this looks like CSV, and its first line must name the fields: unknown field " +
			"'phone': write waPhone",
		"Purchase,+15551234567,12.5\n":                        "this looks like CSV, and its first line must name the fields",
		"eventName,value,value\nPurchase,1,2\n":               "names value twice",
		"eventName,waPhone\nPurchase,+15551234567,12.5,USD\n": "reading line 2",
	} {
		if out, err := cli(t, "import", file(text), "--dry-run"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v\n%s", text, err, out)
		}
	}
}
