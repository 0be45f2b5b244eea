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
//	```sh                    lines that begin with `caddy leadgate normalize` or `caddy
//	                         leadgate send` are run by a shell, and must succeed. Others are
//	                         not: they need a server, a provider or a compiler
//	```json output           is in what the last of these printed, in its first event:
//	                         every key that is shown has the value that is shown
package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/leadgate/leadgate/caddymodule"
	_ "github.com/leadgate/leadgate/docs/providers/example/infobip"
)

// asCaddy makes the test binary a Caddy: the commands run in it.
const asCaddy = "LEADGATE_DOCS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main() // ends the process
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
				var cfg caddy.Config
				if err := json.Unmarshal(adapt(t, f.text), &cfg); err != nil {
					t.Fatal(err)
				}
				if err := caddy.Validate(&cfg); err != nil {
					t.Error(err)
				}
			})
		}
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
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
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

// TestCommands runs the commands of every page.
func TestCommands(t *testing.T) {
	pages := readPages(t)
	for _, p := range pages {
		t.Run(p.path, func(t *testing.T) {
			r := &runner{t: t, dir: t.TempDir(), pages: pages, page: p}
			ran := make(map[string]bool)
			var printed string
			for _, f := range p.fences {
				switch {
				case f.lang == "sh":
					for line := range strings.SplitSeq(strings.ReplaceAll(f.text, "\\\n", " "), "\n") {
						words := strings.Fields(line)
						if len(words) > 2 && words[0] == "caddy" && words[1] == "leadgate" && (words[2] == "normalize" || words[2] == "send") {
							printed = r.run(line, words)
							ran[words[2]] = true
						}
					}
				case f.name == "output":
					checkOutput(t, f, printed)
				}
			}
			if p.provider() != "" && (!ran["normalize"] || !ran["send"]) {
				t.Error("a provider's page shows `caddy leadgate normalize` and `caddy leadgate send`")
			}
		})
	}
}

// runner runs the commands of one page.
type runner struct {
	t       *testing.T
	dir     string
	pages   []*page
	page    *page
	address string // of the edge, once it runs
}

func (r *runner) run(line string, words []string) string {
	r.t.Helper()
	if words[2] == "send" {
		r.startEdge()
		line = strings.ReplaceAll(line, "localhost:8080", r.address)
	}
	for i, w := range words[3:] {
		if strings.HasPrefix(w, "#") {
			break
		}
		if strings.Contains(w, ".") && !strings.Contains(w, "/") && !strings.HasPrefix(w, "-") {
			r.writeFile(w, words[:3+i])
		}
	}
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), "sh", "-c", `caddy() { "$`+asCaddy+`" "$@"; }`+"\n"+line)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), asCaddy+"="+self, "HOME="+r.dir, "XDG_DATA_HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Errorf("%s\n%v\n%s%s", line, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}

// writeFile writes a file that a command reads; before is the command up to it.
func (r *runner) writeFile(name string, before []string) {
	r.t.Helper()
	f, ok := r.page.file(name)
	for i, w := range before {
		for _, p := range r.pages {
			if !ok && w == "--provider" && i+1 < len(before) && p.provider() == before[i+1] {
				f, ok = p.file(name)
			}
		}
	}
	if !ok {
		r.t.Fatalf("no page shows the file %s", name)
	}
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(strings.TrimSuffix(f.text, "\n")), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// startEdge runs the page's Caddyfile in this process.
func (r *runner) startEdge() {
	r.t.Helper()
	if r.address != "" {
		return
	}
	f, ok := r.page.file("Caddyfile")
	if !ok {
		r.t.Fatal("the page sends, but shows no Caddyfile of that name")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = l.Addr().String()
	l.Close()
	if err := caddy.Load(adapt(r.t, strings.ReplaceAll(f.text, "localhost:8080", r.address)), true); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			r.t.Error(err)
		}
	})
}

// checkOutput compares what a page shows with what was printed.
func checkOutput(t *testing.T, f fence, printed string) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(f.text), &want); err != nil {
		t.Errorf("line %d: %v", f.line, err)
		return
	}
	start := strings.IndexAny(printed, "[{")
	if start < 0 {
		t.Errorf("line %d: nothing like it was printed: %q", f.line, printed)
		return
	}
	var got any
	if err := json.NewDecoder(strings.NewReader(printed[start:])).Decode(&got); err != nil {
		t.Errorf("line %d: %v: %s", f.line, err, printed)
		return
	}
	if list, ok := got.([]any); ok && len(list) > 0 {
		got = list[0]
	}
	checkPart(t, f.line, "", want, got)
}

func checkPart(t *testing.T, line int, path string, want, got any) {
	t.Helper()
	object, ok := want.(map[string]any)
	if !ok {
		if !reflect.DeepEqual(want, got) {
			t.Errorf("line %d: %s is shown as %v, but is %v", line, path, want, got)
		}
		return
	}
	given, _ := got.(map[string]any)
	for name, value := range object {
		if _, ok := given[name]; !ok {
			t.Errorf("line %d: there is no %s.%s", line, path, name)
			continue
		}
		checkPart(t, line, path+"."+name, value, given[name])
	}
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

// TestLinks looks for the files that pages link to.
func TestLinks(t *testing.T) {
	for _, p := range readPages(t) {
		for _, l := range p.links {
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(p.path), l)); err != nil {
				t.Errorf("%s: %v", p.path, err)
			}
		}
	}
}
