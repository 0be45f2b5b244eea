package docs

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/freeport"
)

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
				case f.lang == "sh" && f.name != "session":
					for line := range strings.SplitSeq(strings.ReplaceAll(f.text, "\\\n", " "), "\n") {
						words := strings.Fields(line)
						if len(words) > 2 && words[0] == "caddy" && words[1] == "leadgate" && runs(words) {
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

// runs reports whether a command needs nothing but a page's own files and edge.
func runs(words []string) bool {
	switch words[2] {
	case "normalize", "send":
		return true
	case "import":
		return slices.Contains(words, "--dry-run") && !slices.Contains(words, "--leads")
	}
	return false
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
	stdout, stderr, err := r.exec(line)
	if err != nil {
		r.t.Errorf("%s\n%v\n%s%s", line, err, stdout, stderr)
	}
	return stdout
}

// exec runs a line of a shell in which this program is caddy.
func (r *runner) exec(line string) (stdout, stderr string, err error) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), "sh", "-c", `caddy() { "$`+asCaddy+`" "$@"; }`+"\n"+line)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), asCaddy+"="+self, "HOME="+r.dir, "XDG_DATA_HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}

// writeFile writes a file that a command reads; before is the command up to it.
func (r *runner) writeFile(name string, before []string) {
	r.t.Helper()
	f, ok := r.page.file(name)
	for i, w := range before {
		for _, p := range r.pages {
			if !ok && (w == "import" || w == "--provider" && i+1 < len(before) && p.provider() == before[i+1]) {
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
	r.t.Setenv("XDG_DATA_HOME", r.dir) // where the queue is
	r.address = freeport.Address(r.t)
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
