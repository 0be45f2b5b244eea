package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
)

// TestJourneyOfDisposed: a contact's journey says where a report went whose destination left the
// configuration: to the one that it was moved to, with what came of it there, or nowhere, when it
// was dropped. On both queues.
func TestJourneyOfDisposed(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, server := store(t)
			meta := capitest.New(t)
			e := &edge{edgetest.New(t)}
			block := func(capi string) string {
				return e.Caddyfile(global, "", edgetest.MetaBlock("tenant acme\ncapi {\n name "+capi+"\n dataset 1\n access_token x\n linger 10ms\n"+
					" endpoint "+meta.URL()+"\n}"))
			}
			const waits, died, dropped = "15551234567", "15551234568", "15551234569"
			until := func(what, contact string, want ...string) {
				t.Helper()
				var got []string
				defer func() {
					if t.Failed() {
						t.Logf("told:\n%s", strings.Join(got, "\n"))
					}
				}()
				edgetest.Until(t, what, func() bool {
					got, _ = e.told("+" + contact)
					slices.Sort(got)
					return slices.EqualFunc(got, want, strings.HasPrefix)
				})
			}
			now := time.Now().UnixMilli()
			clicked := func(contact string) {
				t.Helper()
				body := string(clickAt("wamid."+contact, contact, now-60_000))
				e.mustPost(t, []byte(strings.Replace(body, "Aff-1", "Aff-"+contact, 1)))
			}
			e.Configure(block("ads"))
			e.Start()
			meta.Script(1, capitest.Answer{Status: http.StatusBadRequest, Body: `{"error":{"message":"Invalid parameter","type":"OAuthException",` +
				`"code":100,"error_subcode":2804003,"fbtrace_id":"A"}}`})
			clicked(died)
			until("a dead letter", died, "lead dead LeadSubmitted ads: ")
			e.Do(http.MethodPost, "/leadgate/destinations/ads/pause", "", nil)
			clicked(waits)
			until("one waits", waits, "lead sent LeadSubmitted ads")

			e.Load(block("other"))
			var n struct{ Count int }
			if e.Do(http.MethodPost, "/leadgate/destinations/ads/move", `{"to":"other"}`, &n); n.Count != 2 {
				t.Fatalf("moved %d", n.Count)
			}
			const went = "lead sent LeadSubmitted ads: moved to destination other"
			until("the one that waited is delivered", waits, "lead delivered LeadSubmitted other", went)
			until("the dead letter is another's", died, "lead dead LeadSubmitted other: ", went)
			e.Do(http.MethodPost, "/leadgate/dead/replay", `{"destination":"other","all":true}`, nil)
			until("the dead letter is delivered", died, "lead delivered LeadSubmitted other", went)

			e.Do(http.MethodPost, "/leadgate/destinations/other/pause", "", nil)
			clicked(dropped)
			until("another waits", dropped, "lead sent LeadSubmitted other")
			e.Load(block("third"))
			e.Kill()
			e.Start() // as it was configured first
			if e.Do(http.MethodPost, "/leadgate/destinations/other/drop", "", &n); n.Count != 1 {
				t.Fatalf("dropped %d", n.Count)
			}
			until("it was dropped", dropped, "lead dead LeadSubmitted other: dropped by an operator")
			if server == nil {
				return
			}
			// A full Redis is made room in by a drop; only the journals are not told.
			const full = "15551234570"
			e.Do(http.MethodPost, "/leadgate/destinations/ads/pause", "", nil)
			clicked(full)
			until("one more waits", full, "lead sent LeadSubmitted ads")
			e.Load(block("fourth"))
			server.Do("CONFIG", "SET", "maxmemory", "1")
			if e.Do(http.MethodPost, "/leadgate/destinations/ads/drop", "", &n); n.Count != 1 {
				t.Fatalf("dropped %d of a full Redis", n.Count)
			}
			server.Do("CONFIG", "SET", "maxmemory", "0")
			until("it is as it was", full, "lead sent LeadSubmitted ads")
		})
	}
}
