package caddymodule

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the page measures of itself in the browser, and made-up answers of its API.
var (
	//go:embed testdata/dashboard/audit.js
	auditScript string
	//go:embed testdata/dashboard/bad.js
	badState string
)

// TestDashboardLooks measures the page in Chromium: contrast, the size of what is
// pressed, words that are whole, and boxes that hold what is in them; wide and on a
// phone, light and dark, on an edge that has seen nothing, a healthy one and one on
// which much is wrong. LEADGATE_SCREENSHOTS names a folder for pictures.
func TestDashboardLooks(t *testing.T) {
	chromium := findChromium(t)
	for _, state := range []struct {
		name, script, ready string
		edge                func(t *testing.T) *edge
	}{
		{"empty", "", `document.querySelector('#notices').textContent.includes('No webhook has come yet')`, func(t *testing.T) *edge {
			return startEdge(t, dashboardSite("forward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}"))
		}},
		{"busy", "", `document.querySelectorAll('.plot canvas').length == 3 && document.querySelectorAll('#events-rows details').length > 8 &` +
			`& document.querySelectorAll('#dead-rows tr').length > 5`, startBusyEdge},
		{"bad", badState, `document.querySelectorAll('.plot canvas').length == 3 && document.querySelectorAll('#dead-rows tr').length > 2`,
			func(t *testing.T) *edge {
				return startEdge(t, dashboardSite("forward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}"))
			}},
	} {
		t.Run(state.name, func(t *testing.T) {
			e := state.edge(t)
			b := startBrowser(t, chromium)
			b.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Authorization": "Basic " +
				base64.StdEncoding.EncodeToString([]byte("anna:correct horse"))}})
			if state.script != "" {
				b.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": state.script})
			}
			b.open(e.url("/leadgate/"))
			b.until(state.ready)
			if state.name == "bad" {
				b.lookUp("+15551234567")
				b.until(`document.querySelectorAll('#contact-rows tr').length == 8`)
				b.until(`document.querySelector('#ads-to').value == tomorrow && document.querySelector('#ads-to').max == tomorrow`) // as the edge says
			}
			for _, look := range []struct {
				name   string
				width  int
				scheme string
			}{{"wide", 1280, "light"}, {"wide-dark", 1280, "dark"}, {"phone", 390, "light"}, {"phone-dark", 390, "dark"}} {
				b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": look.width, "height": 844, "deviceScaleFactor": 1,
					"mobile": look.width < 500})
				b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme",
					"value": look.scheme}}})
				b.run(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`)
				if dir := os.Getenv("LEADGATE_SCREENSHOTS"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, "looks-"+state.name+"-"+look.name+".png"), b.screenshot(true), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				b.audit(look.name)
			}
			// The dialogs, on a phone.
			if state.name != "empty" {
				b.run(`document.querySelector('#dead-rows tr:not(.folded) [data-focus="show"]').click()`)
				b.until(`document.querySelector('#show').open`)
				b.audit("letter")
				b.run(`document.querySelector('#show').close()`)
			}
			b.run(`document.querySelector('[data-action="pause"]').click()`)
			b.until(`document.querySelector('#ask').open`)
			b.audit("question")
			b.run(`document.querySelector('#ask button').click()`)
			for _, line := range b.complaints() {
				t.Errorf("the browser complains: %s", line)
			}
		})
	}
}

// audit fails for all that the page measures to be wrong.
func (b *browser) audit(look string) {
	b.t.Helper()
	out, ok := b.eval(auditScript)
	var problems []string
	if err := json.Unmarshal([]byte(out), &problems); !ok || err != nil {
		b.t.Fatalf("%s: %s", look, out)
	}
	for i, p := range problems {
		if i == 12 {
			b.t.Errorf("%s: and %d more", look, len(problems)-i)
			break
		}
		b.t.Errorf("%s: %s", look, p)
	}
}

// TestDashboardTellsWhatIsWrong reads the page of an edge on which much is wrong.
func TestDashboardTellsWhatIsWrong(t *testing.T) {
	chromium := findChromium(t)
	e := startEdge(t, dashboardSite("forward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}"))
	b := startBrowser(t, chromium)
	b.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Authorization": "Basic " +
		base64.StdEncoding.EncodeToString([]byte("anna:correct horse"))}})
	b.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": badState})
	b.open(e.url("/leadgate/"))
	b.until(`document.querySelectorAll('#dead-rows tr').length > 2 && document.querySelectorAll('.plot canvas').length == 3`)

	// What waits for a person comes first; equal ones are one; none is left out.
	titles, _ := b.eval(`[...document.querySelectorAll('#notices .notice > b, #notices-folded .notice > b')].map(e => ` +
		`e.textContent).join('\n')`)
	for i, want := range []string{"2 destinations are parked", "meta is parked", "5 webhooks were answered 503",
		"15 destinations are failing", "odd-1 is failing", "odd-2 is failing", "odd-3 is failing",
		"odd-4 is failing", "paused-by-hand is paused", "Forms of acme are not all read", "Names and spend of ads", "2 words in webhooks"} {
		if lines := strings.Split(titles, "\n"); i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("notice %d is not %q in\n%s", i+1, want, titles)
		}
	}
	b.is(`[...document.querySelectorAll('#notices .notice, #notices-folded .notice')].length`, "12")
	b.is(`document.querySelector('#notices-count').textContent`, "6 more that need a look")
	b.is(`[...document.querySelectorAll('.notice')].find(n => n.textContent.startsWith('15 ')).querySelectorAll('li').length`, "15")
	notices, _ := b.eval(`[...document.querySelectorAll('.notice')].map(e => e.textContent).join('\n')`)
	for _, want := range []string{
		"acme: error 190/463: the access", "limit: waits for Meta until Jan 1", "limit: waits for Meta until Jan 2",
		"gupshup: status ", "message type Extraord",
	} {
		if !strings.Contains(notices, want) {
			t.Errorf("no notice says %q:\n%s", want, notices)
		}
	}
	// What waits because it was asked to, and what nobody knows of Meta.
	b.is(`document.querySelector('tr[data-name="slow"] .pill').textContent`, "throttled")
	slow, _ := b.eval(`document.querySelector('tr[data-name="slow"]').textContent`)
	if !strings.Contains(slow, "7 in doubt") || !strings.Contains(slow, "the next attempt is at ") {
		t.Errorf("what is throttled says %q", slow)
	}
	b.is(`document.querySelector('tr[data-name="fail-0"] .pill').textContent`, "failing")
	b.is(`[...document.querySelectorAll('#destinations-rows .pill')].some(p => p.textContent == 'open')`, "false")

	// Many that run are folded, and found by the filter all the same.
	b.is(`document.querySelectorAll('#destinations-rows .pill.running').length`, "8")
	b.is(`document.querySelector('#destinations-more').textContent`, "Show 22 more that are running")
	b.run(`(() => { const f = document.querySelector('#destinations-filter'); f.value = 'run-29'; f.dispatchEvent(new Event('input')); })()`)
	b.is(`document.querySelectorAll('#destinations-rows tr').length`, "1")
	b.run(`(() => { const f = document.querySelector('#destinations-filter'); f.value = ''; f.dispatchEvent(new Event('input')); })()`)
	b.run(`document.querySelector('#destinations-more').click()`)
	b.is(`document.querySelectorAll('#destinations-rows .pill.running').length`, "30")

	// Equal unmatched ones are one row, which selects all of them.
	b.is(`document.querySelectorAll('#dead-rows tr.folded').length`, "1")
	b.is(`document.querySelector('#dead-rows tr.folded').textContent.includes('20 alike')`, "true")
	b.run(`document.querySelector('#dead-rows tr.folded input').click()`)
	b.is(`document.querySelector('#dead-replay').textContent`, "Replay 20 selected")
	b.run(`document.querySelector('#dead-replay').click()`)
	b.is(`document.querySelector('#ask-text').textContent.includes('routed again')`, "true")
	b.run(`document.querySelector('#ask-yes').click()`)
	b.until(`document.querySelector('#toasts').textContent.includes('15 routed again') && ` +
		`document.querySelector('#toasts').textContent.includes('5 still match nobody')`)
	b.run(`document.querySelector('#dead-rows tr.folded button').click()`)
	b.is(`document.querySelectorAll('#dead-rows tr.folded').length`, "0")
	b.is(`document.querySelectorAll('#dead-rows tr').length`, "23")

	// Try now says what came of it.
	b.run(`document.querySelector('tr[data-name="meta"] [data-action="resume"]').click()`)
	b.is(`document.querySelector('tr[data-name="meta"] [data-action="trying"]').disabled`, "true")
	b.run(`window.answerTry()`)
	b.until(`document.querySelector('#toasts').textContent.includes('meta was tried, and still fails: token')`)
	b.until(`document.querySelector('tr[data-name="meta"] [data-action="resume"]')`)

	// A point without neighbours is drawn: under each of them something is.
	b.is(`window.dots('plot-acks') > 0`, "true")

	// Figures of ads are defined, and never more than all.
	b.is(`document.querySelectorAll('#ads-words dt').length`, "7")
	b.is(`document.querySelector('#ads-rows').textContent.includes('200 %')`, "false")
	b.is(`document.querySelector('#ads-rows .late').textContent`, "40 wait")
	// Links have a table of their own, and no part in the sums of ads.
	b.is(`document.querySelector('#ads-sum').textContent`, "4 ads")
	b.is(`document.querySelector('#nav-links').hidden`, "false")
	b.is(`[...document.querySelectorAll('#links-rows tr')].map(r => [...r.cells].map(c => c.textContent).join(' ')).join('; ')`,
		"summer acme 20 7 35 % – –; passed-on acme 2 3 – 2 1")
	b.is(`document.querySelector('#tiles').textContent.includes('of 43 clicks')`, "true")
}
