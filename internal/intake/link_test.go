package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

// Three codes: of a click, of a campaign, of everybody.
const (
	clickCode, campaignCode, staticCode = "K7QW3MPDXR", "7GHK4WPQRM", "QQPX3F3JQP"

	shownClick = "K7QW3-MPDXR"
	clickedAt  = 1736535000000
)

// rows are what they stand for.
var rows = []queue.Code{
	{
		Code: clickCode, Key: "summer click", Claim: 7 * 24 * time.Hour, At: clickedAt,
		Data: []byte(`{"link":"summer","tier":"click","clickedAt":1736535000000,"source":"google","campaign":{"utm_campaign":"Früh <26>"},` +
			`"ids":{"gclid":"Cj0KCQ"},"consent":"granted"}`),
	},
	{
		Code: campaignCode, Key: "summer campaign", Of: "summer", At: clickedAt,
		Data: []byte(`{"link":"summer","tier":"campaign","clickedAt":null,"source":"meta","campaign":{"utm_source":"fb","utm_medium":"cpc"},` +
			`"ids":{},"consent":null}`),
	},
	{
		Code: staticCode, Key: "flyer", Of: "flyer", At: clickedAt,
		Data: []byte(`{"link":"flyer","tier":"static","clickedAt":null,"source":null,"campaign":{},"ids":{},"consent":null}`),
	},
}

// What an event shows of them.
const (
	fullLink = `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":1736535000000,"shared":false,"source":"google",` +
		`"params":{"gclid":"Cj0KCQ","utm_campaign":"Früh <26>"}}`
	sharedLink = `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":true,"source":"google",` +
		`"params":{"utm_campaign":"Früh <26>"}}`
	campaignLink = `{"name":"summer","code":"7GHK4-WPQRM","clickedAt":null,"shared":false,"source":"meta",` +
		`"params":{"utm_medium":"cpc","utm_source":"fb"}}`
	staticLink = `{"name":"flyer","code":"QQPX3-F3JQP","clickedAt":null,"shared":false,"source":null,"params":{}}`
)

// linkStore is a store with the rows, and a block of a provider whose events are acme's.
func linkStore(t testing.TB, provider string) (*Block, *memory.Queue) {
	t.Helper()
	b := testBlock(provider)
	b.addTenant(t, "acme", "", events("crm", normalize.KindMessage, normalize.KindEcho, normalize.KindStatus, normalize.KindAccount))
	q := testStore(b)
	for _, row := range rows {
		if _, fresh, err := q.PutCode(t.Context(), "acme", row); err != nil || !fresh {
			t.Fatal(fresh, err)
		}
	}
	old := unknownCodes
	unknownCodes = newUnknowns()
	t.Cleanup(func() { unknownCodes = old })
	return b, q
}

// said is a text message of a customer.
func said(from, id, text string) string {
	quoted, _ := json.Marshal(text)
	return entry("111", fmt.Sprintf(`"messages":[{"from":%q,"id":%q,"timestamp":"1736535600","type":"text","text":{"body":%s}}]`,
		from, id, quoted))
}

// shown are the links in what a webhook's jobs carry, each "null" or as canonical JSON.
func (b *Block) shown(t *testing.T, q Store, body string) (list []string) {
	t.Helper()
	w, r := b.read(t, body)
	if _, err := b.Store(t.Context(), q, w, r); err != nil {
		t.Fatal(err)
	}
	for _, g := range w.groups {
		for _, payload := range g.Payloads {
			list = append(list, member(t, payload, "link"))
		}
	}
	w.Release()
	return list
}

// member is a key of an event, as JSON without blanks.
func member(t *testing.T, payload []byte, key string) string {
	t.Helper()
	var ev map[string]json.RawMessage
	if err := json.Unmarshal(payload, &ev); err != nil {
		t.Fatalf("%v: %s", err, payload)
	}
	return canonical(t, ev[key])
}

