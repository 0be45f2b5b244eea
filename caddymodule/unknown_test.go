package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// adminBodies are good bodies of the routes that take one, by path. In each every
// text is a name that must exist.
var adminBodies = map[string]map[string]any{
	"/leadgate/dead/replay":             {"destination": "crm", "ids": []any{"%ID%"}},
	"/leadgate/dead/drop":               {"destination": "crm", "ids": []any{"%ID%"}},
	"/leadgate/contacts/erase":          {"tenant": "acme", "contact": "+15551234567"},
	"/leadgate/contacts/show":           {"tenant": "acme", "contact": "+15551234567"},
	"/leadgate/leads/import":            {"tenant": "forms", "form": "771234567890123"},
	"/leadgate/destinations/crm/pause":  nil,
	"/leadgate/destinations/crm/resume": nil,
}

// TestUnknownNames asks every route of the admin API for what does not exist, with
// parameters and fields that it does not have, and without values.
func TestUnknownNames(t *testing.T) {
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) { askForUnknownNames(t, queue) })
	}
}

func askForUnknownNames(t *testing.T, queue string) {
	s := newSink(t)
	s.status = func(delivered) int { return http.StatusUnprocessableEntity }
	config, base := withAdmin(t, siteWith(queueOption(t, queue), "tenant acme\nforward "+s.URL+" {\nname crm\n}\n"+tenantOfForms(t)))
	e := startEdge(t, config)
	e.post("/webhooks/meta", message("wamid.1", "15551234567", "Hello"))
	var page deadPage
	waitFor(t, "a dead letter", func() bool {
		e.admin(base, http.MethodGet, "/leadgate/dead", nil, &page)
		return len(page.Dead) == 1
	})
	for _, route := range adminEdge.Routes() {
		bodies := map[string]map[string]any{}
		for path, body := range adminBodies {
			if path == route.Path || strings.HasSuffix(route.Path, "/") && strings.HasPrefix(path, route.Path) {
				bodies[path] = body
			}
		}
		if route.Method == http.MethodGet {
			bodies[route.Path] = nil
		}
		if len(bodies) == 0 {
			t.Errorf("%s %s: the test has no body for it", route.Method, route.Path)
		}
		ask := func(want int, method, path string, body any, says string) {
			t.Helper()
			var answer struct{ Error string }
			var raw json.RawMessage
			status := e.admin(base, method, path, body, &raw)
			_ = json.Unmarshal(raw, &answer)
			if status != want || !strings.Contains(answer.Error, says) {
				t.Errorf("%s %s %v: %d %s, want %d %q", method, path, body, status, raw, want, says)
			}
		}
		for path, body := range bodies {
			other := map[string]string{http.MethodGet: http.MethodPost, http.MethodPost: http.MethodGet}[route.Method]
			ask(405, other, path, body, "use "+route.Method)
			ask(400, route.Method, path+"?colour=red", body, "unknown parameter colour")
			for _, param := range route.Params {
				ask(400, route.Method, path+"?"+param+"=", body, param+" is empty")
				status := 404
				switch param {
				case "limit", "after", "from", "to", "group", "format":
					status = 400
				case "reason", "ad":
					status = 200
				}
				ask(status, route.Method, path+"?"+param+"=nope", body, "")
			}
			if body == nil {
				continue
			}
			with := func(key string, value any) map[string]any {
				changed := map[string]any{}
				for k, v := range body {
					if list, ok := v.([]any); ok && len(list) == 1 && list[0] == "%ID%" {
						v = []any{page.Dead[0].ID}
					}
					changed[k] = v
				}
				changed[key] = value
				return changed
			}
			ask(400, route.Method, path, with("colour", "red"), "colour")
			for key, value := range body {
				if _, isText := value.(string); !isText {
					ask(404, route.Method, path, with(key, []any{"nope", page.Dead[0].ID}), "nope")
					ask(400, route.Method, path, with(key, []any{}), "")
					continue
				}
				ask(400, route.Method, path, with(key, ""), "")
				if key != "contact" {
					ask(404, route.Method, path, with(key, "nope"), "there is no "+key+" nope; there ")
				}
			}
		}
	}
	for _, path := range []string{"/leadgate/destinations/nope/pause", "/leadgate/destinations/nope/resume",
		"/leadgate/destinations/nope/drop", "/leadgate/destinations/nope/move"} {
		var answer struct{ Error string }
		if status := e.admin(base, http.MethodPost, path, map[string]string{"to": "crm"}, &answer); status != 404 ||
			answer.Error != "there is no destination nope; there are crm, forms-leads" {
			t.Errorf("%s: %d %s", path, status, answer.Error)
		}
	}
	for contact, says := range map[string]string{
		"0049 151 23456789": "begins with 0", "Jane Doe": "is no number and no id", "15559999999@s.whatsapp.net": "is no number and no id",
		" ": "neither letters nor digits", "whatsapp:": "neither letters nor digits", "tel:-": "neither letters nor digits",
		"tel:011987654321": "begins with 0", "\u200e011 98765-4321": "begins with 0", "0\u00a011 98765\u20114321": "begins with 0",
	} {
		var answer struct{ Error string }
		if status := e.admin(base, http.MethodPost, "/leadgate/contacts/erase", map[string]string{"tenant": "acme", "contact": contact},
			&answer); status != 400 || !strings.Contains(answer.Error, says) {
			t.Errorf("erase %q: %d %s, want %q", contact, status, answer.Error, says)
		}
	}
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer silent.Close()
	for at, says := range map[string]string{base: "is a URL: write the host and port alone",
		strings.TrimPrefix(silent.URL, "http://"): "is it the address of the admin endpoint"} {
		if out, err := cli(t, "dead", "list", "--address", at); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("--address %s: %v, want %q\n%s", at, err, says, out)
		}
	}
	var left deadPage
	if e.admin(base, http.MethodGet, "/leadgate/dead", nil, &left); len(left.Dead) != 1 {
		t.Errorf("%d dead letters are left", len(left.Dead))
	}
	for _, args := range [][]string{
		{"dead", "list", "--destination", "nope"}, {"dead", "show", "nope"}, {"dead", "replay", "--destination", "crm", "nope"},
		{"dead", "drop", "--destination", "crm", "nope"}, {"dead", "drop", "--destination", "nope", "--all"}, {"dead", "replay",
			"--destination", "nope", "--all"},
	} {
		if out, err := cli(t, append(args, address(base))...); err == nil || !strings.Contains(err.Error(), "nope") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestUnknownWordsOfCommands gives every command a flag, an argument and a
// command that it does not have, and every flag an empty value.
func TestUnknownWordsOfCommands(t *testing.T) {
	root := &cobra.Command{Use: "leadgate"}
	caddyCommand().CobraFunc(root)
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		fails := func(says string, args ...string) {
			t.Helper()
			args = append(append([]string{}, path...), args...)
			if out, err := cli(t, args...); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%q: %v, want %q\n%s", args, err, says, out)
			}
		}
		fails("colour", "--colour=red")
		if cmd.HasSubCommands() && cmd.Name() != "destinations" {
			fails("nope", "nope")
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			if kind := f.Value.Type(); kind == "string" || kind == "stringSlice" {
				fails("--"+f.Name+" is empty", requiredFlags(cmd, f.Name, "--"+f.Name+"=")...)
			} else {
				fails(f.Name, "--"+f.Name+"=")
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub, append(append([]string{}, path...), sub.Name()))
		}
	}
	walk(root, nil)
}

