package capi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/normalize"
)

var now = time.UnixMilli(1736535700999)

const receivedAt = 1736535600412

func sha32(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:32]
}

func settings() *capi.Settings {
	return &capi.Settings{Dataset: "1234567890", AccessToken: "EAAtoken"}
}

// unified is the unified JSON of an event, all keys that matter here present.
func unified(kind, channel string, changes ...string) []byte {
	doc := map[string]any{
		"id": "e70210fe-620f-555d-bc02-bd88cd34dabc", "tenantId": "acme", "kind": kind, "channel": channel, "provider": "meta",
		"account": map[string]any{"wabaId": "102290129340398", "phoneNumberId": "106540352242922", "pageId": nil, "instagramId": nil},
		"waPhone": "+15551234567", "waId": "15551234567", "userId": nil, "receivedAt": receivedAt, "ingestedAt": receivedAt + 400,
		"message":  map[string]any{"id": "wamid.1", "type": "text", "text": "I'd like to know more"},
		"referral": map[string]any{"ctwaClid": nil, "sourceType": nil, "adId": nil, "dedupToken": nil},
		"utm":      map[string]any{}, "ad": map[string]any{}, "automaticEvent": nil, "conversion": nil, "attribution": nil,
		"raw": map[string]any{},
	}
	for _, c := range changes {
		path, value, _ := strings.Cut(c, "=")
		at := doc
		keys := strings.Split(path, ".")
		for _, k := range keys[:len(keys)-1] {
			next, ok := at[k].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[k] = next
			}
			at = next
		}
		at[keys[len(keys)-1]] = json.RawMessage(value)
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return b
}

const clid = "ARBZxk7w1-Qv_0pTestClickFromAnAd"

func click(changes ...string) []byte {
	return unified("message", "whatsapp", append([]string{`referral.ctwaClid="` + clid + `"`, `referral.adId="23850001"`,
		`referral.sourceType="ad"`}, changes...)...)
}

