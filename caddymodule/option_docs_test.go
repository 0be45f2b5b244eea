package caddymodule

import (
	"cmp"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/wording"
)

var updateReadme = flag.Bool("update-readme", false, "write the tables of options into README.md")

// readmeTable is a table of options in Markdown.
func readmeTable[T any](o options[T]) string {
	var b strings.Builder
	for i := range o {
		row := &o[i]
		if row.at == nil {
			continue
		}
		words := strings.Split(strings.TrimSpace(row.name+" "+row.args), "|")
		for i, word := range words {
			words[i] = "`" + word + "`"
		}
		b.WriteString("|")
		for _, cell := range []string{wording.Or(words), cmp.Or(row.shown, row.def), row.help} {
			if cell != "" {
				b.WriteString(" " + cell)
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestReadmeTables: the README's tables of options are those that the options are
// read by.
func TestReadmeTables(t *testing.T) {
	const file = "../README.md"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for block, table := range map[string]string{
		"global": readmeTable(appOptions()), "forward": readmeTable(forwardOptions()), "capi": readmeTable(capiOptions()),
		"google":        readmeTable(googleOptions()),
		"leads":         readmeTable(leadsOptions()),
		"ads":           readmeTable(adsOptions()),
		"convert":       readmeTable(inChatOptions()),
		"leadgate_link": readmeTable(linksOptions()), "link": readmeTable(linkOptions()),
	} {
		begin := "<!-- options: " + block + " -->\n"
		_, rest, ok := strings.Cut(text, begin)
		if !ok {
			t.Fatalf("the README has no %q", begin)
		}
		heading := rest[:strings.Index(rest, "|---|---|---|\n")+len("|---|---|---|\n")]
		got, _, _ := strings.Cut(strings.TrimPrefix(rest, heading), "\n\n")
		// What is no single option is written by hand, above the others.
		byHand, isHand, _ := "", got, ""
		for strings.HasPrefix(isHand, "| `queue ") {
			line, after, _ := strings.Cut(isHand, "\n")
			byHand, isHand = byHand+line+"\n", after
		}
		if isHand+"\n" == table {
			continue
		}
		if !*updateReadme {
			t.Errorf("%s: the README's table is another than the options': "+
				"go test -run TestReadmeTables ./caddymodule -update-readme\n%s", block, table)
			continue
		}
		text = strings.Replace(text, begin+heading+got+"\n", begin+heading+byHand+table, 1)
	}
	if *updateReadme {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDocumentedDefaults: what a setting's comment says of its default, for who
// writes JSON, is the default.
func TestDocumentedDefaults(t *testing.T) {
	comments := settingComments(t)
	checkDefaults(t, comments, appOptions())
	checkDefaults(t, comments, embeddedOptions())
	checkDefaults(t, comments, redisOptions())
	checkDefaults(t, comments, forwardOptions())
	checkDefaults(t, comments, capiOptions())
	checkDefaults(t, comments, googleOptions())
	checkDefaults(t, comments, mediaOptions())
	checkDefaults(t, comments, linksOptions())
	checkDefaults(t, comments, apiOptions())
	checkDefaults(t, comments, linkOptions())
	checkDefaults(t, comments, alertOptions())
	checkDefaults(t, comments, inChatOptions())
	checkDefaults(t, comments, adsOptions())
	var handler options[Handler]
	for _, row := range handlerOptions() {
		handler = append(handler, option[Handler]{name: row.name, def: row.def})
	}
	checkDefaults(t, comments, handler)
}

func checkDefaults[T any](t *testing.T, comments map[string]string, o options[T]) {
	t.Helper()
	plain := strings.NewReplacer(" ", "", "\n", "", ",", "", " and ", "")
	setting := reflect.TypeFor[T]().Name()
	for i := range o {
		if o[i].def == "" {
			continue
		}
		_, says, ok := strings.Cut(comments[setting+" "+o[i].name], "Default")
		if !ok || !strings.Contains(plain.Replace(strings.ReplaceAll(says, " and ", " ")), plain.Replace(o[i].def)) {
			t.Errorf("%s: the comment of %s says %q of its default %s", setting, o[i].name, says, o[i].def)
		}
	}
}

// settingComments are the comments of all fields that stand in JSON, by their
// struct and name there.
func settingComments(t *testing.T) map[string]string {
	t.Helper()
	comments := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				if field.Tag != nil {
					name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
					comments[spec.Name.Name+" "+name] = field.Doc.Text()
				}
			}
			return true
		})
	}
	return comments
}
