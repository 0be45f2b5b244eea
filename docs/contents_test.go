package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// TestContents: no page is missing from the contents, and each begins with a paragraph that says
// what one gets, before anything to type or to look up.
func TestContents(t *testing.T) {
	const contents = "docs/README.md"
	listed := make(map[string]bool)
	pages := readPages(t)
	for _, p := range pages {
		if filepath.Clean(p.path) != contents {
			continue
		}
		for _, l := range p.links {
			file, _, _ := strings.Cut(l, "#")
			listed[filepath.Join("docs", file)] = true
		}
	}
	for _, p := range pages {
		path := filepath.Clean(p.path)
		if path != contents && !listed[path] {
			t.Errorf("%s does not list %s", contents, path)
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		if problem := opening(string(text)); problem != "" {
			t.Errorf("%s: %s", path, problem)
		}
	}
}

// opening says what is wrong with a page's first lines; "" for nothing.
func opening(text string) string {
	title, rest, _ := strings.Cut(text, "\n")
	paragraph, _, _ := strings.Cut(strings.TrimLeft(rest, "\n"), "\n\n")
	words := len(strings.Fields(paragraph))
	switch first := []rune(paragraph + " ")[0]; {
	case !strings.HasPrefix(title, "# ") || !strings.HasPrefix(rest, "\n"):
		return "it does not begin with a title"
	case !unicode.IsLetter(first) && first != '`' && first != '[':
		return "no paragraph follows the title, but " + paragraph
	case words < 8 || words > 120:
		return "its first paragraph does not say in a few lines what one gets: " + paragraph
	}
	return ""
}

func TestOpening(t *testing.T) {
	const said = "You get this and that of it, and it takes five minutes."
	for text, right := range map[string]bool{
		"# A page\n\n" + said + "\n\n## More\n": true, "# A page\n\n`option` " + said: true,
		"# A page\n\n## More\n\n" + said: false, "# A page\n\n- [one](#one)\n- two\n": false, "# A page\n\n| a | b |\n|---|---|\n": false,
		"# A page\n\n```sh\ncaddy\n```\n": false, "# A page\n\nIt is short.\n": false, said: false, "# A page\n": false, "": false,
	} {
		if problem := opening(text); (problem == "") != right {
			t.Errorf("%q: %s", text, problem)
		}
	}
}
