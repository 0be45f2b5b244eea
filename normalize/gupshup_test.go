package normalize

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

var gupshup = bsp{"gupshup", Gupshup, expectedOfGupshup}

func TestGoldenGupshup(t *testing.T)      { gupshup.golden(t) }
func TestCorpusGupshup(t *testing.T)      { gupshup.corpus(t) }
func TestReusedBatchGupshup(t *testing.T) { gupshup.reused(t) }
func FuzzGupshup(f *testing.F)            { gupshup.fuzz(f) }
func BenchmarkGupshupV2(b *testing.B)     { gupshup.bench(b, "click") }
func BenchmarkGupshupV3(b *testing.B)     { gupshup.bench(b, "v3-click") }
func BenchmarkGupshupEvent(b *testing.B)  { gupshup.bench(b, "sent") }

func TestAllocationsGupshup(t *testing.T) {
	gupshup.allocations(t, map[string]float64{
		"click": 0, "text": 0, "image": 0, "sent": 0, "billing-pmp": 0, "v3-click": 0, "v3-sent": 0,
		"failed-async": 1, "list-reply": 1, "location": 1, "order": 4, "reaction": 1, "flow": 4,
	})
}

// expectedOfGupshup reads a body's shape in its own way.
func expectedOfGupshup(root jsondoc.Node) []Kind {
	object, payload := root.Get("object"), root.Get("payload")
	switch {
	case object.String() == "whatsapp_business_account", !object.Exists() && root.Get("entry").Kind() == '[':
		return expectedOfEntries(root.Get("entry"), expectedProbe)
	case payload.Kind() == '{':
		given := payload.Get("type").String()
		callback := given == "sandbox-start" && payload.Get("phone").String() == "callbackSetPhone"
		switch kind := root.Get("type").String(); {
		case kind == "message":
			return []Kind{KindMessage}
		case callback, expectedProbe(payload):
			return nil
		case kind == "message-event" && (strings.EqualFold(given, "deleted") || strings.EqualFold(given, "referral")):
			return []Kind{KindMessage}
		case kind == "message-event":
			return []Kind{KindStatus}
		}
		return []Kind{KindAccount}
	case root.Get("app").Kind() == '"':
		return []Kind{KindAccount}
	}
	if kinds, ok := expectedOfBare(root); ok {
		if expectedProbe(root) {
			return nil
		}
		return kinds
	}
	return expectedOfUnknown(root.Get("entry"))
}

// expectedProbe: nothing in it but the type of a probe, or statuses that are
// only that.
func expectedProbe(value jsondoc.Node) bool {
	probes, others := 0, 0
	count := func(t jsondoc.Node) {
		if s := t.String(); s == "set-callback" || s == "connectivity-check" {
			probes++
		}
	}
	if value.Kind() != '{' {
		return false
	}
	count(value.Get("type"))
	for m := value.First(); m.Exists(); m = m.Next() {
		if m.Kind() != '[' {
			continue
		}
		for el := m.First(); el.Exists(); el = el.Next() {
			before := probes
			if string(m.Key()) == "statuses" && !el.Get("status").Exists() {
				count(el.Get("type"))
			}
			if probes == before {
				others++
			}
		}
	}
	return probes > 0 && others == 0
}

