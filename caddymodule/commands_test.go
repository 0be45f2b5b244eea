package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/printable"
)

// cli runs `caddy leadgate` in this process.
func cli(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := &cobra.Command{Use: "leadgate", SilenceUsage: true, SilenceErrors: true}
	caddyCommand().CobraFunc(cmd)
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetIn(strings.NewReader(""))
	err := cmd.ExecuteContext(context.Background())
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > printable.Width && strings.Contains(strings.TrimSpace(line),
			" ") && !strings.Contains(line, `"`) {
			t.Errorf("%v: %d columns: %s", args, n, line)
		}
	}
	return out.String(), err
}

// mustCLI runs a command that must not fail.
func mustCLI(t *testing.T, args ...string) string {
	t.Helper()
	out, err := cli(t, args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

// sendAs posts a webhook with `send`.
func sendAs(t *testing.T, to, provider, secret string, body []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "webhook")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cli(t, "send", "--to", to, "--provider", provider, "--secret", secret, file)
	return err
}

func address(base string) string { return "--address=" + strings.TrimPrefix(base, "http://") }

func TestExplainCommand(t *testing.T) {
	for _, c := range []struct{ code, says string }{
		{"190", "190  token\n"}, {"100/2804066", "LeadSubmitted"}, {"2804118", "100/2804118  configuration"},
		{"250", "permission"}, {"368", "for at least 60m"}, {"4711", "not known"}, {"2804999", "not known"},
		{"190/4711", "190/4711  token"},
	} {
		if out := mustCLI(t, "explain", c.code); !strings.Contains(out, c.says) {
			t.Errorf("%s: %s", c.code, out)
		}
	}
	all := mustCLI(t, "explain")
	for _, x := range capi.Codes() {
		if !strings.Contains(all, "\n  "+x.Name()+" ") {
			t.Errorf("%s is not in the list", x.Name())
		}
	}
	if _, err := cli(t, "explain", "tokens of gold"); err == nil {
		t.Error("a word was explained")
	}
}

func TestHelpFits(t *testing.T) {
	root := &cobra.Command{Use: "leadgate"}
	caddyCommand().CobraFunc(root)
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Long) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > printable.Width && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: %d columns: %s", cmd.Name(), n, line)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(root)
}

// TestDeadCommands lists, shows, replays and drops against a running edge.
func TestDeadCommands(t *testing.T) {
	s := newSink(t)
	s.status = func(delivered) int { return http.StatusUnprocessableEntity }
	config, base := withAdmin(t, site("forward "+s.URL+"/+15550783881/in {\n\t\t\tname crm\n\t\t}"))
	e := startEdge(t, config)
	if out := mustCLI(t, "dead", "list", address(base)); out != "no dead letters\n" {
		t.Errorf("empty: %s", out)
	}
	for i := range 5 {
		e.post("/webhooks/meta", message(fmt.Sprintf("wamid.%d", i), "15551234567", "x"))
	}
	var page deadPage
	waitFor(t, "5 dead letters", func() bool {
		e.admin(base, "GET", "/leadgate/dead?destination=crm", nil, &page)
		return len(page.Dead) == 5
	})
	table := mustCLI(t, "dead", "list", address(base), "--destination", "crm")
	if !strings.Contains(table, page.Dead[0].ID) || !strings.Contains(table, "422") || strings.Contains(table, "5551234567") ||
		strings.Count(table, "\n") != 11 {
		t.Errorf("table:\n%s", table)
	}
	if out := mustCLI(t, "dead", "list", address(base), "--reason", "overflow"); out != "no dead letters\n" {
		t.Errorf("another reason: %s", out)
	}
	if out := mustCLI(t, "dead", "list", address(base), "--limit", "2"); !strings.Contains(out, "--after "+page.Dead[1].ID) {
		t.Errorf("first page: %s", out)
	}
	if out := mustCLI(t, "dead", "list", address(base), "--after", page.Dead[3].ID); strings.Count(out, "\n") != 3 {
		t.Errorf("last page: %s", out)
	}
	var asJSON deadPage
	if err := json.Unmarshal([]byte(mustCLI(t, "dead", "list", "--json", address(base))), &asJSON); err != nil || len(asJSON.Dead) != 5 {
		t.Errorf("JSON: %v, %v", asJSON, err)
	}
	if out := mustCLI(t, "dead", "show", page.Dead[0].ID, address(base)); !strings.Contains(out, page.Dead[0].EventID) ||
		!strings.Contains(out, `"wa_id"`) && !strings.Contains(out, `"waId"`) {
		t.Errorf("one: %s", out)
	}
	if _, err := cli(t, "dead", "show", "nobody", address(base)); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("an unknown one: %v", err)
	}

	// The admin address of a configuration file, as Caddy's own commands take it.
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte("{\n\tadmin "+strings.TrimPrefix(base, "http://")+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := mustCLI(t, "destinations", "--config", file)
	if !regexp.MustCompile(`(?m)^crm +running +0 +- +5 +127\.0\.0\.1:\S+/\+\*+3881/in$`).MatchString(list) {
		t.Errorf("destinations:\n%s", list)
	}
	var statuses []map[string]any
	if err := json.Unmarshal([]byte(mustCLI(t, "destinations", "--json", address(base))), &statuses); err != nil ||
		statuses[0]["name"] != "crm" {
		t.Errorf("JSON: %v, %v", statuses, err)
	}

	for range 5 {
		s.next(t)
	}
	s.mu.Lock()
	s.status = nil
	s.mu.Unlock()
	for _, bad := range [][]string{
		{"replay"}, {"replay", "--destination", "crm"}, {"replay", "--destination", "crm", "--all", "id"},
		{"replay", "--destination", "crm", "--all", "--since", "tomorrow"}, {"drop", "--all"},
	} {
		if out, err := cli(t, append([]string{"dead", address(base)}, bad...)...); err == nil {
			t.Errorf("%v: %s", bad, out)
		}
	}
	if out := mustCLI(t, "dead", "replay", "--destination", "crm", address(base), page.Dead[0].ID); out != "replayed 1\n" {
		t.Errorf("replay: %s", out)
	}
	if got := s.next(t); got.header.Get("Leadgate-Event-Id") != page.Dead[0].EventID {
		t.Errorf("replayed %s", got.body)
	}
	if out := mustCLI(t, "dead", "drop", "--destination", "crm", "--reason", "overflow", "--all", address(base)); out != "dropped 0\n" {
		t.Errorf("another reason: %s", out)
	}
	if out := mustCLI(t, "dead", "drop", "--destination", "crm", "--since", time.Now().Add(time.Hour).Format(time.RFC3339), "--all",
		address(base)); out != "dropped 0\n" {
		t.Errorf("since later: %s", out)
	}
	if out := mustCLI(t, "dead", "drop", "--destination", "crm", "--since", "1h", "--all", "--json",
		address(base)); out != `{"count":4}`+"\n" {
		t.Errorf("drop: %s", out)
	}
}

