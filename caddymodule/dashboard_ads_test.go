package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestDashboardAdsInBrowser chooses days, groups and ads: what the page shows is what the
// API answers, and what it exports is asked for in the same way.
func TestDashboardAdsInBrowser(t *testing.T) {
	chromium := findChromium(t)
	e := startEdge(t, dashboardSite("tenant acme {\nmatch phone_number_id 1\nforward http://127.0.0.1:9/ {\nname crm\n}\n}\n"+
		"tenant globex {\nmatch phone_number_id 2\nforward http://127.0.0.1:9/ {\nname other\n}\n}"))
	_, q, err := activeQueue()
	if err != nil {
		t.Fatal(err)
	}
	makeUpAds(t.Context(), t, q)
	makeUpManyAds(t, q)
	b := startBrowser(t, chromium)
	b.logIn()
	b.open(e.url("/leadgate/"))
	b.until(`document.querySelectorAll('#ads-rows tr').length == 15 && document.querySelectorAll('#links-rows tr').length > 2`)
	b.sameAsAPI(e, "ad", 15)
	b.is(`document.querySelector('#ads-sum').textContent`, "5,006 ads")
	b.is(`document.querySelector('#ads').classList.contains('free')`, "true") // nothing is known of costs

	// Of 5000 ads those that are asked for.
	b.is(`document.querySelector('#ads-more').textContent`, "Show 100 more of 5,006")
	b.run(`document.querySelector('#ads-more').click()`)
	b.is(`document.querySelectorAll('#ads-rows tr').length`, "115")
	b.run(`(() => { const f = document.querySelector('#ads-filter'); f.value = 'number 4321'; f.dispatchEvent(new Event('input')); })()`)
	b.is(`[...document.querySelectorAll('#ads-rows tr')].map(r => r.cells[0].textContent).join()`, "Number 43219900000000004321")
	b.run(`document.querySelector('#ads-rows button').click()`)
	b.until(`document.querySelector('#ads-plotted').textContent == 'Number 4321'`)
	b.is(`document.querySelector('#ads-rows button').getAttribute('aria-pressed')`, "true")
	b.run(`(() => { const f = document.querySelector('#ads-filter'); f.value = ''; f.dispatchEvent(new Event('input')); })()`)

	// One tenant, two days, by campaign: of which nothing is known here.
	day := time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)
	b.run(`(() => { const t = document.querySelector('#ads-tenant'); t.value = 'globex'; t.dispatchEvent(new Event('change')); })()`)
	b.until(`document.querySelector('#ads-sum').textContent == '2 ads'`)
	b.run(`(() => { for (const id of ['#ads-from', '#ads-to']) { const d = document.querySelector(id); d.value = '` + day +
		`'; d.dispatchEvent(new Event('change')); } })()`)
	b.until(`document.querySelector('#ads-csv').href.includes('from=` + day + `&to=` + day + `')`)
	b.is(`document.querySelectorAll('#ads-range [aria-pressed="true"]').length`, "0")
	b.until(`document.querySelector('#links-sum').textContent.includes(' – ')`)
	b.sameAsAPI(e, "ad", 2)
	b.run(`(() => { const g = document.querySelector('#ads-group'); g.value = 'campaign'; g.dispatchEvent(new Event('change')); })()`)
	b.until(`document.querySelector('#ads-rows').textContent.startsWith('Unknown campaign')`)
	b.sameAsAPI(e, "campaign", 1)
	href, _ := b.eval(`document.querySelector('#ads-csv').href`)
	if file := e.get(t, href); !strings.HasPrefix(file, "tenant,adId,adName,") || !strings.Contains(file, "\nglobex,,") {
		t.Errorf("the export is %s", file)
	}
	b.run(`document.querySelector('#ads-range [data-range="7"]').click()`)
	b.until(`document.querySelector('#ads-from').value == '` + time.Now().UTC().AddDate(0, 0, -6).Format(time.DateOnly) + `'`)
	for _, line := range b.complaints() {
		t.Errorf("the browser complains: %s", line)
	}
}

// makeUpManyAds counts a click of each of 5000 ads.
func makeUpManyAds(t *testing.T, q queue.Queue) {
	group := queue.Group{Tenant: "acme", Events: []queue.Event{{ID: queue.ID{1}, Time: time.Now().UnixMilli()}}}
	for i := range 5000 {
		c := queue.Counter{Day: time.Now().UnixMilli() / queue.DayMS, Key: fmt.Sprint(9900000000000000 + i), When: queue.WhenNew}
		clicks, headline := c, c
		clicks.Field, clicks.Add = "clicks", 1
		headline.Field, headline.Text = "headline", fmt.Sprint("Number ", i)
		group.Counters = append(group.Counters, clicks, headline)
	}
	if result := q.Append(t.Context(), []queue.Group{group})[0]; result.Err != nil {
		t.Fatal(result.Err)
	}
}

// get asks for something of the page's API, as its own user.
func (e *edge) get(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	resp, text := e.dashboard("GET", strings.TrimPrefix(u.Path, "/leadgate/")+"?"+u.RawQuery, "")
	if resp.StatusCode != 200 {
		t.Fatalf("%s: %d %s", address, resp.StatusCode, text)
	}
	return text
}

// sameAsAPI holds the first rows of the page's table to what the API answers for the same
// days and tenant: the same figures, to the cent.
func (b *browser) sameAsAPI(e *edge, group string, n int) {
	b.t.Helper()
	shown, _ := b.eval(`JSON.stringify([...document.querySelectorAll('#ads-rows tr')].slice(0, ` + fmt.Sprint(n) +
		`).map(r => [...r.cells].map(c => [...c.childNodes].map(x => x.textContent).join('|'))))`)
	var table [][]string
	if err := json.Unmarshal([]byte(shown), &table); err != nil {
		b.t.Fatalf("%s: %v", shown, err)
	}
	href, _ := b.eval(`document.querySelector('#ads-csv').href`)
	var rows []ads.Row
	if err := json.Unmarshal([]byte(e.get(b.t, strings.Replace(href, "&format=csv", "", 1))), &rows); err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(href, "group="+group) || len(table) != n {
		b.t.Errorf("%d rows of %s", len(table), href)
	}
	for _, cells := range table {
		i := slices.IndexFunc(rows, func(r ads.Row) bool {
			return r.Link == nil && r.Tenant == cells[1] && (r.AdID == nil || strings.HasSuffix(cells[0], *r.AdID))
		})
		if i < 0 {
			b.t.Errorf("the API has no %q", cells)
			continue
		}
		r := &rows[i]
		value := "–"
		for currency, v := range r.Value {
			amount, err := v.Float64()
			if err != nil {
				b.t.Fatal(err)
			}
			value = map[string]string{"USD": "$", "EUR": "€"}[currency] + grouped(fmt.Sprintf("%.2f", amount))
		}
		got := []string{number(cells[3]), number(cells[4]), number(cells[6]), cells[7], number(cells[9])}
		want := []string{
			grouped(fmt.Sprint(r.Clicks)), grouped(fmt.Sprint(r.Leads)), grouped(fmt.Sprint(r.Purchases)), value, grouped(fmt.Sprint(r.Reported)),
		}
		if want[2] == "0" {
			want[2] = "–"
		}
		if !slices.Equal(got, want) {
			b.t.Errorf("%s: the page has %q, the API %q", cells[0], got, want)
		}
	}
}

// number is what stands before a cell's small print.
func number(cell string) string {
	n, _, _ := strings.Cut(cell, "|")
	return n
}

// grouped writes a number as the page does: 1,234.50.
func grouped(n string) string {
	whole, fraction, _ := strings.Cut(n, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
