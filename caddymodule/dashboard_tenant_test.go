package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// customerSite is a site of two tenants whose destination refuses everything, with a page
// for acme.
func customerSite(url, options string) string {
	block := "tenant acme {\nmatch phone_number_id 106540352242922\nforward " + url + "/acme {\nname acme-crm\n}\n}\n" +
		"tenant globex {\nmatch phone_number_id 5\nforward " + url + "/globex {\nname globex-crm\n}\n}"
	return dashboardSiteWith(block, dashboardLogin, "tenant acme\n"+options)
}

// TestTenantDashboardMistakes names what is wrong with a customer's page.
func TestTenantDashboardMistakes(t *testing.T) {
	for options, says := range map[string]string{
		"tenant a/b":            "tenant 'a/b' is not of letters",
		"tenant initech":        "leadgate_dashboard: tenant initech is in no leadgate block: there is acme",
		"read_only yes":         "read_only takes nothing behind it",
		"tenant acme\ntenant b": "tenant is already specified",
		"readonly":              "leadgate_dashboard has no option 'readonly': write read_only",
		"tenant acme":           "", "read_only": "", "tenant acme\nread_only\ninsecure_skip_auth": "",
	} {
		err := validate(t, dashboardSiteWith("tenant acme\nforward http://127.0.0.1:9/", dashboardLogin, options))
		if (err != nil) != (says != "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", options, err, says)
		}
	}
}

// TestTenantDashboardKeepsEvents: others' events neither show on a customer's page nor
// drive its own out.
func TestTenantDashboardKeepsEvents(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, customerSite(s.URL, ""))
	e.post("/webhooks/meta", message("wamid.acme", "15551234567", "first"))
	for i := range 60 {
		body := strings.Replace(string(message(fmt.Sprint("wamid.", i), "15559990000", "of globex")), "106540352242922", "5", 1)
		e.post("/webhooks/meta", []byte(body))
	}
	e.post("/webhooks/meta", message("wamid.acme2", "15551234567", "second"))
	resp, answer := e.dashboard(http.MethodGet, "api/events", "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(answer, `"seq":2`) || strings.Contains(answer, `"seq":3`) ||
		!strings.Contains(answer, `"first"`) || strings.Contains(answer, "globex") {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
}

// TestTenantDashboardInBrowser looks at a customer's page in Chromium.
func TestTenantDashboardInBrowser(t *testing.T) {
	chromium := findChromium(t)
	s := newSink(t)
	s.status = func(delivered) int { return http.StatusUnprocessableEntity }
	e := startEdge(t, customerSite(s.URL, "read_only"))
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	e.post("/webhooks/meta", []byte(strings.Replace(string(click("wamid.2", "15559990000", "Aff-2")), "106540352242922", "5", 1)))
	waitFor(t, "a dead letter", func() bool { o := e.overview(); return len(o.Destinations) == 1 && o.Destinations[0].Dead == 1 })
	b := startBrowser(t, chromium)
	b.logIn()
	b.open(e.url("/leadgate/"))
	b.until(`document.querySelector('#destinations-rows tr[data-name="acme-crm"]')`)
	b.until(`document.querySelectorAll('#dead-rows tr').length == 1`)
	b.until(`document.querySelectorAll('#events-rows details').length == 1`)
	b.until(`document.querySelector('#tiles').textContent.includes('since the edge began')`)
	b.is(`document.body.textContent.includes('globex')`, "false")
	b.is(`[...document.querySelectorAll('button')].filter(b => b.offsetParent && `+
		`/Pause|Resume|Try|Replay|Drop/.test(b.textContent)).length`, "0")
	b.is(`[...document.querySelectorAll('#dead-table input')].filter(i => i.offsetParent).length`, "0")
	b.is(`String(document.querySelector('#traffic').offsetParent)`, "null")
	b.run(`document.querySelector('#dead-rows [data-focus="show"]').click()`)
	b.until(`document.querySelector('#show').open && document.querySelector('#show-json .k')`)
	for _, line := range b.complaints() {
		t.Errorf("the browser complains: %s", line)
	}
}
