package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/queue"
)

// adminCall is what docs/admin-api.md says of a call.
type adminCall struct{ method, path, text string }

// adminPage reads docs/admin-api.md: its head, and the calls by their headings.
func adminPage(t *testing.T) (head string, calls []adminCall) {
	t.Helper()
	text, err := os.ReadFile("../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(text), "\n## ")
	heading := regexp.MustCompile("^`([A-Z]+) (/leadgate/[^`]*)`\n")
	for _, section := range sections[1:] {
		if m := heading.FindStringSubmatch(section); m != nil {
			calls = append(calls, adminCall{m[1], m[2], section})
		}
	}
	return sections[0], calls
}

// TestAdminPage holds docs/admin-api.md to the routes, their parameters, and the
// keys of what they take and answer.
func TestAdminPage(t *testing.T) {
	head, calls := adminPage(t)
	keys := map[string][]any{
		"/leadgate/destinations": {delivery.Status{}},
		"/leadgate/dead":         {admin.DeadLetter{}},
		"/leadgate/dead/":        {admin.DeadSelection{}, intake.Replayed{}},
		"/leadgate/ads":          {ads.Row{}},
		"/leadgate/store":        {admin.Store{}, queue.Alert{}},
		"/leadgate/words":        {intake.UnknownWord{}},
	}
	for _, route := range adminEdge.Routes() {
		i := slices.IndexFunc(calls, func(c adminCall) bool {
			below, isBelow := strings.CutPrefix(c.path, route.Path)
			return c.method == route.Method && (below == "" || isBelow && strings.HasSuffix(route.Path, "/"))
		})
		if i < 0 {
			t.Errorf("the page has no heading `%s %s`", route.Method, route.Path)
			continue
		}
		call := calls[i]
		calls = slices.Delete(calls, i, i+1)
		if !strings.Contains(head, "[`"+call.method+" "+call.path+"`](#") {
			t.Errorf("the page's table has no %s %s", call.method, call.path)
		}
		words := append([]string{}, route.Params...)
		for _, v := range keys[route.Path] {
			words = append(words, jsonKeys(v)...)
		}
		for _, word := range words {
			if !strings.Contains(call.text, "`"+word+"`") {
				t.Errorf("%s %s: nothing is said of `%s`", call.method, call.path, word)
			}
			if route.Method == http.MethodGet && !slices.Contains(route.Params, word) && !strings.Contains(call.text, `"`+word+`":`) {
				t.Errorf("%s %s: the answer that is shown has no %s", call.method, call.path, word)
			}
		}
		if len(route.Params) == 0 && !strings.Contains(call.text, "No parameters") {
			t.Errorf("%s %s: the page does not say that it takes no parameters", call.method, call.path)
		}
		if !strings.Contains(call.text, "\ncurl ") {
			t.Errorf("%s %s has no example", call.method, call.path)
		}
	}
	for _, call := range calls {
		t.Errorf("%s %s is on the page, and no route", call.method, call.path)
	}
}

// tenantOfForms is a tenant whose Page has one form, of a fake of Meta's.
func tenantOfForms(t *testing.T) string {
	t.Helper()
	fake := new(leadfake.Server)
	fake.AddForm(&leadfake.Form{ID: "771234567890123", Page: "1029384756", Status: "ACTIVE"})
	meta := httptest.NewServer(fake)
	t.Cleanup(meta.Close)
	return "tenant forms {\nmatch page_id 1029384756\nleads {\naccess_token t\nendpoint " + meta.URL + "\n}\n}\n"
}

func jsonKeys(v any) (keys []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if field.IsExported() && !field.Anonymous {
			keys = append(keys, field.Tag.Get("json"))
		}
	}
	return keys
}

// adminExample is a call of the page, as curl makes it.
var adminExample = regexp.MustCompile(`(?m)^curl (-X POST )?'?localhost:2019(/leadgate/[^' \n]*)'?(?: -d '([^']*)')?$`)

// TestAdminPageExamples makes the calls of the page, one after another, on both
// queues.
func TestAdminPageExamples(t *testing.T) {
	_, calls := adminPage(t)
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) {
			s := newSink(t)
			s.status = func(delivered) int { return http.StatusUnprocessableEntity }
			forms := tenantOfForms(t)
			option := queueOption(t, queue)
			block := func(names ...string) string {
				var forwards strings.Builder
				for _, name := range names {
					forwards.WriteString("forward " + s.URL + "/" + name + " {\nname " + name + "\n}\n")
				}
				return siteWith(option, "tenant acme\n"+forwards.String()+forms)
			}
			config, base := withAdmin(t, block("n8n", "n8n-old", "n8n-older"))
			e := startEdge(t, config)
			e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
			waitFor(t, "dead letters of all", func() bool {
				var page deadPage
				e.admin(base, http.MethodGet, "/leadgate/dead", nil, &page)
				return len(page.Dead) == 3
			})
			config, base = withAdmin(t, block("n8n"))
			if err := e.load(config); err != nil {
				t.Fatal(err)
			}
			made := 0
			for _, call := range calls {
				if strings.Count(call.text, "\ncurl ") != len(adminExample.FindAllString(call.text, -1)) {
					t.Errorf("%s %s: an example is written in another way", call.method, call.path)
				}
				for _, m := range adminExample.FindAllStringSubmatch(call.text, -1) {
					made++
					target, err := url.Parse(m[2])
					if err != nil {
						t.Fatal(err)
					}
					method := http.MethodGet
					if m[1] != "" || m[3] != "" {
						method = http.MethodPost
					}
					prefix, _, _ := strings.Cut(call.path, "<")
					if method != call.method || !strings.HasPrefix(target.Path, prefix) {
						t.Errorf("%s is no example of %s %s", m[0], call.method, call.path)
					}
					req, err := http.NewRequest(method, base+m[2], strings.NewReader(m[3]))
					if err != nil {
						t.Fatal(err)
					}
					if resp, text := e.do(req); resp.StatusCode != http.StatusOK {
						t.Errorf("%s: %d %s", m[0], resp.StatusCode, text)
					}
				}
			}
			if made < len(adminEdge.Routes()) {
				t.Errorf("%d calls were made of %d routes", made, len(adminEdge.Routes()))
			}
		})
	}
}
