package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// adSum is the figures of one ad on all days.
func (e *edge) adSum(base, ad string) string {
	e.t.Helper()
	var clicks, contacts, leads, qualified, reported, pending int64
	for _, r := range e.ads(base, "tenant=acme") {
		if str(r.AdID) == ad {
			clicks, contacts, leads, qualified = clicks+r.Clicks, contacts+r.Contacts, leads+r.Leads, qualified+r.Qualified
			reported, pending = reported+r.Reported, pending+r.Pending
		}
	}
	return fmt.Sprintf("%d clicks of %d, %d leads, %d qualified, %d reported, %d pending", clicks, contacts, leads, qualified, reported,
		pending)
}

// TestAdsReported follows an ad's figures through a parked dataset, a refusal and
// replays, with both stores.
func TestAdsReported(t *testing.T) {
	refusal := func(code, subcode int) capitest.Answer {
		return capitest.Answer{Status: http.StatusBadRequest, Body: fmt.Sprintf(
			`{"error":{"message":"no","type":"OAuthException","code":%d,"error_subcode":%d,"is_transient":false,"fbtrace_id":"x"}}`, code, subcode)}
	}
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			meta, s := capitest.New(t), newSink(t)
			site := strings.Replace(conversionsSite(meta, s), "dataset 1234567890", "name meta\ndataset 1234567890", 1)
			config, base := withAdmin(t, site)
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			now := time.Now()
			click := func(n int, from string) {
				t.Helper()
				if resp, _ := e.post("/webhooks/meta", adClick(fmt.Sprint("wamid.", n), from, fmt.Sprint("Aff-", n), "111", "Sale",
					now)); resp.StatusCode != 200 {
					t.Fatalf("status %d", resp.StatusCode)
				}
			}
			want := func(what, figures string) {
				t.Helper()
				got := ""
				waitFor(t, what+": "+figures, func() bool { got = e.adSum(base, "111"); return got == figures })
			}
			admin := func(path, body string) (count int) {
				t.Helper()
				var answer struct{ Count int }
				var into any
				if strings.HasPrefix(path, "dead/") {
					into = &answer // the rest answer with nothing
				}
				if status := e.admin(base, "POST", "/leadgate/"+path, json.RawMessage(body), into); status != 200 {
					t.Fatalf("%s: %d", path, status)
				}
				return answer.Count
			}
			state := func(want string) {
				t.Helper()
				waitFor(t, want, func() bool {
					var list []struct{ Name, State string }
					e.admin(base, "GET", "/leadgate/destinations", nil, &list)
					for _, d := range list {
						if d.Name == "meta" {
							return d.State == want
						}
					}
					return false
				})
			}

			meta.Script(1, refusal(190, 463))
			click(1, "15551234567")
			state("parked")
			click(2, "15551234567") // another click of the same contact is no second lead
			click(3, "15551234568")
			want("Meta got nothing", "3 clicks of 2, 2 leads, 0 qualified, 0 reported, 3 pending")
			admin("destinations/meta/resume", "{}")
			want("the token is right", "3 clicks of 2, 2 leads, 0 qualified, 3 reported, 0 pending")

			for _, order := range []string{"A", "B"} { // a contact is qualified once
				if status, answer := e.convert(`{"eventName":"qualified","waPhone":"+15551234568","orderId":"` + order + `"}`); status != 200 {
					t.Fatalf("%d %+v", status, answer)
				}
			}
			want("a contact is qualified", "3 clicks of 2, 2 leads, 1 qualified, 5 reported, 0 pending")

			dead := func(figures string) {
				t.Helper()
				waitFor(t, "a dead letter", func() bool {
					var list struct {
						Dead []struct{ Destination string }
					}
					e.admin(base, "GET", "/leadgate/dead", nil, &list)
					return len(list.Dead) == 1
				})
				want("a dead letter is neither", figures)
			}
			meta.Script(1, refusal(100, 2804087))
			click(4, "15551234569")
			dead("4 clicks of 3, 3 leads, 1 qualified, 5 reported, 0 pending")
			// It dies again, and is then replayed while the destination is paused.
			meta.Script(1, refusal(100, 2804087))
			before := meta.Requests()
			if n := admin("dead/replay", `{"destination":"meta","all":true}`); n != 1 {
				t.Fatalf("replayed %d", n)
			}
			waitFor(t, "another attempt", func() bool { return meta.Requests() > before })
			dead("4 clicks of 3, 3 leads, 1 qualified, 5 reported, 0 pending")
			admin("destinations/meta/pause", "{}")
			state("paused")
			admin("dead/replay", `{"destination":"meta","all":true}`)
			want("it waits again", "4 clicks of 3, 3 leads, 1 qualified, 5 reported, 1 pending")
			admin("destinations/meta/resume", "{}")
			want("it is reported", "4 clicks of 3, 3 leads, 1 qualified, 6 reported, 0 pending")

			// What is dropped is neither.
			meta.Script(1, refusal(100, 2804087))
			click(5, "15551234570")
			dead("5 clicks of 4, 4 leads, 1 qualified, 6 reported, 0 pending")
			admin("dead/drop", `{"destination":"meta","all":true}`)
			want("it is gone", "5 clicks of 4, 4 leads, 1 qualified, 6 reported, 0 pending")
		})
	}
}