func canonical(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// cloud is a webhook with a message of WhatsApp's, of these members.
func cloud(message string) string {
	return whatsapp(entry("111", `"messages":[{"from":"15551234567","id":"wamid.1","timestamp":"1736535600",`+message+`}]`))
}

// TestLinkOfEveryChannel finds the code wherever a message of a provider has one.
func TestLinkOfEveryChannel(t *testing.T) {
	const ref = `"referral":{"ref":"lg-K7QW3MPDXR","source":"SHORTLINK","type":"OPEN_THREAD"}`
	page := func(object, item string) string {
		return fmt.Sprintf(`{"object":%q,"entry":[{"id":"1029384756","time":1736535600000,"messaging":[{"sender":{"id":"24685"},`+
			`"recipient":{"id":"1029384756"},"timestamp":1736535600000,%s}]}]}`, object, item)
	}
	for _, c := range []struct{ name, provider, body string }{
		{"WhatsApp", "meta", cloud(`"type":"text","text":{"body":"Ref K7QW3-MPDXR. Hi"}`)},
		{"escaped", "meta", cloud(`"type":"text","text":{"body":"Ol\u00e1 \u004b7QW3\u2011MPDXR \ud83d\udc4d"}`)},
		{"caption", "meta", cloud(`"type":"image","image":{"id":"1","caption":"k7qw3mpdxr"}`)},
		{"button", "meta", cloud(pressed("button_reply", "a", "K7QW3 MPDXR"))},
		{"list", "meta", cloud(pressed("list_reply", "a", "K7QW3 MPDXR"))},
		{"template's button", "meta", cloud(`"type":"button","button":{"text":"K7QW3-MPDXR","payload":"a"}`)},
		{"ref of an ad", "meta", cloud(`"type":"text","text":{"body":"Hi"},"referral":{"source_id":"1","ref":"lg-K7QW3MPDXR"}`)},
		{
			"ref that an advertiser typed", "meta",
			cloud(`"type":"text","text":{"body":"Hi"},"referral":{"source_id":"1","ref":"spring K7QW3-MPDXR"}`),
		},
		{"WhatsApp, standby", "meta", strings.Replace(cloud(textCode), `"field":"messages"`, `"field":"standby"`, 1)},
		{"Messenger, a thread that is there", "meta", page("page", ref)},
		{"Messenger, Get Started", "meta", page("page", `"postback":{"mid":"m_1","title":"Get started","payload":"GO",`+ref+`}`)},
		{"Messenger, text", "meta", page("page", `"message":{"mid":"m_1","text":"K7QW3-MPDXR"}`)},
		{"Messenger, standby", "meta", strings.Replace(page("page", ref), `"messaging"`, `"standby"`, 1)},
		{"Instagram, the first message", "meta", page("instagram", `"message":{"mid":"m_1","text":"Hi",`+ref+`}`)},
		{"Instagram, a thread that is there", "meta", page("instagram", strings.Replace(ref, "lg-K7QW3MPDXR", "LG-K7QW3-MPDXR", 1))},
		{"360dialog", "360dialog", `{"contacts":[{"wa_id":"15551234567"}],"messages":[{"from":"15551234567","id":"ABGG1",` +
			`"timestamp":"1736535600",` + textCode + `}]}`},
		{"Gupshup V2", "gupshup", `{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"message","payload":{"id":"wamid.2",` +
			`"source":"15551234567","type":"text","payload":{"text":"K7QW3-MPDXR"},"sender":{"phone":"15551234567"}}}`},
		{"Gupshup V3", "gupshup", `{"gs_app_id":"a-1",` + cloud(textCode)[1:]},
		{"Whapi", "whapi", `{"messages":[{"id":"p.1","from_me":false,"type":"text","chat_id":"15551234567@s.whatsapp.net",` +
			`"timestamp":1736535600,"text":{"body":"K7QW3-MPDXR"},"from":"15551234567"}],"event":{"type":"messages","event":"post"},` +
			`"channel_id":"MARVEL-A1B2C"}`},
		{"Twilio, WhatsApp", "twilio", "MessageSid=SM1&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&Body=Ref+K7QW3-MPDXR"},
		{"Twilio, SMS", "twilio", "MessageSid=SM1&From=%2B15551234567&To=%2B15550783881&Body=Ref+K7QW3-MPDXR&SmsStatus=received"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, q := linkStore(t, c.provider)
			if got := b.shown(t, q, c.body); len(got) != 1 || got[0] != canonical(t, []byte(fullLink)) {
				t.Errorf("%q", got)
			}
		})
	}
}

const textCode = `"type":"text","text":{"body":"K7QW3-MPDXR"}`

// pressed is a button or a row of a list.
func pressed(kind, id, title string) string {
	return fmt.Sprintf(`"type":"interactive","interactive":{"type":%q,%q:{"id":%q,"title":%q}}`, kind, kind, id, title)
}

// TestNoLink: what is no inbound message's own names no link.
func TestNoLink(t *testing.T) {
	text := textCode
	echo := strings.NewReplacer(`"messages":[{`, `"message_echoes":[{"to":"15551234567",`,
		`"field":"messages"`, `"field":"smb_message_echoes"`)
	for name, body := range map[string]string{
		"forwarded":         cloud(text + `,"context":{"forwarded":true}`),
		"often forwarded":   cloud(text + `,"context":{"frequently_forwarded":true}`),
		"in a group":        cloud(text + `,"group_id":"120363@g.us"`),
		"an echo":           echo.Replace(cloud(text)),
		"a status":          whatsapp(status("111", shownClick)),
		"an edit":           cloud(`"type":"edit","edit":{"original_message_id":"wamid.0","message":{` + text + `}}`),
		"a revoked message": cloud(`"type":"revoke","revoke":{"original_message_id":"K7QW3-MPDXR"}`),
		"a reaction":        cloud(`"type":"reaction","reaction":{"message_id":"K7QW3-MPDXR","emoji":"👍"}`),
		"an id":             cloud(pressed("button_reply", "K7QW3-MPDXR", "Yes")),
		"damaged":           cloud(`"type":"text","text":{"body":"K7QW3-MPDXT"}`),
		"unknown":           cloud(`"type":"text","text":{"body":"` + unknownCode + `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			b, q := linkStore(t, "meta")
			for _, link := range b.shown(t, q, body) {
				if link != "null" {
					t.Errorf("link %s", link)
				}
			}
		})
	}
	// And another tenant's code is none.
	b, q := linkStore(t, "meta")
	b.addTenant(t, "globex", "phone_number_id 222", events("bi", normalize.KindMessage))
	globex := strings.Replace(cloud(textCode), `"111"`, `"222"`, 1)
	if got := b.shown(t, q, globex); got[0] != "null" {
		t.Errorf("another tenant's: %q", got)
	}
}

// unknownCode checks, and stands for nothing.
const unknownCode = "9WCKH-KPDMV"
