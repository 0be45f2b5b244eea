package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
)

// sayer is a provider's webhooks: an ad's click, and what is said then by the contact or,
// where the provider tells of that, by the business.
type sayer struct {
	tenant, provider string
	click, sale      func() (body, contentType string)
}

// asJSON is a body with the time, where %d stands in ms and %s in seconds.
func asJSON(body string) func() (string, string) {
	return func() (string, string) {
		now := time.Now()
		return strings.NewReplacer("%ms", fmt.Sprint(now.UnixMilli()), "%s", fmt.Sprint(now.Unix())).Replace(body), "application/json"
	}
}

// confirmed is what the business, or its customer, writes of an order; its id is the tenant's.
func confirmed(tenant string) string { return "Pedido CONFIRMADO! Total: R$ 1.234,56, #" + tenant }

func cloudBody(field, members string) func() (string, string) {
	return asJSON(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"` + field + `","value":{` +
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},` +
		members + `}}]}]}`)
}

// threadBody is an item of Messenger or Instagram.
func threadBody(object, account, from, to, message string) func() (string, string) {
	return asJSON(fmt.Sprintf(`{"object":%q,"entry":[{"id":%q,"time":%%ms,"messaging":[{"sender":{"id":%q},"recipient":{"id":%q},`+
		`"timestamp":%%ms,"message":{%s}}]}]}`, object, account, from, to, message))
}

func twilioBody(id, text, more string) func() (string, string) {
	return func() (string, string) {
		return "AccountSid=AC1&MessageSid=" + id + "&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&WaId=15551234567&Body=" +
			url.QueryEscape(text) + more, "application/x-www-form-urlencoded"
	}
}

func sayers() []sayer {
	const adRef = `"referral":{"ad_id":"120210000000000001","source":"ADS","type":"OPEN_THREAD"}`
	const gupshup = `{"app":"DemoApp","timestamp":%ms,"version":2,"type":"message","phone":"15550783881","payload":{"id":"wamid.gs` +
		`ID","source":"15551234567","type":"text","payload":{"text":"TEXT"},"sender":{"phone":"15551234567"}MORE}}`
	gs := func(id, text, more string) func() (string, string) {
		return asJSON(strings.NewReplacer("ID", id, "TEXT", text, "MORE", more).Replace(gupshup))
	}
	whapi := func(message string) func() (string, string) {
		return asJSON(`{"channel_id":"MARVEL-A1B2C","event":{"type":"messages","event":"post"},"messages":[{` + message +
			`"chat_id":"15551234567@s.whatsapp.net","timestamp":%s,"type":"text"}]}`)
	}
	return []sayer{
		{"cloud", "meta", cloudBody("messages", `"contacts":[{"wa_id":"15551234567"}],"messages":[{"from":"15551234567","id":"wamid.c1",`+
			`"timestamp":"%s","type":"text","text":{"body":"Hi"},"referral":{"source_id":"1","source_type":"ad","ctwa_clid":"Aff-cloud"}}]`),
			cloudBody("smb_message_echoes", `"message_echoes":[{"from":"15550783881","to":"15551234567","id":"wamid.c2","timestamp":"%s",`+
				`"type":"text","text":{"body":"`+confirmed("cloud")+`"}}]`)},
		{"messenger", "meta", threadBody("page", "1029384756", "7012345678901234", "1029384756", `"mid":"m_1","text":"Hi",`+adRef),
			threadBody("page", "1029384756", "1029384756", "7012345678901234", `"mid":"m_2","is_echo":true,"text":"`+confirmed("messenger")+`"`)},
		{"instagram", "meta", threadBody("instagram", "17841400000000001", "6512345678901234", "17841400000000001",
			`"mid":"aW1","text":"Hi",`+adRef),
			threadBody("instagram", "17841400000000001", "17841400000000001", "6512345678901234",
				`"mid":"aW2","is_echo":true,"text":"`+confirmed("instagram")+`"`)},
		{"gupshup", "gupshup", gs("1", "Hi", `,"referral":{"source_id":"1","source_type":"ad","ctwa_clid":"Aff-gupshup"}`),
			gs("2", confirmed("gupshup"), "")},
		{"whapi", "whapi", whapi(`"id":"w1","from_me":false,"from":"15551234567","text":{"body":"Hi"},"context":{"ad":{"title":"x",` +
			`"source":{"id":"1","type":"ad","url":"https://fb.me/x"},"ctwa":"Aff-whapi"}},`),
			whapi(`"id":"w2","from_me":true,"from":"15550783881","text":{"body":"` + confirmed("whapi") + `"},`)},
		{"twilio", "twilio", twilioBody("SM1", "Hi", "&ReferralSourceId=1&ReferralSourceType=ad&ReferralCtwaClid=Aff-twilio"),
			twilioBody("SM2", confirmed("twilio"), "")},
	}
}

// saidBlock is a block of a tenant of its own, whose chats are listened to.
func saidBlock(tenant, provider, meta string) string {
	verified := "insecure_skip_verify"
	if provider == "meta" {
		verified = "app_secret x\nverify_token y\ninsecure_skip_verify"
	}
	return "leadgate /" + tenant + " {\nprovider " + provider + " {\n" + verified + "\n}\ntenant " + tenant + "\ncapi {\ndataset 1\n" +
		"access_token x\nwaba_id 102290129340398\nlinger 10ms\nendpoint " + meta + "\nname " + tenant + "\n}\nconvert Purchase {\n" +
		"on message echo\ntext \"pedido confirmado\"\n" +
		`pattern "R\$ *(?P<value>[0-9.,]+) *#(?P<order>\w+)"` + "\ncurrency BRL\n}\nconvert InitiateCheckout {\non order\n}\n}\n"
}

// TestSaidByProviders: a sale that is said in a chat of any provider is reported once, over
// kill -9 and redeliveries, on both queues, and so is a cart.
func TestSaidByProviders(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			meta := capitest.New(t)
			e := &edge{edgetest.New(t)}
			var blocks strings.Builder
			for _, s := range sayers() {
				blocks.WriteString(saidBlock(s.tenant, s.provider, meta.URL()))
			}
			e.Configure(e.Caddyfile(global, "", blocks.String()))
			e.Start()
			post := func(s *sayer, make func() (string, string)) {
				t.Helper()
				body, contentType := make()
				edgetest.Until(t, "a 200 for "+s.tenant, func() bool {
					header := http.Header{"Content-Type": {contentType}}
					resp, err := e.PostTo(http.DefaultClient, "/"+s.tenant, header, []byte(body))
					if err != nil {
						return false
					}
					resp.Body.Close()
					return resp.StatusCode == http.StatusOK
				})
			}
			all := sayers()
			for i := range all {
				post(&all[i], all[i].click)
			}
			e.Kill()
			e.Start()
			for i := range all {
				post(&all[i], all[i].sale)
			}
			post(&all[0], cloudBody("messages", `"contacts":[{"wa_id":"15551234567"}],"messages":[{"from":"15551234567","id":"wamid.c3",`+
				`"timestamp":"%s","type":"order","order":{"catalog_id":"1","product_items":[{"product_retailer_id":"P","quantity":2,`+
				`"item_price":7.99,"currency":"BRL"}]}}]`))
			e.Kill()
			e.Start()
			for i := range all { // redelivered
				post(&all[i], all[i].sale)
			}
			want := 2*len(all) + 1
			edgetest.Until(t, "Meta is told of all", func() bool { return meta.Total() >= want && backlog(e) == 0 })
			checkSaid(t, meta, all, want)
		})
	}
}