// TestGupshupProbes: what Gupshup posts to try a URL gives no event, and what
// only looks like it does.
func TestGupshupProbes(t *testing.T) {
	v3 := func(change string) string {
		return `{"gs_app_id":"a","object":"whatsapp_business_account","entry":[{"changes":[` + change + `]}]}`
	}
	for body, events := range map[string]int{
		`{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"user-event","payload":{"phone":"callbackSetPhone",` +
			`"type":"sandbox-start"}}`: 0,
		`{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"user-event","payload":{"phone":15551234567,"type":"sandbox-start"}}`:   1,
		`{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"user-event","payload":{"phone":"callbackSetPhone","type":"opted-in"}}`: 1,
		`{"app":"DemoApp","version":2,"type":"platform-event","payload":{"type":"connectivity-check"}}`:                                        0,
		`{"app":"DemoApp","version":2,"type":"platform-event","payload":{"type":"maintenance"}}`:                                               1,
		`{"app":"DemoApp","version":2,"type":"message-event","payload":{"type":"set-callback"}}`:                                               0,
		`{"app":"DemoApp","version":2,"type":"message","payload":{"type":"set-callback","id":"wamid.A"}}`:                                      1,
		v3(`{"field":"messages","value":{"statuses":[{"type":"set-callback"}]}}`):                                                              0,
		v3(`{"field":"messages","value":{"metadata":{},"statuses":[{"type":"connectivity-check"}]}}`):                                          0,
		v3(`{"field":"platform-event","value":{"type":"connectivity-check","initiator":"gupshup"}}`):                                           0,
		v3(`{"field":"platform-event","value":{"type":"connectivity-check"}},{"field":"messages","value":{"messages":[{"id":"wamid.A"}]}}`):    1,
		v3(`{"field":"messages","value":{"statuses":[{"type":"set-callback","status":"sent","id":"wamid.A"}]}}`):                               1,
		v3(`{"field":"messages","value":{"statuses":[{"type":"set-callback"}],"messages":[{"id":"wamid.A"}]}}`):                                2,
		v3(`{"field":"messages","value":{}}`):    1,
		`{"statuses":[{"type":"set-callback"}]}`: 0,
	} {
		var b Batch
		if err := Gupshup(&b, []byte(body), ingested); err != nil {
			t.Fatal(err)
		}
		if len(b.Events) != events {
			t.Errorf("%d events, want %d: %s", len(b.Events), events, body)
		}
	}
	var b Batch
	if err := Meta(&b, []byte(v3(`{"field":"messages","value":{"statuses":[{"type":"set-callback"}]}}`)), ingested); err != nil ||
		len(b.Events) != 1 {
		t.Errorf("Meta drops Gupshup's probe: %d events, %v", len(b.Events), err)
	}
}

// TestGupshupTwins: with both subscriptions live everything comes twice, and
// both have one id, as it has from Meta itself.
func TestGupshupTwins(t *testing.T) {
	const uuid = "0f2d6a31-5c1e-4a57-9d06-3a6b7f9c1e22"
	v2 := func(kind, payload string) string {
		return `{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"` + kind + `","payload":` + payload + `}`
	}
	v3 := func(value string) string {
		return `{"gs_app_id":"a","object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":` + value +
			`}]}]}`
	}
	for _, twin := range [][2]string{
		{v2("message", `{"id":"wamid.A=","source":"15551234567","type":"text","payload":{"text":"Hi"},"sender":{"phone":"15551234567"}}`),
			v3(`{"messages":[{"from":"15551234567","id":"wamid.A=","timestamp":"1736535600","type":"text","text":{"body":"Hi"}}]}`)},
		{v2("message-event", `{"id":"wamid.B=","gsId":"`+uuid+`","type":"read","destination":"15551234567","payload":{"ts":1736535600}}`),
			v3(`{"statuses":[{"id":"wamid.B=","gs_id":"` + uuid + `","status":"read","timestamp":"1736535600","recipient_id":"15551234567"}]}`)},
		{v2("message-event", `{"id":"wamid.B=","gsId":"`+uuid+`","type":"sent","destination":"15551234567","payload":{"ts":1736535600}}`),
			v3(`{"statuses":[{"id":"` + uuid +
				`","meta_msg_id":"wamid.B=","status":"sent","timestamp":"1736535600","recipient_id":"15551234567"}]}`)},
		{v2("message-event", `{"id":"`+uuid+`","type":"enqueued","destination":"15551234567","payload":{"type":"session"}}`),
			v3(`{"statuses":[{"id":"` + uuid + `","gs_id":"` + uuid +
				`","status":"enqueued","timestamp":1736535600123,"recipient_id":"15551234567"}]}`)},
		{v2("message-event", `{"id":"`+uuid+`","type":"failed","destination":"15551234567","payload":{"code":1002,"reason":"No"}}`),
			v3(`{"statuses":[{"id":"` + uuid + `","gs_id":"` + uuid +
				`","status":"failed","timestamp":1736535600123,"code":"1002","reason":"No"}]}`)},
	} {
		var ids [2]ID
		var gsIDs [2]string
		for i, body := range twin {
			var b Batch
			if err := Gupshup(&b, []byte(body), ingested); err != nil || len(b.Events) != 1 {
				t.Fatalf("%d events, %v: %s", len(b.Events), err, body)
			}
			b.Events[0].SetTenant("acme")
			ids[i] = b.Events[0].ID()
			if s := b.Events[0].Status; s != nil {
				gsIDs[i] = s.GsID.String()
				if gsIDs[i] != uuid {
					t.Errorf("gsId %q: %s", gsIDs[i], body)
				}
			}
		}
		if ids[0] != ids[1] {
			t.Errorf("ids %s and %s of %s", ids[0], ids[1], twin[0])
		}
		var b Batch
		if err := Meta(&b, []byte(twin[1]), ingested); err != nil {
			t.Fatal(err)
		}
		b.Events[0].SetTenant("acme")
		if b.Events[0].ID() != ids[0] {
			t.Errorf("by Meta %s, by Gupshup %s", b.Events[0].ID(), ids[0])
		}
	}
}

