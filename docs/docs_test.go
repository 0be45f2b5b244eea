// Package docs holds the documentation. Its tests keep it true: they load every
// Caddyfile, run the commands and compare what they print.
//
// What a block of code is, the words after its backquotes say:
//
//	```caddyfile             a whole Caddyfile. It must adapt and validate, with a value in
//	                         every {env.…} and {$…}, and a file behind every {file.…}
//	```caddyfile Caddyfile   the same, and the edge that the page's `caddy leadgate send`
//	                         talks to: localhost:8080 is a free port in the tests
//	```json webhook.json     a file of that name, in the folder where commands run; on pages
//	                         that show none, commands get the one of their --provider's page
//	```go infobip.go         the same text as the file below docs/providers/example
//	```csv sales.csv         the same, for `caddy leadgate import` of any page
//	```sh                    lines that begin with `caddy leadgate normalize`, `send`, or
//	                         `import` with --dry-run are run by a shell, and must succeed.
//	                         Others are not: they need a server, a provider or a compiler
//	```sh session           several terminals at once, which internal/e2e runs (TestSetupPage)
//	```json output           is in what the last of these printed, in its first event:
//	                         every key that is shown has the value that is shown
package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/leadgate/leadgate/caddymodule"
	_ "github.com/leadgate/leadgate/docs/providers/example/infobip"
	"github.com/leadgate/leadgate/internal/freeport"
)

// asCaddy makes the test binary a Caddy: the commands run in it.
const asCaddy = "LEADGATE_DOCS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main() // ends the process itself where something fails
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestCaddyfiles(t *testing.T) {
	for _, p := range readPages(t) {
		for _, f := range p.fences {
			if f.lang != "caddyfile" {
				continue
			}
			t.Run(fmt.Sprintf("%s:%d", p.path, f.line), func(t *testing.T) {
				validateAll(t, adapt(t, f.text))
			})
		}
	}
}

// validateAll validates a configuration, and fails on what Leadgate warns of when
// it looks over the sites.
func validateAll(t *testing.T, config []byte) {
	t.Helper()
	var cfg caddy.Config
	if err := json.Unmarshal(config, &cfg); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	writer, err := json.Marshal(map[string]string{"output": "file", "filename": log})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{
		WriterRaw: writer, EncoderRaw: json.RawMessage(`{"format":"json"}`), Level: "WARN",
	}}}}
	if err := caddy.Validate(&cfg); err != nil {
		t.Error(err)
	}
	written, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(written)) {
		if ofLeadgate.MatchString(line) {
			t.Error(line)
		}
	}
}

var ofLeadgate = regexp.MustCompile(`"logger":"(leadgate[^"]*|http\.handlers\.leadgate)"`)

// TestExamples holds the Caddyfiles outside of pages to the same.
func TestExamples(t *testing.T) {
	for _, file := range []string{"../Caddyfile.example", "../examples/compose/Caddyfile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(file, func(t *testing.T) {
			values := regexp.MustCompile(`\{\$(\w+):([^}]*)\}`)
			whole := values.ReplaceAllString(string(text), "$2")
			whole = strings.NewReplacer("{$META_DATASET}", "1234567890", "{$EDGE_HOST}", "edge.example.com",
				"{$N8N_HOST}", "n8n.example.com").Replace(whole)
			validateAll(t, adapt(t, whole))
		})
	}
}