func TestAppendEvent(t *testing.T) {
	const head = `{"event_name":"LeadSubmitted","event_time":1736535600,"event_id":"e70210fe-620f-555d-bc02-bd88cd34dabc",` +
		`"action_source":"business_messaging","messaging_channel":`
	const mirror = `"custom_data":{"ctwa_clid":"` + clid + `","ad_id":"23850001"`
	const waUser = `"user_data":{"whatsapp_business_account_id":"102290129340398","ctwa_clid":"` + clid + `"`
	phone, _ := capi.HashPhone("15551234567")
	br, _ := capi.HashPhone("5511987654321")
	br0, _ := capi.HashPhone("551187654321")
	auto := func(name string, changes ...string) []byte {
		return unified("automatic_event", "whatsapp", append([]string{`message=null`, `referral=null`, `waPhone=null`, `waId=null`,
			`automaticEvent.eventName="` + name + `"`, `automaticEvent.ctwaClid="` + clid + `"`}, changes...)...)
	}
	autoHead := head
	for _, c := range []struct {
		name     string
		in       []byte
		change   func(*capi.Settings)
		want     string
		identity capi.Identity
	}{
		{"a click", click(), nil,
			head + `"whatsapp",` + waUser + `,"ph":["` + phone + `"]},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"two numbers", click(`waPhone="+5511987654321"`, `waId="551187654321"`), nil,
			head + `"whatsapp",` + waUser + `,"ph":["` + br + `","` + br0 + `"]},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"no number, no ad id", click(`waPhone=null`, `waId=null`, `referral.adId=null`), nil,
			head + `"whatsapp",` + waUser + `},"custom_data":{"ctwa_clid":"` + clid + `"}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"match_keys none", click(), func(s *capi.Settings) { s.NoMatchKeys = true },
			head + `"whatsapp",` + waUser + `},` + mirror + `}}`, capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"waba_id for a webhook without", click(`account.wabaId=null`, `waPhone=null`), func(s *capi.Settings) { s.WabaID = "998877" },
			head + `"whatsapp",` + strings.Replace(waUser, "102290129340398", "998877", 1) + `},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "998877"}},
		{"waba_id does not replace the webhook's", click(`waPhone=null`), func(s *capi.Settings) { s.WabaID = "998877" },
			head + `"whatsapp",` + waUser + `},` + mirror + `}}`, capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"no WABA id at all", click(`account.wabaId=null`, `waPhone=null`), nil,
			head + `"whatsapp","user_data":{"ctwa_clid":"` + clid + `"},` + mirror + `}}`, capi.Identity{normalize.ChannelWhatsApp, ""}},
		{"LDU", click(`waPhone=null`), func(s *capi.Settings) { s.DataProcessingOptions = &capi.LDU{Country: 1, State: 1000} },
			head + `"whatsapp",` + waUser + `},` + mirror + `},"data_processing_options":["LDU"],"data_processing_options_country":1,` +
				`"data_processing_options_state":1000}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"another event name", click(`waPhone=null`), func(s *capi.Settings) { s.EventName = "QualifiedLead" },
			strings.Replace(head, "LeadSubmitted", "QualifiedLead", 1) + `"whatsapp",` + waUser + `},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"dedup token", click(`waPhone=null`, `referral.dedupToken="tok 1\"é"`), nil,
			strings.Replace(head, "e70210fe-620f-555d-bc02-bd88cd34dabc", sha32(`tok 1"é`), 1) + `"whatsapp",` + waUser + `},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"printable dedup token", click(`waPhone=null`, `referral.dedupToken="tok\/1 \"x\""`), nil,
			strings.Replace(head, "e70210fe-620f-555d-bc02-bd88cd34dabc", `tok/1 \"x\"`, 1) + `"whatsapp",` + waUser + `},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"long dedup token", click(`waPhone=null`, `referral.dedupToken="`+strings.Repeat("x", 129)+`"`), nil,
			strings.Replace(head, "e70210fe-620f-555d-bc02-bd88cd34dabc", sha32(strings.Repeat("x", 129)), 1) + `"whatsapp",` + waUser + `},` +
				mirror + `}}`, capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"a clock ahead", click(`waPhone=null`, `receivedAt=1736535900000`), nil,
			strings.Replace(head, "1736535600", "1736535700", 1) + `"whatsapp",` + waUser + `},` + mirror + `}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"Messenger", unified("message", "messenger", `account.pageId="1029384756"`, `account.wabaId=null`, `userId="7766554433"`, `waId=null`,
			`waPhone=null`, `referral.sourceType="ad"`, `referral.adId="23850002"`), nil,
			head + `"messenger","user_data":{"page_id":"1029384756","page_scoped_user_id":"7766554433"},"custom_data":{"ad_id":"23850002"}}`,
			capi.Identity{normalize.ChannelMessenger, "1029384756"}},
		{"Messenger, ADS without an id", unified("message", "messenger", `account.pageId="1029384756"`, `userId="7766554433"`,
			`referral.sourceType="ad"`), nil,
			head + `"messenger","user_data":{"page_id":"1029384756","page_scoped_user_id":"7766554433"}}`,
			capi.Identity{normalize.ChannelMessenger, "1029384756"}},
		{"Instagram", unified("message", "instagram", `account.instagramId="17841400000000001"`, `userId="889900"`, `referral.adId="23850003"`),
			nil,
			head + `"instagram","user_data":{"instagram_business_account_id":"17841400000000001","ig_sid":"889900"},` +
				`"custom_data":{"ad_id":"23850003"}}`, capi.Identity{normalize.ChannelInstagram, "17841400000000001"}},
		{"Instagram, the other field", unified("message", "instagram", `account.instagramId="17841400000000001"`, `userId="889900"`,
			`referral.adId="23850003"`), func(s *capi.Settings) { s.InstagramIDField = capi.IGAccountID },
			head + `"instagram","user_data":{"ig_account_id":"17841400000000001","ig_sid":"889900"},"custom_data":{"ad_id":"23850003"}}`,
			capi.Identity{normalize.ChannelInstagram, "17841400000000001"}},
		{"automatic lead", auto("LeadSubmitted"), nil,
			autoHead + `"whatsapp","messaging_outcome_data":{"outcome_type":"automatic_events"},` + waUser + `},"custom_data":{"ctwa_clid":"` +
				clid + `"}}`, capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"automatic purchase", auto("Purchase", `automaticEvent.currency="usd"`, `automaticEvent.value=25.050`), nil,
			strings.Replace(autoHead, "LeadSubmitted", "Purchase", 1) + `"whatsapp","messaging_outcome_data":{"outcome_type":"automatic_events"},` +
				waUser + `},"custom_data":{"ctwa_clid":"` + clid + `","currency":"USD","value":25.05}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
		{"automatic purchase, ÷ 1", auto("Purchase", `automaticEvent.currency="JPY"`, `automaticEvent.value=25.05`),
			func(s *capi.Settings) { s.AutomaticValueDivisor = 1 },
			strings.Replace(autoHead, "LeadSubmitted", "Purchase", 1) + `"whatsapp","messaging_outcome_data":{"outcome_type":"automatic_events"},` +
				waUser + `},"custom_data":{"ctwa_clid":"` + clid + `","currency":"JPY","value":25050}}`,
			capi.Identity{normalize.ChannelWhatsApp, "102290129340398"}},
	} {
		s := settings()
		if c.change != nil {
			c.change(s)
		}
		got, identity, err := capi.AppendEvent([]byte("x"), c.in, s, now)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if string(got) != "x"+c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got[1:], c.want)
		}
		if identity != c.identity {
			t.Errorf("%s: identity %v", c.name, identity)
		}
		if fail := check(got[1:]); fail != nil && !(identity.ID == "" && fail.Subcode == 2804116) {
			t.Errorf("%s: Meta's answer: %v", c.name, fail)
		}
	}
}

// check is what the fake Meta answers to the event alone.
func check(event []byte) *capitest.Error {
	fake := capitest.Server{Now: func() time.Time { return now }}
	return fake.Check(fmt.Appendf(nil, `{"data":[%s]}`, event), "1234567890")
}

func TestGuard(t *testing.T) {
	auto := func(changes ...string) []byte {
		return unified("automatic_event", "whatsapp", append([]string{`automaticEvent.eventName="Purchase"`, `automaticEvent.ctwaClid="x"`,
			`automaticEvent.currency="USD"`, `automaticEvent.value=1`}, changes...)...)
	}
	week := int64(7 * 24 * time.Hour / time.Millisecond)
	for _, c := range []struct {
		name, field string
		in          []byte
		subcode     int
		reason      string
	}{
		{"organic", "user_data.ctwa_clid", unified("message", "whatsapp"), 2804050, capi.ReasonRefused},
		{"m.me link", "user_data", unified("message", "messenger", `account.pageId="1"`, `userId="2"`), 2804050, capi.ReasonRefused},
		{"hashed click id", "user_data.ctwa_clid", click(`referral.ctwaClid="` + strings.Repeat("aB", 32) + `"`), 2804087, capi.ReasonRefused},
		{"click id with a space", "user_data.ctwa_clid", click(`referral.ctwaClid="a b"`), 2804087, capi.ReasonRefused},
		{"odd WABA id", "user_data.whatsapp_business_account_id", click(`account.wabaId="é"`), 2804116, capi.ReasonRefused},
		{"sms", "messaging_channel", unified("message", "sms", `referral.adId="1"`), 2804063, capi.ReasonRefused},
		{"no channel", "messaging_channel", unified("message", "", `channel=null`, `referral.adId="1"`), 2804063, capi.ReasonRefused},
		{"no page", "user_data.page_id", unified("message", "messenger", `userId="1"`, `referral.adId="1"`), 2804050, capi.ReasonRefused},
		{"no person", "user_data.page_scoped_user_id", unified("message", "messenger", `account.pageId="1"`, `referral.adId="1"`), 2804050,
			capi.ReasonRefused},
		{"no Instagram account", "user_data.instagram_business_account_id", unified("message", "instagram", `userId="1"`, `referral.adId="1"`),
			2804050, capi.ReasonRefused},
		{"no Instagram person", "user_data.ig_sid", unified("message", "instagram", `account.instagramId="1"`, `referral.adId="1"`), 2804050,
			capi.ReasonRefused},
		{"seven days", "event_time", click(fmt.Sprintf("receivedAt=%d", now.UnixMilli()-week)), 2804003, capi.ReasonExpired},
		{"before 1970", "event_time", click(`receivedAt=-99999999999999`), 2804003, capi.ReasonExpired},
		{"unknown automatic event", "event_name", auto(`automaticEvent.eventName="Contact"`), 2804066, capi.ReasonRefused},
		{"no currency", "custom_data.currency", auto(`automaticEvent.currency=null`), 2804081, capi.ReasonRefused},
		{"a currency that is none", "custom_data.currency", auto(`automaticEvent.currency="Rs."`), 2804081, capi.ReasonRefused},
		{"no value", "custom_data.value", auto(`automaticEvent.value=null`), 0, capi.ReasonRefused},
		{"negative value", "custom_data.value", auto(`automaticEvent.value=-1`), 0, capi.ReasonRefused},
		{"absurd value", "custom_data.value", auto(`automaticEvent.value=1e300`), 0, capi.ReasonRefused},
	} {
		got, identity, err := capi.AppendEvent([]byte("x"), c.in, settings(), now)
		r, ok := errors.AsType[*capi.Refusal](err)
		if !ok {
			t.Errorf("%s: %s, error %v", c.name, got, err)
			continue
		}
		if r.Field != c.field || r.Code != 100 || r.Subcode != c.subcode || r.Reason != c.reason || r.Rule == "" {
			t.Errorf("%s: %+v", c.name, r)
		}
		if string(got) != "x" || identity != (capi.Identity{}) {
			t.Errorf("%s: something was appended: %s, %v", c.name, got, identity)
		}
	}
	for name, in := range map[string][]byte{
		"not JSON": []byte("{"), "an echo": unified("echo", "whatsapp"), "a status": unified("status", "whatsapp"),
		"a conversion without its click": unified("conversion", "whatsapp"),
		"no time":                        click("receivedAt=null"), "no id": click("id=null"),
	} {
		_, _, err := capi.AppendEvent(nil, in, settings(), now)
		if _, refusal := errors.AsType[*capi.Refusal](err); err == nil || refusal {
			t.Errorf("%s: %v", name, err)
		}
	}
	young := click(fmt.Sprintf("receivedAt=%d", now.UnixMilli()-week+1))
	if out, _, err := capi.AppendEvent(nil, young, settings(), now); err != nil || check(out) != nil {
		t.Errorf("just under seven days: %v, %v", err, check(out))
	}
}

func TestAppendConversion(t *testing.T) {
	em, _ := capi.HashEmail("jane@example.com")
	ext, _ := capi.HashExternalID("CRM-17")
	phone, _ := capi.HashPhone("15551234567")
	c := &capi.Conversion{EmailHash: em, Click: capi.Click{Channel: normalize.ChannelWhatsApp, CtwaClid: clid, AdID: "23850001",
		WabaID: "102290129340398", WaID: "15551234567", WaPhone: "+15551234567"}}
	in := unified("conversion", "whatsapp", `conversion={"eventName":"Purchase","value":"12.50","currency":"brl","orderId":17,
		"externalId":"CRM-17","contents":[{"id":"sku-1","quantity":2,"itemPrice":"6.250","note":null},{"id":7,"item_price":0}],
		"customData":{"store":"S\u00e3o Paulo","ctwa_clid":"forged","value":1,"tags":["a",null,{"b":null,"c":[null]}],"none":null,
		"store":"again","status":"paid"}}`)
	got, identity, err := capi.AppendConversion(nil, in, c, settings(), now)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"event_name":"Purchase","event_time":1736535600,"event_id":"e70210fe-620f-555d-bc02-bd88cd34dabc",` +
		`"action_source":"business_messaging","messaging_channel":"whatsapp",` +
		`"user_data":{"whatsapp_business_account_id":"102290129340398","ctwa_clid":"` + clid + `","ph":["` + phone + `"],"em":["` + em +
		`"],"external_id":["` + ext + `"]},` +
		`"custom_data":{"ctwa_clid":"` + clid + `","ad_id":"23850001","currency":"BRL","value":12.5,"order_id":"17",` +
		`"contents":[{"id":"sku-1","quantity":2,"item_price":6.25},{"id":7,"item_price":0}],"store":"S\u00e3o ` +
		`Paulo","tags":["a",{"c":[]}],"status":"paid"}}`
	// encoding/json has rewritten the é of the test's own JSON; compare decoded.
	if norm(t, got) != norm(t, []byte(want)) {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if identity != (capi.Identity{Channel: normalize.ChannelWhatsApp, ID: "102290129340398"}) {
		t.Errorf("identity %v", identity)
	}
	if fail := check(got); fail != nil {
		t.Error(fail)
	}

	// The CRM's word, mapped; a Messenger click; no match keys.
	s := settings()
	s.NoMatchKeys = true
	m := &capi.Conversion{EventName: "Lead", EmailHash: em, Click: capi.Click{Channel: normalize.ChannelMessenger, PageID: "1029384756",
		UserID: "7766", AdID: "238"}}
	got, _, err = capi.AppendConversion(nil, unified("conversion", "messenger", `conversion={"eventName":"won-lead","externalId":"x"}`), m, s,
		now)
	if err != nil || !strings.Contains(string(got), `{"event_name":"LeadSubmitted",`) ||
		!strings.Contains(string(got), `"user_data":{"page_id":"1029384756","page_scoped_user_id":"7766"},"custom_data":{"ad_id":"238"}}`) {
		t.Errorf("%s, %v", got, err)
	}

	for item, field := range map[string]string{
		`{"eventName":"Purchase","value":1}`:                                                   "custom_data.currency",
		`{"eventName":"Purchase","currency":"USD"}`:                                            "custom_data.value",
		`{"eventName":"Purchase","currency":"USD","value":"ten"}`:                              "custom_data.value",
		`{"eventName":"Purchase","currency":"USD","value":[]}`:                                 "custom_data.value",
		`{"eventName":"Purchase","currency":"USD","value":-1}`:                                 "custom_data.value",
		`{"eventName":"OrderCreated"}`:                                                         "custom_data.currency",
		`{"eventName":"Subscribe"}`:                                                            "event_name",
		`{"eventName":"ViewContent","contents":{"id":1}}`:                                      "custom_data.contents",
		`{"eventName":"ViewContent","contents":[{"quantity":1}]}`:                              "custom_data.contents",
		`{"eventName":"ViewContent","contents":[{"id":"a","item_price":"x"}]}`:                 "custom_data.contents",
		`{"eventName":"ViewContent","customData":[1]}`:                                         "custom_data",
		`{"eventName":"ViewContent","customData":{"x":"` + strings.Repeat("y", 16<<10) + `"}}`: "custom_data",
	} {
		_, _, err := capi.AppendConversion(nil, unified("conversion", "whatsapp", "conversion="+item), c, settings(), now)
		if r, ok := errors.AsType[*capi.Refusal](err); !ok || r.Field != field {
			t.Errorf("%.80s: %v", item, err)
		}
	}
}

