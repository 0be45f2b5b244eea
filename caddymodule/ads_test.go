package caddymodule

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// adClick is a click on an ad of its own, at a time.
func adClick(id, from, clid, ad, headline string, at time.Time) []byte {
	b := strings.Replace(string(click(id, from, clid)), "120210000000000001", ad, 1)
	b = strings.Replace(b, `"headline":"Sale"`, fmt.Sprintf(`"headline":%q`, headline), 1)
	i := strings.Index(b, `"timestamp":"`) + len(`"timestamp":"`)
	j := i + strings.IndexByte(b[i:], '"')
	return []byte(b[:i] + fmt.Sprint(at.Unix()) + b[j:])
}

func automatic(id, name, clid, custom string) []byte {
	return []byte(strings.Replace(string(envelope("106540352242922", fmt.Sprintf(`"automatic_events":[{"id":%q,"event_name":%q,`+
		`"timestamp":%d,"ctwa_clid":%q%s}]`,
		id, name, time.Now().Unix(), clid, custom))), `"field":"messages"`, `"field":"automatic_events"`, 1))
}

func (e *edge) ads(base, query string) []ads.Row {
	e.t.Helper()
	var rows []ads.Row
	if status := e.admin(base, "GET", "/leadgate/ads?"+query, nil, &rows); status != 200 {
		e.t.Fatalf("ads: %d", status)
	}
	return rows
}

func shown(rows []ads.Row) []string {
	var out []string
	for _, r := range rows {
		value, _ := json.Marshal(r.Value)
		out = append(out, fmt.Sprintf("%s %s %s %s %d %d %d+%d %d %s %d+%d", r.Tenant, str(r.AdID), str(r.Headline), str(r.Day),
			r.Clicks, r.Contacts, r.Leads, r.Qualified, r.Purchases, value, r.Reported, r.Pending))
	}
	return out
}

