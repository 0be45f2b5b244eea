package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/linkcode"
)

// saleRule is a business's own words for a sale.
const saleRule = "convert Purchase {\n text \"pedido confirmado\"\n pattern `R\\$ *(?P<value>[0-9.,]+)(?: *#(?P<order>\\w+))?`\n" +
	" currency BRL\n}"

// echoes is what the business wrote to a customer.
func echoes(id, to, text string) []byte {
	body := string(edgetest.Webhook(fmt.Sprintf(`"message_echoes":[{"from":"15550783881","to":%q,"id":%q,"timestamp":"%d","type":"text",`+
		`"text":{"body":%q}}]`, to, id, time.Now().Unix(), text)))
	return []byte(strings.Replace(body, `"field":"messages"`, `"field":"smb_message_echoes"`, 1))
}

// TestGoogleOnTwoEdges: both edges of a Redis say how many events wait to be confirmed, and
// the other goes on with their receipts when the one that has sent them is killed.
func TestGoogleOnTwoEdges(t *testing.T) {
	global, _ := stores["redis"](t)
	one := newAds(t, global)
	code := linkcode.Format(one.mustVisit(t, "?gclid=TeSt-Gclid_1"))
	one.mustPost(t, says("wamid.link", "15551230001", "Ref "+code))
	one.until(t, "the lead is taken", 1, 1, 0, 0)
	other := newAds(t, global)
	other.until(t, "the other edge knows what waits", 0, 1, 0, 0)
	one.Kill()
	other.until(t, "it has the receipt", 0, 1, 0, 0)
	edgetest.Until(t, "it asks", func() bool { _, _, asked, _ := other.fake.Counts(); return asked > 0 })
	if len(other.fake.Accepted()) != 0 {
		t.Error("the event was sent again")
	}
}

// TestGoogleSaid: a sale that is said in a chat goes to Google Ads, and to Meta where the
// contact has an ad's click, too, each once: over kill -9, a redelivery, and a CRM that
// posts the same order. What nobody clicked for goes nowhere.
func TestGoogleSaid(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			a := newAds(t, global)
			code := linkcode.Format(a.mustVisit(t, "?gclid=TeSt-Gclid_1"))
			own := linkcode.Format(a.mustVisit(t, "?wbraid=TeSt-Wbraid_2"))
			a.mustPost(t, click("wamid.ad", "15551230001", "Aff-1"))
			a.mustPost(t, says("wamid.link", "15551230001", "Ref "+code))
			sale := echoes("wamid.sale", "15551230001", "Pedido CONFIRMADO! Total: R$ 1.234,56 #A17")
			a.mustPost(t, sale)
			a.Kill()
			a.Start()
			a.mustPost(t, sale)
			a.mustPost(t, says("wamid.both", "15551230002", "Ref "+own+". Pedido confirmado R$ 5"))
			a.mustPost(t, says("wamid.nobody", "15551230003", "pedido confirmado R$ 6"))
			a.mustPost(t, echoes("wamid.unclear", "15551230001", "pedido confirmado R$ 1.234"))
			a.mustPost(t, says("wamid.known", "15551230001", "pedido confirmado R$ 1234,56 #A17"))

			want := []string{"6501234567 TeSt-Gclid_1 ", "6507654321 TeSt-Gclid_1 1234.56", "6501234567  ", "6507654321  5"}
			told := func() string {
				seen := map[string]bool{} // what was in doubt at the kill may come twice, under one id
				for _, e := range a.sent() {
					seen[e] = true
				}
				for _, w := range want {
					if !seen[w] {
						return "no " + w
					}
				}
				return fmt.Sprintf("%d of %d", len(seen), len(want))
			}
			edgetest.Until(t, "Google is told", func() bool { return told() == "4 of 4" })
			ids := map[string]bool{}
			for _, e := range a.fake.Accepted() {
				var event struct{ TransactionID string }
				if err := json.Unmarshal(e.Event, &event); err != nil {
					t.Fatal(err)
				}
				ids[event.TransactionID] = true
			}
			if len(ids) != 4 || !ids["A17"] {
				t.Errorf("under the ids %v", ids)
			}
			edgetest.Until(t, "Meta is told", func() bool { return a.meta.Total() >= 2 })
			sales := map[string]bool{}
			for _, e := range a.meta.Accepted() {
				if strings.Contains(string(e.Event), "Purchase") {
					sales[string(e.Event)] = true
				}
			}
			if len(sales) != 1 {
				t.Errorf("Meta was told %v", sales)
			}
			_, metrics := a.Ask(http.MethodGet, "/metrics", "", "")
			for _, line := range []string{`outcome="queued",tenant="acme"} 1`, `outcome="no_click",tenant="acme"} 1`,
				`outcome="invalid",tenant="acme"} 1`, `outcome="duplicate",tenant="acme"} 2`} {
				if !strings.Contains(string(metrics), `leadgate_in_chat_total{event_name="Purchase",`+line) {
					t.Errorf("no %s in the metrics", line)
				}
			}
		})
	}
}