// TestGupshupAttribution: the click is found in each place where Gupshup puts
// one, and nowhere else.
func TestGupshupAttribution(t *testing.T) {
	clicks := map[string]bool{
		"click": true, "click-video": true, "click-placeholder-urls": true, "click-image": true, "click-utm": true,
		"click-status-placement": true, "click-on-premise": true, "seed-click": true, "unknown-type": true,
		"click-ref": true, "click-user-id": true, "event-referral": true, "v3-click": true, "v3-standby-click": true, "bare-click": true,
		"bare-standby": true,
	}
	for name, body := range gupshup.bodies(t) {
		var b Batch
		if err := Gupshup(&b, body, ingested); err != nil {
			t.Fatal(err)
		}
		ads := 0
		for i := range b.Events {
			if b.Events[i].Referral.IsAd() {
				ads++
			}
		}
		want := 0
		if clicks[name] {
			want = 1
		}
		if ads != want {
			t.Errorf("%s: %d clicks, want %d", name, ads, want)
		}
	}
}

// TestGupshupAppID: account.app is the app's name, in V3 its id, and `match app`
// may name either.
func TestGupshupAppID(t *testing.T) {
	for name, want := range map[string][2]string{
		"v3-text":          {"3b7c1d90-2f44-4e0b-8a11-5d6e7f809a1b", "3b7c1d90-2f44-4e0b-8a11-5d6e7f809a1b"},
		"onboarding-event": {"DemoApp", "3b7c1d90-2f44-4e0b-8a11-5d6e7f809a1b"},
		"v3-no-object":     {"3b7c1d90-2f44-4e0b-8a11-5d6e7f809a1b", "3b7c1d90-2f44-4e0b-8a11-5d6e7f809a1b"},
		"text":             {"DemoApp", ""},
	} {
		var b Batch
		if err := Gupshup(&b, gupshup.bodies(t)[name], ingested); err != nil {
			t.Fatal(err)
		}
		if a := b.Events[0].Account; a.App.String() != want[0] || a.routing.AppID.String() != want[1] {
			t.Errorf("%s: app %s, id %s", name, a.App, a.routing.AppID)
		}
	}
}

