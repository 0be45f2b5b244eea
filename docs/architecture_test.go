package docs

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/leadgate/leadgate/"

// picture is what ARCHITECTURE.md draws.
type picture struct {
	room   map[string]string   // of a package, by its path without internal/
	arrows map[string][]string // from a room
	leaves []string            // packages that stand in no room
}

var (
	drawnRoom  = regexp.MustCompile(`(?m)^  (\w+)\["(.*)"\]$`)
	drawnArrow = regexp.MustCompile(`(?m)^  ([\w& ]+) --> ([\w& ]+)$`)
	tag        = regexp.MustCompile(`</?b>`)
)

func readPicture(t *testing.T) *picture {
	t.Helper()
	content, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	p := &picture{room: make(map[string]string), arrows: make(map[string][]string)}
	for _, m := range drawnRoom.FindAllStringSubmatch(text, -1) {
		names, _, _ := strings.Cut(tag.ReplaceAllString(m[2], ""), "<br>")
		inside, below, _ := strings.Cut(names, ": ") // destination: forward/, dataset/
		for name := range strings.SplitSeq(inside, ", ") {
			p.room[name] = m[1]
		}
		for name := range strings.SplitSeq(below, ", ") {
			p.room[m[1]+"/"+strings.TrimSuffix(name, "/")] = m[1]
		}
	}
	for _, m := range drawnArrow.FindAllStringSubmatch(text, -1) {
		for from := range strings.SplitSeq(m[1], " & ") {
			p.arrows[from] = append(p.arrows[from], strings.Split(m[2], " & ")...)
		}
	}
	_, rest, ok := strings.Cut(text, "Leaves that anybody may ask")
	if !ok {
		t.Fatal("the leaves are not named")
	}
	rest, _, _ = strings.Cut(rest, "\n")
	for _, m := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(rest, -1) {
		p.leaves = append(p.leaves, m[1])
	}
	return p
}

// of is the room of a package: its own, or of the package whose folder it is in.
func (p *picture) of(pkg string) string {
	for ; pkg != "."; pkg = path.Dir(pkg) {
		if room := p.room[pkg]; room != "" {
			return room
		}
	}
	return ""
}

// below adds the rooms that arrows lead to from a room.
func (p *picture) below(room string, to map[string]bool) map[string]bool {
	for _, next := range p.arrows[room] {
		if !to[next] {
			to[next] = true
			p.below(next, to)
		}
	}
	return to
}

// leads reports whether arrows lead from a room to another.
func (p *picture) leads(from, to string) bool { return p.below(from, make(map[string]bool))[to] }

// TestArchitecture: the picture of the rooms has every package and every import, and
// no arrow that nothing goes along; and nothing but caddymodule knows Caddy, of whose
// files each one does.
func TestArchitecture(t *testing.T) {
	p := readPicture(t)
	for from := range p.arrows {
		if p.leads(from, from) {
			t.Fatalf("arrows lead from %s to itself", from)
		}
	}
	used := make(map[[2]string]bool)
	for pkg, imports := range productionImports(t) {
		room := p.of(pkg)
		leaf := slices.Contains(p.leaves, pkg)
		if room == "" == !leaf {
			t.Errorf("%s stands neither in a room nor among the leaves, or in both", pkg)
		}
		for _, imported := range imports {
			own, isOwn := strings.CutPrefix(imported, module)
			if strings.HasPrefix(imported, "github.com/caddyserver/") && room != "caddymodule" {
				t.Errorf("%s imports %s: only caddymodule knows Caddy", pkg, imported)
			}
			to := p.of(strings.TrimPrefix(own, "internal/"))
			if !isOwn || to == "" || to == room || leaf && (to == "queue" || to == "normalize") {
				continue
			}
			if leaf || !p.leads(room, to) {
				t.Errorf("%s imports %s: no arrow leads there", pkg, own)
			}
			used[[2]string{room, to}] = true
		}
	}
	for from, all := range p.arrows {
		for _, to := range all {
			if !used[[2]string{from, to}] {
				t.Errorf("nothing goes along the arrow from %s to %s", from, to)
			}
		}
	}
	files, err := filepath.Glob("../caddymodule/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && !strings.Contains(string(content), `"github.com/caddyserver/caddy/v2`) {
			t.Errorf("%s knows no Caddy: it belongs into a package below", file)
		}
	}
}

// testOnly are the packages of which only tests, demos and benchmarks are made.
var testOnly = []string{"attack", "bench", "built", "capi/capitest", "docs", "e2e", "edgetest", "examples", "faults", "freeport"}

// productionImports are the imports of each package, tests aside, by its path without
// internal/.
func productionImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg, ok := strings.CutPrefix(words[0], module)
		pkg = strings.TrimPrefix(pkg, "internal/")
		outside := func(name string) bool { return pkg == name || strings.HasPrefix(pkg, name+"/") }
		if ok && !slices.ContainsFunc(testOnly, outside) {
			all[pkg] = words[1:]
		}
	}
	return all
}
