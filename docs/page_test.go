package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// page is a page of documentation: README.md, or a Markdown file below docs.
type page struct {
	path   string // from the repository's root
	fences []fence
	links  []string // the relative ones, with their anchors
	heads  []string // the anchors of its headings
}

// fence is a block of code: what stands after the backquotes, and the text.
type fence struct {
	lang, name string
	text       string
	line       int
}

// provider is the provider that a page of docs/providers is about, "" for others.
func (p *page) provider() string {
	if dir, file := filepath.Split(p.path); dir == filepath.Join("docs", "providers")+"/" {
		return strings.TrimSuffix(file, ".md")
	}
	return ""
}

// file returns the fence that shows the file of that name.
func (p *page) file(name string) (fence, bool) {
	for _, f := range p.fences {
		if f.name == name {
			return f, true
		}
	}
	return fence{}, false
}

var link = regexp.MustCompile(`\]\(([^)]+)\)`)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

func readPages(t *testing.T) []*page {
	t.Helper()
	files := []string{"../README.md", "../n8n/README.md"}
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var pages []*page
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := &page{path: filepath.Join("docs", file)}
		p.parse(t, string(text))
		pages = append(pages, p)
	}
	return pages
}

func (p *page) parse(t *testing.T, text string) {
	t.Helper()
	open := false
	for i, line := range strings.SplitAfter(text, "\n") {
		rest, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open:
			open = false
		case isFence:
			open = true
			words := strings.Fields(rest)
			f := fence{line: i + 1}
			if len(words) > 0 {
				f.lang = words[0]
			}
			if len(words) > 1 {
				f.name = words[1]
			}
			p.fences = append(p.fences, f)
		case open:
			p.fences[len(p.fences)-1].text += line
		default:
			if _, heading, ok := strings.Cut(line, "# "); ok && line[0] == '#' {
				p.heads = append(p.heads, anchor(strings.TrimSpace(heading)))
			}
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if !strings.Contains(m[1], ":") {
					p.links = append(p.links, m[1])
				}
			}
		}
	}
	if open {
		t.Fatalf("%s: the block of line %d does not end", p.path, p.fences[len(p.fences)-1].line)
	}
}
