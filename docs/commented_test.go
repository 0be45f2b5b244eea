package docs

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A line of a comment that is there to be taken in, as it stands in a Caddyfile.
var commented = regexp.MustCompile(`^(\t*)#\t(.*)`)

// TestCommented: what the examples have in comments loads, each by itself, once its marks are
// taken away; commands and what stands for something else are none of it.
func TestCommented(t *testing.T) {
	for file, want := range map[string]int{"../Caddyfile.example": 8, "../examples/compose/Caddyfile": 1} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole := regexp.MustCompile(`\{\$(\w+):([^}]*)\}`).ReplaceAllString(string(text), "$2")
		whole = strings.NewReplacer("{$META_DATASET}", "1234567890", "{$EDGE_HOST}", "edge.example.com", "{$N8N_HOST}", "n8n.example.com").
			Replace(whole)
		lines := strings.Split(strings.TrimSuffix(whole, "\n"), "\n")
		n := 0
		for i := 0; i < len(lines); i++ {
			m := commented.FindStringSubmatch(lines[i])
			if m == nil {
				continue
			}
			end := i
			for end < len(lines) && (commented.MatchString(lines[end]) || strings.TrimSpace(lines[end]) == "#") {
				end++
			}
			from := i
			i = end
			switch first, _, _ := strings.Cut(m[2], " "); first {
			case "go", "caddy", "queue", "tenant": // commands, another queue, and a form of the block
				continue
			}
			n++
			t.Run(fmt.Sprintf("%s:%d", file, from+1), func(t *testing.T) {
				validateAll(t, adapt(t, takenIn(lines, from, end)))
			})
		}
		if n != want {
			t.Errorf("%s has %d examples in comments, want %d", file, n, want)
		}
	}
}

// takenIn is a Caddyfile with some lines of a comment taken in.
func takenIn(lines []string, from, end int) string {
	const hash = "$2a$14$h.GYjrul3Vdr5cfycuk.6e7UsjMvzRPjOMUaXPFcPH3R0HvGGRmCC"
	var b strings.Builder
	for i, line := range lines {
		if m := commented.FindStringSubmatch(line); m != nil && i >= from && i < end {
			line = m[1] + m[2]
			if strings.HasPrefix(m[2], "\treconcile ") { // which wants the demo to have a Page
				continue
			}
		}
		b.WriteString(strings.ReplaceAll(line, "<hash>", hash) + "\n")
	}
	return b.String()
}
