package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/freeport"
)

// fakeMeta is `caddy leadgate fake-meta` as a process of its own; said is what it logs.
func (i *initial) fakeMeta() (endpoint string, said func() string) {
	i.t.Helper()
	address := freeport.Address(i.t)
	cmd := i.command("leadgate", "fake-meta", "--listen", address)
	log := filepath.Join(i.t.TempDir(), "log")
	f, err := os.Create(log)
	if err != nil {
		i.t.Fatal(err)
	}
	cmd.Stderr = f
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = f.Close()
	})
	said = func() string {
		text, err := os.ReadFile(log)
		if err != nil {
			i.t.Fatal(err)
		}
		return string(text)
	}
	edgetest.Until(i.t, "fake Meta listens", func() bool { return strings.Contains(said(), "listens") })
	return "http://" + address, said
}

// setUp runs `setup meta`, and holds it to end with a code, to fit a terminal and to say no secret.
func (i *initial) setUp(code int, flags ...string) string {
	i.t.Helper()
	cmd := i.command(append([]string{"leadgate", "setup", "meta", "--config", "Caddyfile", "--envfile", "leadgate.env"}, flags...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		i.t.Errorf("setup meta %v: %v, want %d\n%s", flags, err, code, out)
	}
	for line := range strings.Lines(string(out)) {
		if utf8.RuneCountInString(line) > 81 && !strings.Contains(line, "http://") {
			i.t.Errorf("too wide: %s", line)
		}
	}
	for _, secret := range []string{"token-of-dataset", "token-of-page", "0123456789abcdef", i.dashboard("Verify token")} {
		if strings.Contains(string(out), secret) {
			i.t.Errorf("%s is said:\n%s", secret, out)
		}
	}
	return string(out)
}

// TestSetupMeta: what init wrote is set up at Meta's stand-in: shown, made while the edge answers
// the challenge, and then there is nothing to do.
func TestSetupMeta(t *testing.T) {
	t.Parallel()
	i, forward := newInitial(t)
	endpoint, said := i.fakeMeta()
	i.init("--provider", "meta", "--app-secret", "0123456789abcdef0123456789abcdef", "--forward", forward, "--endpoint", endpoint,
		"--dataset", "1234567890", "--capi-token", "token-of-dataset", "--lead-ads", "--page-token", "token-of-page",
		"--waba-id", "102290129340398", "--page-id", "1029384756", "--instagram-id", "17841400000000001")
	shown := i.setUp(2)
	if !strings.Contains(shown, "missing WABA 102290129340398") || strings.Contains(said(), "subscribed") {
		t.Errorf("%s\nfake-meta says %s", shown, said())
	}
	i.Kill()
	if out := i.setUp(1, "--apply"); !strings.Contains(out, "2200") || !strings.Contains(out, "start the edge") {
		t.Errorf("without an edge: %s", out)
	}
	i.Start()
	if out := i.setUp(0, "--apply", "--tenant", "bot"); !strings.Contains(out, "made") {
		t.Error(out)
	}
	if out := i.setUp(0, "--apply"); strings.Contains(out, "made") || !strings.Contains(out, "nothing is missing") {
		t.Errorf("again: %s", out)
	}
	i.setUp(0)
	if !strings.Contains(said(), "the app gets messages, automatic_events of object whatsapp_business_account at "+i.Site+"/webhooks/meta\n") {
		t.Errorf("fake-meta says %s", said())
	}
	if out := i.setUp(1, "--tenant", "acme"); !strings.Contains(out, "there is no tenant acme; there is bot") {
		t.Error(out)
	}
	i.setUp(1, "--replace-callback")
	i.setUp(1, "--app-id", "x")
	if out := i.setUp(1, "--callback", "http://bots.example.com/webhooks/meta"); !strings.Contains(out, "write https://bots.example.com/") {
		t.Error(out)
	}
	i.try("queued")
	i.forwarded()
}