// TestDestinationsNotRunning shows why one doesn't run.
func TestDestinationsNotRunning(t *testing.T) {
	config, base := withAdmin(t, site("forward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}"))
	e := startEdge(t, config)
	if status := e.admin(base, "POST", "/leadgate/destinations/crm/pause", nil, nil); status != 200 {
		t.Fatalf("pause: %d", status)
	}
	e.post("/webhooks/meta", message("wamid.1", "15551234567", "x"))
	list := mustCLI(t, "destinations", address(base))
	if !regexp.MustCompile(`(?m)^crm +paused +1 .*\n  by an operator$`).MatchString(list) {
		t.Errorf("destinations:\n%s", list)
	}
}

func TestNoEdge(t *testing.T) {
	addr := fmt.Sprintf("--address=127.0.0.1:%d", freeport.New(t))
	_, err := cli(t, "destinations", addr)
	if err == nil || !strings.Contains(err.Error(), "is the edge running") {
		t.Errorf("nobody there: %v", err)
	}
	config, base := withAdmin(t, "{\n\tadmin off\n}\nhttp://127.0.0.1:%PORT% {\n\trespond 200\n}\n")
	startEdge(t, config)
	if _, err = cli(t, "dead", "list", address(base)); err == nil || !strings.Contains(err.Error(), "no leadgate block") {
		t.Errorf("no leadgate: %v", err)
	}
}

// TestSendSaysWhatBecameOfIt, and fails where no leadgate block answered: Caddy
// says 200 to a path that nothing handles.
func TestSendSaysWhatBecameOfIt(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, strings.Replace(site("forward "+s.URL), "respond \"next\" 418", "", 1))
	file := filepath.Join(t.TempDir(), "webhook.json")
	if err := os.WriteFile(file, message("wamid.send", "15551234567", "Hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	send := func(path string) (string, error) {
		return cli(t, "send", "--to", e.url(path), "--secret", testSecret, file)
	}
	for _, c := range []struct{ path, out, problem string }{
		{"/webhooks/meta", "200 OK queued\n", ""},
		{"/webhooks/meta", "200 OK duplicate\nThe edge knew this event", ""},
		{"/webhook/meta", "200 OK\n", "no leadgate block answered"},
		{"/webhooks/meta/", "200 OK\n", "no leadgate block answered"},
		{"/", "200 OK\n", "no leadgate block answered"},
	} {
		out, err := send(c.path)
		if !strings.HasPrefix(out, c.out) || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %q, %v", c.path, out, err)
		}
	}
	inline := startEdge(t, site("tenant acme"))
	if out, err := cli(t, "send", "--to", inline.url("/webhooks/meta"), "--secret", testSecret, file); err == nil ||
		!strings.Contains(err.Error(), "the block has no destination") {
		t.Errorf("inline: %q, %v", out, err)
	}
	for _, to := range []string{"localhost:8080/webhooks/meta", "bots.example.com/webhooks/meta", "/webhooks/meta", "ftp://localhost/",
		"http:///webhooks/meta"} {
		if out, err := cli(t, "send", "--to", to, file); err == nil ||
			!strings.Contains(err.Error(), "write one such as http://localhost:8080/webhooks/meta") {
			t.Errorf("%s: %q, %v", to, out, err)
		}
	}
}

// TestExplainReasons knows the words that Leadgate itself shows, and statuses of
// answers; of what it does not know it says so.
func TestExplainReasons(t *testing.T) {
	for word, says := range map[string]string{
		"unconfirmed": "look into the Events Manager", "Expired": "7 days old", "overflow": "max_backlog", "timeout": "on_timeout",
		"timeout after 10s": "raise the forward's timeout", "parked": "once a minute", "open": "10 failures", "404": "nothing answers at this " +
			"URL",
		"404 Not Found": "nothing answers at this URL", "410": "gone for good", "422": "refuses this event", "503": "trouble of its own",
	} {
		if out := mustCLI(t, append([]string{"explain"}, strings.Fields(word)...)...); !strings.Contains(strings.Join(strings.Fields(out),
			" "), says) {
			t.Errorf("%s: %s", word, out)
		}
	}
	if _, err := cli(t, "explain", "unconfirmd"); err == nil || !strings.Contains(err.Error(), "write unconfirmed") {
		t.Errorf("a mistyped word: %v", err)
	}
}
