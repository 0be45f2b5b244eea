package caddymodule

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/normalize"
)

// hostile is a profile name that would run if it were taken for HTML.
const hostile = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`

// TestDashboardInBrowser uses the page in Chromium: what strangers wrote is
// text, nothing is loaded from elsewhere, and the buttons do what they say.
func TestDashboardInBrowser(t *testing.T) {
	chromium := findChromium(t)
	s := newSink(t)
	var heal atomic.Bool
	s.status = func(d delivered) int {
		if !heal.Load() && strings.Contains(string(d.body), "refuse") {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	}
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"message":"Invalid OAuth access token","type":"OAuthException","code":190}}`))
	}))
	t.Cleanup(meta.Close)
	e := startEdge(t, dashboardSite("tenant acme\nforward "+s.URL+" {\n\t\t\tname crm\n\t\t}\n\t\tcapi whatsapp {\n\t\t\tname "+
		"meta\n\t\t\tdataset 1234567890\n\t\t\taccess_token wrong\n\t\t\tendpoint "+meta.URL+"\n\t\t\tlinger 1ms\n\t\t}"))
	provider, err := newProvider("meta")
	if err != nil {
		t.Fatal(err)
	}
	webhook := func(body []byte) {
		body = []byte(strings.Replace(string(body), `"name":"Maria"`, fmt.Sprintf(`"name":%q`, hostile), 1))
		if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
		var batch normalize.Batch
		if err := provider.Normalize(nil, body, 1736535600000, &batch); err != nil {
			t.Fatal(err)
		}
		dashboard.RecordEvent(&batch.Events[0])
	}
	webhook(click("wamid.1", "15551234567", "Aff-1"))
	for i := range 30 {
		webhook(message(fmt.Sprintf("wamid.refuse%d", i), "15551230000", "refuse "+hostile))
	}
	waitFor(t, "30 dead letters and a parked dataset", func() bool {
		dead, parked := 0, false
		for _, d := range e.overview().Destinations {
			dead += d.Dead
			parked = parked || d.State == "parked"
		}
		return dead == 30 && parked
	})

	b := startBrowser(t, chromium)
	b.logIn()
	b.open(e.url("/leadgate/"))
	b.until(`document.querySelector('#destinations-rows tr[data-name="meta"] .pill.parked')`)
	b.until(`document.querySelectorAll('#events-rows details').length >= 15`)
	b.until(`document.querySelectorAll('#dead-rows tr').length == 25`)
	b.until(`document.querySelectorAll('.plot canvas').length == 3`)
	b.until(`document.querySelector('#ads-rows').textContent.includes('120210000000000001')`)
	b.is(`document.querySelector('#notices').textContent.includes('meta is parked') && `+
		`document.querySelector('#notices').textContent.includes('token')`, "true")
	b.is(`document.querySelector('#dead-page').textContent`, "page 1 of 2")
	b.is(`document.body.textContent.includes('5551234567')`, "false")

	// What strangers wrote is text.
	b.run(`document.querySelectorAll('#events-rows details').forEach(d => d.open = true)`)
	b.until(`document.querySelector('#events-rows pre .k')`)
	b.run(`document.querySelector('#dead-rows button').click()`)
	b.until(`document.querySelector('#show').open && document.querySelector('#show-json .k')`)
	b.is(`document.querySelector('#events-rows').textContent.includes('<img src=x onerror=') && `+
		`document.querySelector('#show-json').textContent.includes('<img src=x onerror=')`, "true")
	b.is(`document.querySelectorAll('img[src="x"], #events-rows script, #events-rows img, #show-json img').length`, "0")
	b.is(`String(window.pwned)`, "undefined")
	b.run(`document.querySelector('#show').close()`)

	// Pause, after a question; resume.
	b.run(`document.querySelector('tr[data-name="crm"] [data-action="pause"]').click()`)
	b.run(`document.querySelector('#ask button[value="no"]').click()`)
	b.until(`!document.querySelector('#ask').open`)
	b.run(`document.querySelector('tr[data-name="crm"] [data-action="pause"]').click()`)
	b.run(`document.querySelector('#ask-yes').click()`)
	b.until(`document.querySelector('tr[data-name="crm"] .pill.paused')`)
	b.run(`document.querySelector('tr[data-name="crm"] [data-action="resume"]').click()`)
	b.until(`document.querySelector('tr[data-name="crm"] .pill.running')`)

	// The next page of dead letters; one is replayed, the rest are dropped.
	b.run(`document.querySelector('#dead-older').click()`)
	b.until(`document.querySelectorAll('#dead-rows tr').length == 5 && document.querySelector('#dead-page').textContent == 'page 2 of 2'`)
	heal.Store(true)
	b.run(`document.querySelector('#dead-rows input').click()`)
	b.is(`document.querySelector('#dead-replay').textContent`, "Replay 1 selected")
	b.run(`document.querySelector('#dead-replay').click()`)
	b.run(`document.querySelector('#ask-yes').click()`)
	b.until(`document.querySelector('#dead-sum').textContent.startsWith('29 ')`)
	b.run(`document.querySelector('tr[data-name="crm"] [data-focus="dead"]').click()`)
	b.until(`document.querySelector('#dead-drop').textContent == 'Drop all of crm'`)
	b.run(`document.querySelector('#dead-drop').click()`)
	b.run(`document.querySelector('#ask-yes').click()`)
	b.until(`document.querySelector('#dead-rows').children.length == 0 && document.querySelector('#dead-table').hidden`)
	for _, d := range e.overview().Destinations {
		if d.Name == "crm" && d.Dead != 0 {
			t.Errorf("%d dead letters are left", d.Dead)
		}
	}

	// Nothing is wider than a phone.
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true})
	b.until(`document.querySelector('.plot canvas').clientWidth < 390`)
	b.is(`document.documentElement.scrollWidth <= 390`, "true")

	for _, url := range b.requests() {
		if !strings.HasPrefix(url, e.url("/leadgate")) && !strings.HasPrefix(url, "data:") { // the browser's own, of a date
			t.Errorf("the page asked for %s", url)
		}
	}
	for _, line := range b.complaints() {
		t.Errorf("the browser complains: %s", line)
	}
}

