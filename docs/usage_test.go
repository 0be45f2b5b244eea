package docs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

var shown = regexp.MustCompile("`(?:\\./|docker exec <container> )?caddy (leadgate [^`]+)`")

// TestUsage: each command of Leadgate's that a page shows is one, with flags that it has, also where
// it cannot be run here, and in a sentence.
func TestUsage(t *testing.T) {
	n := 0
	for _, p := range readPages(t) {
		text, err := os.ReadFile(filepath.Join("..", filepath.Clean(p.path)))
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, m[1])
		}
		for _, f := range p.fences {
			if f.lang != "sh" {
				continue
			}
			for line := range strings.SplitSeq(strings.ReplaceAll(f.text, "\\\n", " "), "\n") {
				if _, command, ok := strings.Cut(" "+line, " caddy leadgate "); ok {
					lines = append(lines, "leadgate "+command)
				}
				if _, command, ok := strings.Cut(line, "go run . leadgate "); ok {
					lines = append(lines, "leadgate "+command)
				}
			}
		}
		for _, line := range lines {
			n++
			if err := usable(line); err != nil {
				t.Errorf("%s: caddy %s: %v", p.path, line, err)
			}
		}
	}
	if n < 100 {
		t.Errorf("the pages show %d commands", n)
	}
}

// usable says why a line is no command of Caddy's.
func usable(line string) error {
	line, _, _ = strings.Cut(line, " #")
	var words []string
	for word := range strings.FieldsSeq(line) {
		if strings.ContainsAny(word[:1], "|>&;") {
			break
		}
		if isValue := strings.HasPrefix(last(words), "--"); isValue || !strings.HasPrefix(word, "…") { // and more
			words = append(words, strings.Trim(word, `"'`))
		}
	}
	root := &cobra.Command{Use: "caddy"}
	leadgate := &cobra.Command{Use: "leadgate"}
	caddycmd.Commands()["leadgate"].CobraFunc(leadgate)
	root.AddCommand(leadgate)
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	args := cmd.Flags().Args()
	if cmd.HasSubCommands() {
		if len(args) > 0 {
			return fmt.Errorf("there is no command %s", args[0])
		}
		return nil
	}
	if err := cmd.ValidateArgs(args); err != nil && len(args) > 0 { // a sentence may leave them out
		return err
	}
	if cmd.Deprecated != "" {
		return errors.New("it is deprecated")
	}
	return nil
}

// last is the last word; "" for none.
func last(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

func TestUsable(t *testing.T) {
	for line, right := range map[string]bool{
		"leadgate destinations": true, "leadgate destinations # of all": true, "leadgate dead list --destination n8n": true,
		"leadgate qr --config Caddyfile summer > summer.svg": true, "leadgate setup meta --apply": true,
		"leadgate destination": false, "leadgate dead lists": false, "leadgate setup meta --applies": false, "leadgate destinations x": false,
	} {
		if err := usable(line); (err == nil) != right {
			t.Errorf("%s: %v", line, err)
		}
	}
}