func norm(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// FuzzAppendEvent: whatever the unified JSON, an event that is not refused here
// is not refused by Meta, but for a missing WABA id.
func FuzzAppendEvent(f *testing.F) {
	f.Add(click(), "", true)
	f.Add(click(`referral.dedupToken="\ud83d"`, `account.wabaId=null`), "em", false)
	f.Add(unified("message", "messenger", `account.pageId="1"`, `userId="2"`, `referral.adId="3"`), "", false)
	f.Add(unified("message", "instagram", `account.instagramId="1"`, `userId="2"`, `referral.adId="3"`), "", false)
	f.Add(unified("automatic_event", "whatsapp", `automaticEvent={"eventName":"Purchase","ctwaClid":"x","currency":"USD","value":0.1e2}`), "",
		false)
	f.Add(unified("conversion", "whatsapp", `conversion={"eventName":"Purchase","value":"12.50","currency":"brl","orderId":17,`+
		`"externalId":"CRM-17","contents":[{"id":"a","item_price":1}],"customData":{"a":[null,{"b":null}],"\ud83d":"\ud83d","x":1e400}}`), "x",
		true)
	f.Add([]byte(`{"id":"1","kind":"conversion","receivedAt":1736535600412,"conversion":{"eventName":"Lead","value":-0,`+
		`"customData":{"a":1,"\u0061":2,"":{}}}}`), "", true)
	f.Fuzz(func(t *testing.T, in []byte, extra string, ldu bool) {
		s := settings()
		if ldu {
			s.DataProcessingOptions = &capi.LDU{}
		}
		var out []byte
		var identity capi.Identity
		var err error
		if strings.Contains(string(in), `"conversion"`) {
			c := &capi.Conversion{EmailHash: extra, Click: capi.Click{Channel: normalize.ChannelWhatsApp, CtwaClid: "clid" + extra, WabaID: "1",
				WaPhone: extra, WaID: extra}}
			out, identity, err = capi.AppendConversion(nil, in, c, s, now)
		} else {
			s.WabaID = extra
			out, identity, err = capi.AppendEvent(nil, in, s, now)
		}
		if err != nil {
			if len(out) != 0 {
				t.Fatalf("appended with an error: %s", out)
			}
			return
		}
		if fail := check(out); fail != nil && !(identity.ID == "" && fail.Subcode == 2804116) {
			t.Fatalf("%v (%s %s)\nfrom %s\nmade %s", fail, fail.Title, fail.User, in, out)
		}
	})
}
