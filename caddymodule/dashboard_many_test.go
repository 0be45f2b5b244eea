package caddymodule

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// press presses a key as who has no mouse does.
func (b *browser) press(key string, code int, text string) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text})
	}
}

// tabTo presses Tab until what is looked for has the focus, with a line around it.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range 400 {
		b.press("Tab", 9, "")
		if got, _ := b.eval(`String(document.activeElement.matches(` + quoted(selector) + `))`); got == "true" {
			b.is(`getComputedStyle(document.activeElement).outlineStyle !== 'none'`, "true")
			return
		}
	}
	b.t.Errorf("no Tab leads to %s", selector)
}

// TestDashboardOfMany: with 100 000 dead letters and 5000 ads the page holds as many rows as with few,
// is no wider than a phone, and all that it can do with ads and contacts is reached by keyboard.
func TestDashboardOfMany(t *testing.T) {
	chromium := findChromium(t)
	e := startEdge(t, dashboardSite("tenant acme {\nmatch phone_number_id 1\nforward http://127.0.0.1:9/ {\nname crm\n}\n}"))
	_, q, err := activeQueue()
	if err != nil {
		t.Fatal(err)
	}
	makeUpManyAds(t, q)
	makeUpManyDead(t, q, 100_000)
	b := startBrowser(t, chromium)
	b.logIn()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true})
	began := time.Now()
	b.open(e.url("/leadgate/"))
	b.until(`document.querySelectorAll('#ads-rows tr').length == 15 && document.querySelectorAll('#dead-rows tr').length == 25`)
	t.Logf("shown after %v", time.Since(began).Round(time.Millisecond))
	b.is(`document.querySelector('#ads-sum').textContent`, "5,000 ads")
	b.is(`document.querySelector('#dead-sum').textContent.startsWith('100,000 ')`, "true")
	b.is(`document.documentElement.scrollWidth <= 390`, "true")
	b.is(`document.querySelectorAll('tr').length < 100`, "true")

	b.tabTo("#ads-group")
	b.press("End", 35, "") // the last group, which is campaign
	b.until(`document.querySelector('#ads-rows').textContent.startsWith('Unknown campaign')`)
	b.run(`(() => { const g = document.querySelector('#ads-group'); g.value = 'ad'; g.dispatchEvent(new Event('change')); })()`)
	b.until(`document.querySelectorAll('#ads-rows tr').length == 15`)
	for _, selector := range []string{"#ads-csv", "#ads-filter", "#ads-rows button"} {
		b.tabTo(selector)
	}
	b.press("Enter", 13, "\r")
	b.until(`document.querySelector('#ads-rows button').getAttribute('aria-pressed') == 'true'`)
	b.tabTo("#ads-more")
	b.press("Enter", 13, "\r")
	b.until(`document.querySelectorAll('#ads-rows tr').length == 115`)
	for _, selector := range []string{"#contact-name", "#dead-older"} {
		b.tabTo(selector)
	}
	b.press("Enter", 13, "\r")
	b.until(`document.querySelector('#dead-page').textContent == 'page 2 of 4,000'`)
	// What the header's links lead to is below it.
	for _, width := range []int{390, 800, 1280} {
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500})
		for _, id := range []string{"ads", "contact", "dead"} {
			b.run(`document.querySelector('#` + id + `').scrollIntoView({behavior: 'instant'})`)
			b.is(`((at) => at('#`+id+` h2').top >= at('header').bottom)((s) => document.querySelector(s).getBoundingClientRect())`, "true")
		}
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true})
	if dir := os.Getenv("LEADGATE_SCREENSHOTS"); dir != "" {
		for _, id := range []string{"ads", "contact", "dead"} {
			b.run(`document.querySelector('#` + id + `').scrollIntoView({behavior: 'instant'})`)
			if err := os.WriteFile(filepath.Join(dir, "many-"+id+".png"), b.screenshot(false), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, line := range b.complaints() {
		t.Errorf("the browser complains: %s", line)
	}
}

// makeUpManyDead has that many events be dead letters of crm.
func makeUpManyDead(t *testing.T, q queue.Queue, n int) {
	t.Helper()
	now, d := time.Now().UnixMilli(), queue.Dest{Tenant: "acme", Name: "crm"}
	for from := 0; from < n; from += 1000 {
		g := queue.Group{Tenant: "acme", Payloads: [][]byte{[]byte(`{"kind":"message"}`)}}
		for i := range 1000 {
			ev := queue.Event{Time: now}
			binary.BigEndian.PutUint64(ev.ID[8:], uint64(from+i+1))
			g.Events = append(g.Events, ev)
			g.Jobs = append(g.Jobs, queue.Job{Dest: d, Events: []int{i}, Header: queue.Header{EventID: ev.ID, Time: now},
				Dead: &queue.Reason{Reason: "422 Unprocessable Entity", Code: "422", Explanation: fmt.Sprint("no such customer ", from+i)}})
		}
		if r := q.Append(t.Context(), []queue.Group{g})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}
