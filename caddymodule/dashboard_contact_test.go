package caddymodule

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
)

// lookUp writes a contact into the page, and presses return.
func (b *browser) lookUp(contact string) {
	b.t.Helper()
	b.run(`(() => { const i = document.querySelector('#contact-name'); i.focus(); i.value = ` + quoted(contact) + `; })()`)
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"})
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text has JSON
	}
	return string(b)
}

// TestDashboardContactInBrowser looks a contact up: by which click it came, and what became
// of its lead and its sales; on a page that may do nothing, too.
func TestDashboardContactInBrowser(t *testing.T) {
	chromium := findChromium(t)
	for _, options := range []string{"", "tenant acme\nread_only"} {
		t.Run(strings.ReplaceAll(options, "\n", " "), func(t *testing.T) {
			meta := capitest.New(t)
			block := "tenant acme {\nmatch phone_number_id 106540352242922\ncapi whatsapp {\nname meta\ndataset 1234567890\n" +
				"access_token t\nendpoint " + meta.URL() + "\nlinger 1ms\n}\n}\n" +
				"tenant globex {\nmatch phone_number_id 5\nforward http://127.0.0.1:9/\n}"
			site := strings.Replace(dashboardSiteWith(block, dashboardLogin, options), "leadgate_dashboard",
				"leadgate_conversions /conversions {\ntenant acme\ntoken crm_token\n}\nleadgate_dashboard", 1)
			e := startEdge(t, site)
			e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
			for _, item := range []string{
				`{"eventName":"Purchase","waPhone":"+15551234567","value":"1234.50","currency":"USD","orderId":"A-1"}`,
				`{"eventName":"Purchase","waPhone":"+15557654321","value":"5","currency":"USD"}`,
			} {
				e.convert(item)
			}
			b := startBrowser(t, chromium)
			b.logIn()
			b.open(e.url("/leadgate/"))
			b.until(`document.querySelector('#destinations-rows tr[data-name="meta"]')`)
			waitFor(t, "both are delivered", func() bool { return meta.Total() == 2 })
			b.until(`(document.querySelector('#contact-form').requestSubmit(), true)`)
			b.is(`document.querySelector('#contact-card').hidden`, "true") // nobody is named
			b.lookUp("+15551234567")
			b.until(`document.querySelectorAll('#contact-rows tr').length == 3`)
			const want = "Purchaseconversion delivered meta $1,234.50; LeadSubmittedlead delivered meta –; " +
				"SaleAn ad 120210000000000001 came by it – –"
			waitFor(t, "the story", func() bool {
				b.lookUp("+1 555 123 4567")
				b.until(`!document.querySelector('#contact-look').disabled`)
				story, _ := b.eval(`[...document.querySelectorAll('#contact-rows tr')].map(r => ` +
					`[...r.cells].slice(1).map(c => c.textContent).join(' ')).join('; ')`)
				return story == want
			})
			b.lookUp("+15557654321")
			b.until(`document.querySelectorAll('#contact-rows tr').length == 1 && ` +
				`document.querySelector('#contact-rows .pill').textContent == 'no click' && ` +
				`document.querySelector('#contact-rows .reason').textContent`)
			b.lookUp("+15550000000")
			b.until(`document.querySelector('#contact-empty').textContent.startsWith('Nothing is known of +15550000000')`)
			b.lookUp("0555")
			b.until(`document.querySelector('#contact-empty').textContent.includes('begins with 0')`)
			for _, url := range b.requests() {
				if strings.Contains(url, "555") {
					t.Errorf("a contact stands in %s", url)
				}
			}
			for _, line := range b.complaints() {
				if !strings.Contains(line, "400") { // the one that is none
					t.Errorf("the browser complains: %s", line)
				}
			}
		})
	}
}
