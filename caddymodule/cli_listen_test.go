package caddymodule

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestListen prints what a destination gets, readably, and nothing that changes a
// terminal.
func TestListen(t *testing.T) {
	var out strings.Builder
	l := &listener{out: &out}
	server := httptest.NewServer(l)
	defer server.Close()
	e := startEdge(t, site("tenant acme\n forward "+server.URL+"\n forward "+server.URL+"/raw {\n name raw\n raw\n }"))
	body := strings.Replace(string(click("wamid.1", "15551234567", "Aff-1")), `"Hello"`, `"Hi \u001b[31m\u202e"`, 1)
	e.post("/webhooks/meta", []byte(body))
	waitFor(t, "both", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return strings.Contains(out.String(), "click Aff-1") && strings.Contains(out.String(), "the provider's own body, application/json")
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, want := range []string{"message, whatsapp, tenant acme, +15551234567", "id ", ", attempt 1", `"ctwa_clid": "Aff-1"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Errorf("a control character came through: %q", out.String())
	}
	l.whole = true
	if text := oneLine([]byte("{\n \"a\": 1\n}")); text != "{\"a\":1}\n" {
		t.Errorf("one line: %q", text)
	}
}

// TestEnvFile reads what caddy run --envfile reads.
func TestEnvFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write := func(text string) string {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, name := range []string{"LG_A", "LG_B", "LG_C", "LG_D"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LG_E", "kept")
	if err := loadEnv(write("# a comment\n\nLG_A=one # two\nexport LG_B=\"a # b\"\nLG_C='x\ny'\nLG_D=\nLG_E=other\n")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"LG_A": "one", "LG_B": "a # b", "LG_C": "x\ny", "LG_D": "", "LG_E": "kept"} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, bad := range []string{"LG_A", "=x", "LG A=x", "LG_A='x"} {
		if err := loadEnv(write(bad)); err == nil || strings.Contains(err.Error(), "x'") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := loadEnv(file + "x"); err == nil {
		t.Error("no file is no error")
	}
}