// requiredFlags adds the other flags and arguments without which a command does
// not begin.
func requiredFlags(cmd *cobra.Command, but string, args ...string) []string {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required && f.Name != but {
			args = append(args, "--"+f.Name+"=x")
		}
	})
	if cmd.Args != nil && cmd.Args(cmd, nil) != nil {
		args = append(args, "x")
	}
	return args
}

// optionPlace is a Caddyfile for a block of optionNames, with %OPTION% where an
// option of it may stand.
func optionPlace(block string) string {
	outer, begin := "http://127.0.0.1:8080 {\n leadgate /x* {\n%BLOCK%\n }\n}\n", block
	switch {
	case block == "global leadgate":
		outer, begin = "{\n%BLOCK%\n}\n", "leadgate"
	case strings.HasPrefix(block, "queue "):
		outer, begin = "{\n leadgate {\n%BLOCK%\n }\n}\n", strings.Replace(block, "redis", "redis redis://127.0.0.1:6379", 1)
	case strings.HasPrefix(block, "leadgate"):
		outer, begin = "http://127.0.0.1:8080 {\n%BLOCK%\n}\n", block+" /x"
	case block == "link":
		outer, begin = "http://127.0.0.1:8080 {\n leadgate_link /x/* {\n%BLOCK%\n }\n}\n", "link summer"
	case block == "tenant":
		begin = "tenant acme"
	case block == "convert":
		begin = "convert Lead"
	case block == "forward":
		begin = "forward http://127.0.0.1:9/"
	}
	return strings.Replace(outer, "%BLOCK%", begin+" {\n %OPTION%\n }", 1)
}

// flags are the options that take no value.
var flags = []string{"raw", "insecure_skip_verify", "insecure_skip_auth", "read_only"}

// TestUnknownOptions writes into every block an option that it does not have, one
// that is mistyped, and every option without a value, with an empty one, and, where
// it takes none, with one; each is named with file and line.
func TestUnknownOptions(t *testing.T) {
	for block, names := range optionNames() {
		place := optionPlace(block)
		fails := func(option string, says ...string) {
			t.Helper()
			err := validate(t, strings.Replace(place, "%OPTION%", option, 1))
			if err == nil || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("%s: %s: %v", block, option, err)
				return
			}
			for _, want := range says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %s: %v, want %q", block, option, err, want)
				}
			}
		}
		fails("colour red", "has no option 'colour': write one of "+names[0])
		for _, name := range names {
			near := "write " + name
			if len(name) < 3 {
				near = "write one of " // too short to be guessed
			}
			fails(name+"x 1", "has no option '"+name+"x': "+near)
			if slices.Contains(flags, name) {
				fails(name+" red", name)
				continue
			}
			fails(name, name)
			if name != "capi" {
				fails(name+` ""`, name)
			}
		}
	}
	for block, inner := range map[string]string{"leadgate": "app_secret a", "global leadgate": "sentinel mymaster", "tenant": "dataset 1"} {
		if err := validate(t, strings.Replace(optionPlace(block), "%OPTION%", inner, 1)); err == nil ||
			!strings.Contains(err.Error(), "is the brace before it missing") {
			t.Errorf("%s: %s: %v", block, inner, err)
		}
	}
}