// TestGupshupKind: a message's type, and what it is without one.
func TestGupshupKind(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{`"type":"request_welcome"`, "request_welcome"},
		{`"type":"request_welcome","payload":{}`, "request_welcome"},
		{`"payload":{"text":"Hello"}`, "text"},
		{`"type":null,"payload":{"text":"Hello"}`, "text"},
		{`"type":"","payload":{"text":"Hello"}`, "text"},
		{`"payload":{"text":"Yes","type":"button"}`, "button"},
		{`"payload":{"url":"https://example.com/a","contentType":"image/jpeg"}`, "image"},
		{`"payload":{"url":"https://example.com/a","content-type":"audio/ogg"}`, "audio"},
		{`"payload":{"url":"https://example.com/a","contentType":"application/pdf"}`, "document"},
		{`"payload":{"latitude":"59.9139","longitude":"10.7522"}`, "location"},
		{`"payload":{"contacts":[]}`, "contacts"},
		{`"payload":{"emoji":"👍","id":"wamid.x"}`, "reaction"},
		{`"payload":{"response_json":"{}"}`, "interactive"},
		{`"payload":{"other":"x"}`, "unsupported"},
		{`"type":"fax","payload":{"text":"Hello"}`, "unsupported"},
		{`"payload":null`, "unsupported"},
	} {
		body := `{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"message","payload":{"id":"wamid.a","source":"15551234567",` +
			c.message + `}}`
		var b Batch
		gupshup.events(t, &b, []byte(body))
		e := &b.Events[0]
		if e.Kind != KindMessage || e.Message.Type != c.want || e.ReplyUntil == 0 {
			t.Errorf("%s: %s of type %s, want %s", c.message, e.Kind, e.Message.Type, c.want)
		}
		if text := e.Message.Text.String(); c.want == "text" && text != "Hello" {
			t.Errorf("%s: text %q", c.message, text)
		}
	}
}

// TestGupshupRef: the parameter of an ad's link, in both formats.
func TestGupshupRef(t *testing.T) {
	const referral = `{"source_type":"ad","source_id":"120226305854810726","ctwa_clid":"Aff","ref":"summer-7"}`
	for _, body := range []string{
		`{"app":"DemoApp","timestamp":1736535600123,"type":"message","payload":{"id":"wamid.a","source":"15551234567","type":"text",` +
			`"payload":{"text":"Hi"},"referral":` + referral + `}}`,
		`{"app":"DemoApp","timestamp":1736535600123,"type":"message-event","payload":{"type":"referral","destination":"15551234567","payload":` +
			referral + `}}`,
		`{"gs_app_id":"3b7c","object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":[` +
			`{"id":"wamid.a","from":"15551234567","type":"text","text":{"body":"Hi"},"referral":` + referral + `}]}}]}]}`,
		`{"messages":[{"id":"wamid.a","from":"15551234567","type":"text","text":{"body":"Hi"},"referral":` + referral + `}]}`,
	} {
		var b Batch
		gupshup.events(t, &b, []byte(body))
		if r := b.Events[0].Referral; r.Ref.String() != "summer-7" || r.CtwaClid.String() != "Aff" {
			t.Errorf("%s: ref %s, click id %s", body, r.Ref, r.CtwaClid)
		}
	}
}

// TestGupshupPrice: a price wherever it stands.
func TestGupshupPrice(t *testing.T) {
	const price = `"pricing":{"policy":"PMP","category":"marketing","type":"regular"}`
	for _, payload := range []string{
		price,
		`"payload":{"ts":1736535600,` + price + `}`,
		`"conversation":{"id":"c1","type":"marketing",` + price + `}`,
		`"payload":{"conversation":{"id":"c1",` + price + `}}`,
	} {
		var b Batch
		gupshup.events(t, &b, []byte(`{"app":"DemoApp","timestamp":1736535600123,"type":"message-event",`+
			`"payload":{"id":"wamid.a","type":"sent","destination":"15551234567",`+payload+`}}`))
		c := b.Events[0].Conversation
		if c == nil || c.Pricing == nil || c.Pricing.Category.String() != "marketing" || c.Pricing.PricingModel.String() != "PMP" {
			t.Errorf("%s: %+v", payload, c)
		}
	}
}