// backlog is how many events wait.
func backlog(e *edge) (n int) {
	for _, d := range e.Destinations() {
		n += d.Backlog
	}
	return n
}

// checkSaid compares what Meta was told.
func checkSaid(t *testing.T, meta *capitest.Server, all []sayer, want int) {
	t.Helper()
	var sold []string
	carts, told := 0, map[string]bool{}
	for _, a := range meta.Accepted() {
		var ev struct {
			ID     string `json:"event_id"`
			Name   string `json:"event_name"`
			Custom struct {
				Value    json.Number `json:"value"`
				Currency string      `json:"currency"`
				Order    string      `json:"order_id"`
				Contents []any       `json:"contents"`
			} `json:"custom_data"`
		}
		if err := json.Unmarshal(a.Event, &ev); err != nil {
			t.Fatal(err)
		}
		if told[ev.ID] {
			continue // in doubt when the edge was killed, and sent again
		}
		told[ev.ID] = true
		switch {
		case ev.Name == "Purchase" && ev.Custom.Value == "1234.56" && ev.Custom.Currency == "BRL":
			sold = append(sold, ev.Custom.Order)
		case ev.Name == "InitiateCheckout" && ev.Custom.Value == "15.98" && len(ev.Custom.Contents) == 1:
			carts++
		case ev.Name != "LeadSubmitted":
			t.Errorf("Meta was told %s", a.Event)
		}
	}
	var tenants []string
	for i := range all {
		tenants = append(tenants, all[i].tenant)
	}
	slices.Sort(sold)
	slices.Sort(tenants)
	if !slices.Equal(sold, tenants) || carts != 1 || len(told) != want {
		t.Errorf("sales of %q, want %q; %d carts; %d events", sold, tenants, carts, len(told))
	}
}
