package caddymodule

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/links"
)

// TestExampleLogsNoClickIDs: with Caddyfile.example's filter a visit's ids stand in no
// line of a log, neither those of the link nor those of the page that it stands on.
func TestExampleLogsNoClickIDs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	e := &edge{t: t, port: freeport.New(t), dir: dir}
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "log")
	config := strings.NewReplacer("http://localhost:8080", fmt.Sprintf("http://127.0.0.1:%d", e.port), "http://localhost:8081",
		fmt.Sprintf("http://127.0.0.1:%d", freeport.New(t)), "format filter", "output file "+file+"\nformat filter",
		"wrap console", "wrap json").Replace(string(text))
	if err := e.load("{\nadmin off\n" + config[strings.Index(config, "{\n")+2:]); err != nil {
		t.Fatal(err)
	}
	const value = "SeCrEt-Id-0001"
	query := "?utm_source=google"
	for _, name := range links.IDs() {
		query += "&" + name + "=" + value
	}
	for _, target := range []string{"/go/summer" + query, "/landing" + query, "/go/nope" + query} {
		e.visit(target, "Referer", e.url("/landing"+query))
	}
	resp, code := e.visit("/go/summer", "Referer", e.url("/landing"+query))
	if resp.StatusCode != http.StatusFound || code == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if err := caddy.Stop(); err != nil { // closes the log
		t.Fatal(err)
	}
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(log), "handled request"); n != 4 || !strings.Contains(string(log), "utm_source=google") {
		t.Fatalf("%d requests are logged: %s", n, log)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, value) {
			t.Errorf("an id is logged: %s", line)
		}
	}
}
