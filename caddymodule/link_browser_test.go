package caddymodule

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/linkcode"
)

// TestLinkInBrowser follows a link, and presses a page's button, in Chromium, from a
// landing page whose address has the ids. LEADGATE_SCREENSHOTS names a folder for
// pictures.
func TestLinkInBrowser(t *testing.T) {
	chromium := findChromium(t)
	const page = "link page {\nto whatsapp +15550783881\ntext \"Hi! I would like to know more. (Ref {code})\"\nmode page\n}\n"
	const landing = `<!DOCTYPE html><title>Landing</title><link rel="icon" href="data:,"><a id="go" href="/go/summer">Chat</a>` +
		`<a id="page" href="/go/page">Chat</a>`
	site := func(otherOrigin string) string {
		return strings.Replace(linksOf("queue embedded %DIR%/queue", page), `	respond "next" 418`,
			"	header /landing* Content-Type text/html\n	respond /landing `"+landing+"`\n	header /landing-elsewhere Referrer-Policy origin\n"+
				"	respond /landing-elsewhere `"+otherOrigin+"`\n	respond \"next\" 418", 1)
	}
	e := startEdge(t, site("later"))
	if err := e.load(site(strings.ReplaceAll(documentedButton(t), "https://bots.example.com", e.url("")))); err != nil {
		t.Fatal(err)
	}
	want := e.code("/go/summer?gclid=TeSt-Gclid_1&utm_source=google")

	b := startBrowser(t, chromium)
	b.call("Network.setUserAgentOverride", map[string]any{"userAgent": phoneAgent})
	const query = "?gclid=TeSt-Gclid_1&utm_source=google"
	b.open(e.url("/landing" + query))
	b.run(`document.querySelector("#go").click()`)
	chat := b.leadsTo("https://wa.me/")
	if code := codeOf(chat); code != want {
		t.Errorf("the browser was led to %s, want the code %s", chat, want)
	}

	b = startBrowser(t, chromium)
	b.call("Network.setUserAgentOverride", map[string]any{"userAgent": phoneAgent})
	b.open(e.url("/landing-elsewhere" + query))
	b.run(`document.querySelector("a.chat").click()`)
	if code := codeOf(b.leadsTo("https://wa.me/")); code != want {
		t.Errorf("the documented button leads to the code %s, want %s", code, want)
	}

	b = startBrowser(t, chromium)
	b.call("Network.setUserAgentOverride", map[string]any{"userAgent": phoneAgent})
	b.open(e.url("/landing" + query))
	b.run(`document.querySelector("#page").click()`)
	b.until(`location.pathname == "/go/page" && document.readyState == "complete"`)
	for _, look := range []struct {
		name   string
		width  int
		scheme string
	}{{"wide", 1280, "light"}, {"narrow", 320, "light"}, {"phone-dark", 390, "dark"}, {"phone", 390, "light"}} {
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": look.width, "height": 844, "deviceScaleFactor": 2,
			"mobile": look.width < 500})
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme",
			"value": look.scheme}}})
		b.run(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`)
		b.is(`document.documentElement.scrollWidth <= innerWidth`, "true")
		b.is(`document.querySelector("a").getBoundingClientRect().height >= 48`, "true")
		if dir := os.Getenv("LEADGATE_SCREENSHOTS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, "link-"+look.name+".png"), b.screenshot(false), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.is(`document.scripts.length + document.querySelectorAll("[src], link").length`, "0")
	b.is(`document.cookie`, "")
	b.is(`getComputedStyle(document.querySelector("a")).display`, "block") // the policy lets the style in
	if loaded := slices.DeleteFunc(slices.Clone(b.requests()), func(url string) bool {
		return strings.HasPrefix(url, e.url("/landing")) || url == e.url("/go/page") || url == "data:," || url == e.url("/favicon.ico")
	}); len(loaded) > 0 {
		t.Errorf("the page loaded %v", loaded)
	}
	for _, line := range b.complaints() {
		if !strings.Contains(line, "favicon") {
			t.Errorf("the browser complains: %s", line)
		}
	}
	b.run(`document.querySelector("a").click()`)
	chat = b.leadsTo("https://wa.me/")
	if code := codeOf(chat); !linkcode.Valid(code) || !strings.HasPrefix(chat, "https://wa.me/15550783881?text=Hi%21%20I%20would") {
		t.Errorf("the button leads to %s", chat)
	}
}

// documentedButton is the button of docs/links.md, for a landing page of another domain.
func documentedButton(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/links.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```html button.html\n")
	button, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/links.md shows no button")
	}
	return button
}

func codeOf(url string) string { return strings.ReplaceAll(shownCode.FindString(url), "-", "") }

// leadsTo waits for a request to a URL that begins so. There is no network.
func (b *browser) leadsTo(start string) (found string) {
	b.t.Helper()
	waitFor(b.t, "a request to "+start, func() bool {
		for _, url := range b.requests() {
			if strings.HasPrefix(url, start) {
				found = url
			}
		}
		return found != ""
	})
	return found
}
