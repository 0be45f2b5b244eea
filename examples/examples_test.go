// Package examples holds what operators start from: a Grafana board, alert
// rules, a systemd unit and a compose file. Its tests keep them true: queries
// are held to what a running edge exposes, files to what reads them.
package examples

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"go.yaml.in/yaml/v3"
)

// asCaddy makes the test binary a Caddy: commands are run in it.
const asCaddy = "LEADGATE_EXAMPLES_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// caddyCommand runs a command of the binary that is tested.
func caddyCommand(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCaddy+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("caddy %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decodeYAML reads a file into v, and refuses keys that v has not.
func decodeYAML(t *testing.T, file string, v any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, file)))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// board is what the tests look at of a Grafana board.
type board struct {
	Title, UID    string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type string
			Definition string
		}
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ H, W, X, Y int }
		Datasource               struct{ UID string }
		Targets                  []struct {
			RefID, Expr, LegendFormat string
			Datasource                struct{ UID string }
		}
	}
}

// alerts is a file of alert rules, whole.
type alerts struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

var (
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
	alertLabel  = regexp.MustCompile(`\$labels\.(\w+)`)
	labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	variable    = regexp.MustCompile(`\$(\w+)`)
)

// TestQueries holds every query of the board and of the alerts to the metrics
// of an edge that has had all that they look for.
func TestQueries(t *testing.T) {
	exposed := exposedByEdge(t)

	t.Run("board", func(t *testing.T) {
		var b board
		if err := json.Unmarshal([]byte(read(t, "grafana/leadgate.json")), &b); err != nil {
			t.Fatal(err)
		}
		if b.Title == "" || b.UID == "" || b.SchemaVersion == 0 || len(b.Panels) == 0 {
			t.Errorf("this is no board: %q, %q, schema %d, %d panels", b.Title, b.UID, b.SchemaVersion, len(b.Panels))
		}
		variables := []string{"__rate_interval"}
		for _, v := range b.Templating.List {
			variables = append(variables, v.Name)
			if v.Type != "query" {
				continue
			}
			m := labelValues.FindStringSubmatch(v.Definition)
			if m == nil || exposed[m[1]] == nil || exposed[m[1]].labels[m[2]] == nil {
				t.Errorf("variable %s: %s names no metric or label of the edge", v.Name, v.Definition)
			}
		}
		ids := make(map[int]string)
		for _, p := range b.Panels {
			if other, taken := ids[p.ID]; taken {
				t.Errorf("panels %q and %q have the same id", other, p.Title)
			}
			ids[p.ID] = p.Title
			if p.GridPos.H == 0 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("panel %q lies outside of the board: %+v", p.Title, p.GridPos)
			}
			if p.Type == "row" {
				continue
			}
			if len(p.Targets) == 0 || p.Title == "" || p.Description == "" || p.Datasource.UID != "${datasource}" {
				t.Errorf("panel %q: wants a title, a description, a query and the board's data source", p.Title)
			}
			for _, target := range p.Targets {
				for _, m := range variable.FindAllStringSubmatch(target.Expr, -1) {
					if !slices.Contains(variables, m[1]) {
						t.Errorf("panel %q: the board has no variable %s", p.Title, m[1])
					}
				}
				q := exposed.check(t, "panel "+p.Title, target.Expr)
				for _, m := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
					if !q.returns(m[1]) {
						t.Errorf("panel %q: the legend names %s, which %s does not return", p.Title, m[1], target.Expr)
					}
				}
			}
		}
	})

	t.Run("alerts", func(t *testing.T) {
		var file alerts
		decodeYAML(t, "prometheus/alerts.yml", &file)
		page := read(t, "../docs/operations.md")
		names := make(map[string]bool)
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Alert == "" || names[r.Alert] {
					t.Errorf("alert %q has no name, or one that is taken", r.Alert)
				}
				names[r.Alert] = true
				if !strings.Contains(page, "`"+r.Alert+"`") {
					t.Errorf("docs/operations.md does not say what to do about %s", r.Alert)
				}
				if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
					t.Errorf("alert %s wants a severity, a summary and a description", r.Alert)
				}
				if r.For != "" {
					if _, err := time.ParseDuration(r.For); err != nil {
						t.Errorf("alert %s: %v", r.Alert, err)
					}
				}
				q := exposed.check(t, "alert "+r.Alert, r.Expr)
				for _, text := range slices.Collect(maps.Values(r.Annotations)) {
					for _, m := range alertLabel.FindAllStringSubmatch(text, -1) {
						if !q.returns(m[1]) {
							t.Errorf("alert %s: a text names %s, which its expression does not return", r.Alert, m[1])
						}
					}
				}
			}
		}
		for _, want := range []string{
			"LeadgateDeadLetters", "LeadgateBacklogOld", "LeadgateParked", "LeadgateWebhooksUnauthorized",
			"LeadgateWebhooksUnavailable", "LeadgateConversionsExpiring", "LeadgateSilence",
			"LeadgateGoogleOld", "LeadgateSaidUnread", "LeadgateAdsRefused", "LeadgateAdsOld", "LeadgateFormsRefused", "LeadgateFormsUnread",
		} {
			if !names[want] {
				t.Errorf("there is no alert %s", want)
			}
		}
	})
}

// TestCompletion: Caddy's own completion knows our commands, since it asks the
// binary.
func TestCompletion(t *testing.T) {
	if script := caddyCommand(t, "completion", "bash"); !strings.Contains(script, "__complete") {
		t.Errorf("the script does not ask the binary:\n%s", script)
	}
	if got := caddyCommand(t, "__complete", "leadg"); !strings.HasPrefix(got, "leadgate\t") {
		t.Errorf("leadg is completed to %q", got)
	}
	for _, want := range []string{"send\t", "normalize\t", "fake-meta\t"} {
		if got := caddyCommand(t, "__complete", "leadgate", ""); !strings.Contains(got, want) {
			t.Errorf("no %q among the commands:\n%s", want, got)
		}
	}
	if got := caddyCommand(t, "__complete", "leadgate", "send", "--sa"); !strings.HasPrefix(got, "--sample\t") {
		t.Errorf("--sa is completed to %q", got)
	}
}
