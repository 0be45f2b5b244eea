package caddymodule

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/api"
	"github.com/leadgate/leadgate/internal/freeport"
)

// withAPI is a site with a leadgate_api of this matcher and these options.
func withAPI(site, matcher, options string) string {
	return strings.Replace(site, `	respond "next"`, "	leadgate_api "+matcher+" {\n"+options+"\n}\n	respond \"next\"", 1)
}

// TestMistakesInAPI names each mistake, and what to write.
func TestMistakesInAPI(t *testing.T) {
	block := site("tenant acme\n forward http://127.0.0.1:9/")
	t.Setenv("LG_EMPTY", "")
	const good = "tenant acme\n token x\n"
	for options, says := range map[string]string{
		"":                                "leadgate_api needs a tenant: write `tenant <name>`",
		"tenant acme":                     "leadgate_api needs a token: write `token {env.LEADGATE_API_TOKEN}`",
		"tenant a/b\n token x":            "tenant 'a/b' is not of letters",
		good + "tenant b":                 "tenant is already specified",
		good + "token y":                  "token is already specified",
		"tenant acme\n token x y":         "token takes one value, not 2",
		"tenant acme\n token \"\"":        "token has an empty value",
		good + "allow":                    "allow needs a value",
		good + "allow write":              "allow 'write' is unknown: write read, replay or all",
		good + "colour red":               "leadgate_api has no option 'colour': write one of tenant, token, allow",
		"tenant acme\n token {env.LG_NO}": "tenant acme: token: evaluated placeholder {env.LG_NO} is empty: set LG_NO where Caddy runs",
		"tenant globex\n token x":         "leadgate_api: tenant globex is in no leadgate block",
	} {
		err := validate(t, withAPI(block, "/api/*", options))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", options, err, says)
		}
	}
	for matcher, says := range map[string]string{
		"/api": "its routes lie below /api: write a path that ends in /*", "/a*/b/*": "its routes lie below /a*/b/*",
		"/api/*": "", "*": "", "": "", "/*": "", "/api*": "",
	} {
		err := validate(t, withAPI(block, matcher, good+"allow all"))
		if (err != nil) != (says != "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", matcher, err, says)
		}
	}
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	config, err := e.adapt(withAPI(block, "/api/*", good))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ with, says string }{
		{`"token":"x","allow":"write"`, "allow 'write' is unknown"}, {`"token":"x","alow":"read"`, "unknown field"},
		{`"token":""`, "needs a token"},
	} {
		changed := strings.Replace(string(config), `"token":"x"`, c.with, 1)
		if err := validateJSON([]byte(changed)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", c.with, err, c.says)
		}
	}
}

// apiExample is a call of docs/api.md, as curl makes it.
var apiExample = regexp.MustCompile(`(?m)^curl -H "Authorization: Bearer \$LEADGATE_API_TOKEN" (-X POST )?` +
	`'?https://bots\.example\.com(/api/[^' \n]*)'?(?: -d '([^']*)')?$`)

// TestAPIPage makes the calls of docs/api.md, one after another, and finds each route
// there with what it wants.
func TestAPIPage(t *testing.T) {
	content, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	for _, row := range apiOptions() {
		if !strings.Contains(page, "| `"+row.name+" ") {
			t.Errorf("the page has no option %s", row.name)
		}
	}
	for _, route := range api.Routes() {
		if !strings.Contains(page, "| `"+route.Method+" "+route.Path+"` | `"+route.Level.String()+"` |") {
			t.Errorf("the page has no %s %s of %s", route.Method, route.Path, route.Level)
		}
	}
	s := newSink(t)
	s.status = func(delivered) int { return http.StatusUnprocessableEntity }
	t.Setenv("LG_API_TOKEN", "secret")
	block := site("tenant acme\n forward " + s.URL + " {\n name n8n\n}")
	e := startEdge(t, withAPI(block, "/api/*", "tenant acme\n token {env.LG_API_TOKEN}\n allow all"))
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	if calls := strings.Count(page, "\ncurl "); calls < len(api.Routes())-1 || calls != len(apiExample.FindAllString(page, -1)) {
		t.Errorf("%d calls, of which %d can be made", calls, len(apiExample.FindAllString(page, -1)))
	}
	for _, m := range apiExample.FindAllStringSubmatch(page, -1) {
		method := http.MethodGet
		if m[1] != "" || m[3] != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequest(method, e.url(m[2]), strings.NewReader(m[3]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer secret")
		resp, text := e.do(req)
		if resp.StatusCode != http.StatusOK || text != "" && !json.Valid([]byte(text)) {
			t.Errorf("%s: %d %s", m[0], resp.StatusCode, text)
		}
	}
}
