package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testNamed   = regexp.MustCompile(`\[((?:Test|Fuzz|Benchmark)\w+)\]`)
	testDefined = regexp.MustCompile(`(?m)^\[((?:Test|Fuzz|Benchmark)\w+)\]: (\S+)$`)
)

// TestPromises: the tests that a page names behind its promises are there, in the
// files that it links to.
func TestPromises(t *testing.T) {
	held := make(map[string]int)
	for _, p := range readPages(t) {
		text, err := os.ReadFile(filepath.Join("..", p.path))
		if err != nil {
			t.Fatal(err)
		}
		defined := make(map[string]bool)
		for _, found := range testDefined.FindAllStringSubmatch(string(text), -1) {
			name, file := found[1], filepath.Join("..", filepath.Dir(p.path), found[2])
			defined[name] = true
			source, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: %v", p.path, err)
			} else if !strings.Contains(string(source), "\nfunc "+name+"(") {
				t.Errorf("%s: %s is not in %s", p.path, name, found[2])
			}
		}
		rest := testDefined.ReplaceAllString(string(text), "")
		named := make(map[string]bool)
		for _, found := range testNamed.FindAllStringSubmatch(rest, -1) {
			if named[found[1]] = true; !defined[found[1]] {
				t.Errorf("%s: %s leads nowhere", p.path, found[1])
			}
		}
		for name := range defined {
			if !named[name] {
				t.Errorf("%s: %s is defined and not named", p.path, name)
			}
		}
		held[p.path] = len(named)
	}
	for _, path := range []string{"docs/security.md", "docs/privacy.md"} {
		if held[path] == 0 {
			t.Errorf("%s names no test", path)
		}
	}
}

// TestSecuritySections: each section of the page on security names a test.
func TestSecuritySections(t *testing.T) {
	text, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range strings.Split(testDefined.ReplaceAllString(string(text), ""), "\n## ")[1:] {
		if !testNamed.MatchString(section) {
			title, _, _ := strings.Cut(section, "\n")
			t.Errorf("%q names no test", title)
		}
	}
}