// TestSamples sends every built-in webhook to the block of Caddyfile.example that
// is for its provider, and looks at the example with doctor.
func TestSamples(t *testing.T) {
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`\{\$\w+:([^}]*)\}`).ReplaceAllString(string(text), "$1")
	whole = strings.Replace(whole, "http://localhost:8081 {", "http://"+freeport.Address(t)+" {", 1)
	r := &runner{t: t, dir: t.TempDir(), page: &page{fences: []fence{{lang: "caddyfile", name: "Caddyfile", text: whole}}}}
	r.startEdge()
	files, err := filepath.Glob("../internal/samples/webhooks/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("samples: %v, %v", files, err)
	}
	tried := map[string]bool{}
	send := func(provider, line string) {
		tried[provider] = true
		secret := "demo-token"
		if provider == "meta" {
			secret = "demo-secret"
		}
		line = "caddy leadgate send --to http://" + r.address + "/webhooks/" + provider + " --secret " + secret + " " + line
		stdout, stderr, err := r.exec(line)
		if err != nil || !strings.HasPrefix(stdout, "200 OK queued\n") {
			t.Errorf("%s: %v\n%s%s", line, err, stdout, stderr)
		}
	}
	for _, file := range files {
		name, provider, _ := strings.Cut(filepath.Base(file), ".")
		provider, _, _ = strings.Cut(provider, ".")
		send(provider, "--sample "+name)
	}
	send("360dialog", "--provider 360dialog --sample click")
	for _, m := range regexp.MustCompile(`leadgate /webhooks/(\w+)`).FindAllStringSubmatch(whole, -1) {
		if !tried[m[1]] {
			t.Errorf("no sample is for %s", m[1])
		}
	}

	if err := os.WriteFile(filepath.Join(r.dir, "Caddyfile"), []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, err := r.exec("caddy leadgate doctor --config Caddyfile")
	if err != nil || stderr != "" || !strings.Contains(stdout, "nothing keeps the edge from working") {
		t.Errorf("doctor: %v\n%s%s", err, stdout, stderr)
	}
}

var (
	secretFile  = regexp.MustCompile(`\{file\.([^}]+)\}`)
	environment = regexp.MustCompile(`\{(?:env\.|\$)(\w+)\}`)
)

// adapt turns a Caddyfile into JSON, with values for its secrets, and keeps the
// Caddy that gets it away from the machine's own data and admin endpoint.
func adapt(t *testing.T, text string) []byte {
	t.Helper()
	dir := t.TempDir()
	for i, m := range secretFile.FindAllStringSubmatch(text, -1) {
		path := filepath.Join(dir, fmt.Sprint("secret", i))
		content := "secret"
		if strings.Contains(m[1], "google") {
			content = `{"type":"authorized_user","client_id":"c","client_secret":"secret","refresh_token":"secret"}`
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		text = strings.Replace(text, m[0], "{file."+path+"}", 1)
	}
	for _, m := range environment.FindAllStringSubmatch(text, -1) {
		t.Setenv(m[1], "secret")
	}
	formatted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("warning: %s", w)
	}
	var cfg map[string]any
	if err := json.Unmarshal(formatted, &cfg); err != nil {
		t.Fatal(err)
	}
	cfg["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	cfg["storage"] = map[string]any{"module": "file_system", "root": dir}
	out, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCode holds the Go code that a page shows to the file that is compiled.
func TestCode(t *testing.T) {
	shown := 0
	for _, p := range readPages(t) {
		for _, f := range p.fences {
			if f.lang != "go" || f.name == "" {
				continue
			}
			shown++
			files, err := filepath.Glob("providers/example/*/" + f.name)
			if err != nil || len(files) != 1 {
				t.Fatalf("%s:%d: files %v, %v", p.path, f.line, files, err)
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != f.text {
				t.Errorf("%s:%d is not %s: copy the file into the page", p.path, f.line, files[0])
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows the example")
	}
}

// TestLinks looks for the files and the headings that pages link to.
func TestLinks(t *testing.T) {
	pages := readPages(t)
	heads := map[string][]string{}
	for _, p := range pages {
		heads[filepath.Clean(p.path)] = p.heads
	}
	for _, p := range pages {
		for _, l := range p.links {
			file, head, hasHead := strings.Cut(l, "#")
			path := filepath.Join(filepath.Dir(p.path), file)
			if file == "" {
				path = filepath.Clean(p.path)
			}
			if _, err := os.Stat(filepath.Join("..", path)); err != nil {
				t.Errorf("%s: %v", p.path, err)
			}
			if hasHead && !slices.Contains(heads[path], head) {
				t.Errorf("%s: %s has no heading %s", p.path, path, head)
			}
		}
	}
}