// logIn has the browser say that it is anna.
func (b *browser) logIn() {
	b.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Authorization": "Basic " +
		base64.StdEncoding.EncodeToString([]byte("anna:correct horse"))}})
}

// findChromium skips the test where there is no Chromium.
func findChromium(t *testing.T) string {
	t.Helper()
	if path := chromiumPath(); path != "" {
		return path
	}
	if os.Getenv("LEADGATE_REQUIRE_CHROMIUM") != "" {
		t.Fatal("chromium is missing: apt-get install chromium")
	}
	t.Skip("SKIPPED: THE DASHBOARD IS NOT TESTED IN A BROWSER, since chromium is missing: apt-get install chromium")
	return ""
}

// TestDashboardScreenshots takes pictures of a busy edge, for people:
//
//	LEADGATE_SCREENSHOTS=/tmp/shots go test -run TestDashboardScreenshots ./caddymodule
func TestDashboardScreenshots(t *testing.T) {
	dir := os.Getenv("LEADGATE_SCREENSHOTS")
	if dir == "" {
		t.Skip("LEADGATE_SCREENSHOTS names no folder")
	}
	chromium := findChromium(t)
	e := startBusyEdge(t)
	b := startBrowser(t, chromium)
	b.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Authorization": "Basic " +
		base64.StdEncoding.EncodeToString([]byte("anna:correct horse"))}})
	b.open(e.url("/leadgate/"))
	b.until(`document.querySelectorAll('.plot canvas').length == 3 && document.querySelectorAll('#events-rows details').length > 8 && ` +
		`document.querySelectorAll('#dead-rows tr').length > 5`)
	b.until(`document.querySelector('#tiles').textContent.includes('Leads from ads')`)
	for _, shot := range []struct {
		name, scheme  string
		width, height int
		full          bool
	}{
		{"light", "light", 1280, 1000, false}, {"light-full", "light", 1280, 1000, true}, {"dark-full", "dark", 1280, 1000, true},
		{"phone", "light", 390, 844, true}, {"phone-dark", "dark", 390, 844, true}, {"tablet", "light", 900, 1000, true},
	} {
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": shot.width, "height": shot.height, "deviceScaleFactor": 1,
			"mobile": shot.width < 500})
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme",
			"value": shot.scheme}}})
		b.run(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`)
		if err := os.WriteFile(filepath.Join(dir, shot.name+".png"), b.screenshot(shot.full), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 1000, "deviceScaleFactor": 1, "mobile": false})
	b.run(`document.querySelector('#events-rows details').open = true`)
	b.run(`document.querySelector('#events').scrollIntoView({behavior: 'instant'})`)
	if err := os.WriteFile(filepath.Join(dir, "event.png"), b.screenshot(false), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run(`document.querySelector('#dead-rows button').click()`)
	b.until(`document.querySelector('#show').open`)
	if err := os.WriteFile(filepath.Join(dir, "letter.png"), b.screenshot(false), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range b.complaints() {
		t.Errorf("the browser complains: %s", line)
	}
}
