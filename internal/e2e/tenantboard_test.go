package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestTenantDashboard: a customer's page shows that tenant and nothing of any other, of
// the edge or of its queue; what it may do, it may do to its own alone, and with
// read_only nothing.
func TestTenantDashboard(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			e := apiEdge(t, global)
			letter := e.letterOf(t, theirs)
			_, all := e.call(t, "GET", "/board/api/dead", "", "")
			if shownOfOthers(all) == "" {
				t.Fatalf("the operator does not see others' dead letters: %s", all)
			}
			for _, page := range []string{"desk", "window"} {
				for path, says := range map[string]string{
					"": "<!doctype html>", "assets/main.js": "", "api/overview": `"name":"n8n"`, "api/events": `"tenantId":"acme"`,
					"api/dead": `"destination":"n8n"`, "api/dead?destination=" + theirs: `"dead":[]`, "api/dead?destination=unmatched": `"dead":[]`,
					"api/dead?id=" + letter: `"dead":[]`, "api/ads": "120210000000000001", "api/ads?tenant=acme": "120210000000000001",
					"api/dead?id=" + e.letterOf(t, "n8n"): `"event":{`, "api/traffic": "error", "api/ads?tenant=" + theirs: "there is no tenant",
				} {
					resp, answer := e.call(t, "GET", "/"+page+"/"+path, "", "")
					refused := strings.Contains(says, "error") || strings.Contains(says, "there is no")
					if resp.StatusCode == http.StatusOK == refused || !strings.Contains(answer, says) {
						t.Errorf("%s/%s: %d %s, want %s", page, path, resp.StatusCode, answer, says)
					}
					if shown := shownOfOthers(answer); shown != "" {
						t.Errorf("%s/%s shows %s: %s", page, path, shown, answer)
					}
				}
				e.checkOverview(t, page)
			}
			e.checkActions(t)
			if all := e.Destinations(); all[theirs].Dead != 1 || all["unmatched"].Dead != 1 || all[theirs].State != "running" {
				t.Errorf("something was done: %+v", all)
			}
		})
	}
}

// checkOverview: no sums over all tenants, and no store's health.
func (e *edge) checkOverview(t *testing.T, page string) {
	t.Helper()
	var o struct {
		Window        json.RawMessage
		Tenants       []string
		Alerts, Words []any
		Problem       string
		Destinations  []struct{ Tenant string }
	}
	_, answer := e.call(t, "GET", "/"+page+"/api/overview", "", "")
	if err := json.Unmarshal([]byte(answer), &o); err != nil {
		t.Fatal(err)
	}
	if string(o.Window) != "null" || len(o.Tenants) != 1 || o.Alerts == nil || o.Words == nil || len(o.Alerts)+len(o.Words) > 0 ||
		len(o.Destinations) != 2 || o.Problem != "" {
		t.Errorf("%s: %s", page, answer)
	}
}

// checkActions tries what pages post.
func (e *edge) checkActions(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		page, path, body string
		status           int
	}{
		{"desk", "destinations/" + theirs + "/pause", "{}", 404}, {"desk", "destinations/" + theirs + "/try", "{}", 404},
		{"desk", "dead/drop", `{"destination":"` + theirs + `","all":true}`, 404},
		{"desk", "dead/replay", `{"destination":"unmatched","all":true}`, 404},
		{"desk", "destinations/n8n/pause", "{}", 200}, {"desk", "destinations/n8n/resume", "{}", 200},
		{"desk", "dead/drop", `{"destination":"n8n","all":true,"reason":"none"}`, 200},
		{"window", "destinations/n8n/pause", "{}", 403}, {"window", "destinations/n8n/resume", "{}", 403},
		{"window", "destinations/n8n/try", "{}", 403},
		{"window", "dead/replay", `{"destination":"n8n","all":true}`, 403}, {"window", "dead/drop", `{"destination":"n8n","all":true}`, 403},
		{"window", "nothing", "{}", 403}, {"board2", "destinations/" + theirs + "/pause", "{}", 403},
	} {
		req, err := http.NewRequest(http.MethodPost, e.Site+"/"+c.page+"/api/"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Leadgate-Dashboard", "1")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.page, c.path, resp.StatusCode, c.status)
		}
	}
	for page, buttons := range map[string]bool{"desk": true, "board": true, "window": false, "board2": false} {
		_, html := e.call(t, "GET", "/"+page+"/", "", "")
		if strings.Contains(html, `id="dead-drop"`) != buttons || strings.Contains(html, `id="dead-replay"`) != buttons {
			t.Errorf("%s: buttons are to be there: %t", page, buttons)
		}
	}
}