// TestAds counts clicks, contacts, leads and purchases of ads, with both stores.
func TestAds(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			meta, s := capitest.New(t), newSink(t)
			config, base := withAdmin(t, conversionsSite(meta, s))
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			now := time.Now()
			yesterday := now.Add(-24 * time.Hour)
			first := adClick("wamid.1", "15551234567", "Aff-1", "111", "Sale", yesterday)
			for _, body := range [][]byte{
				first, first, // a redelivery
				adClick("wamid.2", "15551234568", "Aff-2", "111", "Sale", yesterday),
				adClick("wamid.3", "15551234567", "Aff-3", "111", "Summer \u00e4nd Sale", now), // known contact
				adClick("wamid.4", "15551234567", "Aff-4", "222", "Other", now),                // likewise
				adClick("wamid.5", "15551234569", "Aff-5", "222", "Other", now),
				adClick("wamid.6", "15551234569", "Aff-5", "222", "Other", now), // the same click: no second lead
				message("wamid.7", "15551234570", "organic"),
				automatic("wamid.8", "LeadSubmitted", "Aff-5", ""), // reported already
				automatic("wamid.9", "Purchase", "Aff-5", `,"custom_data":{"currency":"USD","value":25000}`),
				automatic("wamid.10", "Purchase", "Aff-nobody", `,"custom_data":{"currency":"EUR","value":1005}`),
			} {
				if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != 200 {
					t.Fatalf("status %d", resp.StatusCode)
				}
			}
			for _, item := range []string{
				`{"eventName":"won","waPhone":"+15551234568","value":"12.50","currency":"usd","orderId":"A-1"}`,
				`{"eventName":"won","waPhone":"+15551234568","value":"12.50","currency":"usd","orderId":"A-1"}`, // a repetition
				`{"eventName":"won","waPhone":"+15551234568","value":0.1,"currency":"USD","orderId":"A-2"}`,
				`{"eventName":"won","waPhone":"+15551234568","value":12345678901234.125,"currency":"USD","orderId":"A-3"}`,
				`{"eventName":"won","waPhone":"+15551234568","value":500,"currency":"JPY","orderId":"A-4"}`,
				`{"eventName":"won","waPhone":"+15551234569","value":25,"currency":"USD","orderId":"A-5"}`, // Meta's own purchase
				`{"eventName":"qualified","waPhone":"+15551234567"}`,
				`{"eventName":"AddToCart","waPhone":"+15551234567"}`,
			} {
				if status, answer := e.convert(item); status != 200 {
					t.Fatalf("%s: %d %+v", item, status, answer)
				}
			}
			day, before := now.UTC().Format(time.DateOnly), yesterday.UTC().Format(time.DateOnly)
			want := []string{
				"acme 111 Sale " + before + ` 2 2 2+0 0 {} 2+0`,
				"acme   " + day + ` 0 0 0+0 1 {"EUR":1.005} 1+0`,
				"acme 111 Summer \u00e4nd Sale " + day + ` 1 0 0+0 4 {"JPY":500,"USD":12345678901246.725} 5+0`,
				"acme 222 Other " + day + ` 3 1 2+1 1 {"USD":25} 5+0`,
			}
			// The conversions of the contacts with two clicks go to the last one.
			var got []string
			waitFor(t, "everything is reported", func() bool {
				pending := int64(0)
				rows := e.ads(base, "tenant=acme")
				for _, r := range rows {
					pending += r.Pending
				}
				got = shown(rows)
				return pending == 0
			})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if all := shown(e.ads(base, "")); !reflect.DeepEqual(all, got) {
				t.Errorf("all tenants: %v", all)
			}
			if one := shown(e.ads(base, "from="+before+"&to="+before)); len(one) != 1 || one[0] != want[0] {
				t.Errorf("one day: %v", one)
			}
			if byAd := shown(e.ads(base, "group=ad")); len(byAd) != 3 ||
				byAd[1] != `acme 111 Summer änd Sale  3 2 2+0 4 {"JPY":500,"USD":12345678901246.725} 7+0` {
				t.Errorf("by ad: %s", strings.Join(byAd, "\n"))
			}
			if days := shown(e.ads(base, "ad=111&group=day")); len(days) != 2 || days[0] != `acme   `+before+` 2 2 2+0 0 {} 2+0` {
				t.Errorf("days of one ad: %s", strings.Join(days, "\n"))
			}
			checkTable(t, base+"/leadgate/ads?group=day&format=csv&from="+before+"&to="+day, before+"-to-"+day)
			if status := e.admin(base, "GET", "/leadgate/ads?tenant=globex", nil, nil); status != 404 {
				t.Errorf("an unknown tenant: %d", status)
			}
			for _, bad := range []string{"from=yesterday", "to=2026-13-01", "from=2026-02-01&to=2026-01-01", "from=2020-01-01", "tenant=a%20b",
				"tenant=", "tennant=acme", "group=adsett", "group=", "format=xml", "group=ad&format=CSV"} {
				if status := e.admin(base, "GET", "/leadgate/ads?"+bad, nil, nil); status != 400 {
					t.Errorf("%s: %d", bad, status)
				}
			}
			if status := e.admin(base, "POST", "/leadgate/ads", nil, nil); status != 405 {
				t.Errorf("POST: %d", status)
			}
		})
	}
}

// checkTable reads figures by day as a file.
func checkTable(t *testing.T, url, days string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	table, err := csv.NewReader(resp.Body).ReadAll()
	if err != nil || resp.StatusCode != 200 || len(table) != 3 {
		t.Fatalf("a table: %d, %v, %q", resp.StatusCode, err, table)
	}
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv; charset=utf-8") {
		t.Errorf("the table is %s", got)
	}
	if got := resp.Header.Get("Content-Disposition"); got != `attachment; filename="leadgate-ads-by-day-`+days+`.csv"` {
		t.Errorf("the table is named %s", got)
	}
	if header := strings.Join(table[0], " "); !strings.HasSuffix(header, " value_EUR value_JPY value_USD") {
		t.Errorf("header %s", header)
	}
	if last := table[2][len(table[2])-1]; last != "12345678901271.725" {
		t.Errorf("value_USD %s", last)
	}
}

// TestAdsRoutedAgain counts the clicks of unmatched events when a tenant gets them.
func TestAdsRoutedAgain(t *testing.T) {
	s := newSink(t)
	block := func(number string) string {
		return site("tenant acme {\n match phone_number_id " + number + "\n forward " + s.URL + "\n}")
	}
	config, base := withAdmin(t, block("111"))
	e := startEdge(t, config)
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	if rows := e.ads(base, ""); len(rows) != 0 {
		t.Errorf("counted for nobody: %v", shown(rows))
	}
	config, base = withAdmin(t, block("106540352242922"))
	if err := e.load(config); err != nil {
		t.Fatal(err)
	}
	e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, nil)
	if rows := e.ads(base, ""); len(rows) != 1 || rows[0].Clicks != 1 || rows[0].Contacts != 1 {
		t.Errorf("counted %v", shown(rows))
	}
}
