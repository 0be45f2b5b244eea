package normalize

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

var whapi = bsp{folder: "whapi", normalize: Whapi, expected: expectedOfWhapi}

func TestGoldenWhapi(t *testing.T)      { whapi.golden(t) }
func TestCorpusWhapi(t *testing.T)      { whapi.corpus(t) }
func TestReusedBatchWhapi(t *testing.T) { whapi.reused(t) }
func FuzzWhapi(f *testing.F)            { whapi.fuzz(f) }
func BenchmarkWhapiClick(b *testing.B)  { whapi.bench(b, "click") }
func BenchmarkWhapiStatus(b *testing.B) { whapi.bench(b, "status-delivered") }

// TestAllocationsWhapi: at most 4 for every payload's event, none for what
// comes all day. Contact cards are the exception: each property is a value.
func TestAllocationsWhapi(t *testing.T) {
	limits := map[string]float64{}
	for name, body := range whapi.bodies(t) {
		var b Batch
		limits[name] = 4 * float64(len(whapi.events(t, &b, body)))
	}
	for _, name := range []string{"click", "text", "image", "status-delivered", "echo", "update-status"} {
		limits[name] = 0
	}
	delete(limits, "contact")
	delete(limits, "contact-list")
	whapi.allocations(t, limits)
}

// expectedOfWhapi counts, by a reading of its own, what a body must become.
func expectedOfWhapi(root jsondoc.Node) (kinds []Kind) {
	whole, lists := root.Kind() != '{', false
	for m := root.First(); root.Kind() == '{' && m.Exists(); m = m.Next() {
		key := m.Key()
		switch {
		case string(key) == "event" || string(key) == "channel_id":
		case m.Kind() == '{', string(key) == "messages_removed_all" && m.Kind() == '"':
			whole = true
		}
		if m.Kind() != '[' || string(key) == "event" || string(key) == "channel_id" {
			continue
		}
		lists = true
		for _, el := range elements(m) {
			kinds = append(kinds, expectedOfWhapiElement(string(key), el))
		}
	}
	if whole || len(kinds) == 0 && !lists {
		kinds = append(kinds, KindAccount)
	}
	return kinds
}

func expectedOfWhapiElement(array string, el jsondoc.Node) Kind {
	own := func(n jsondoc.Node) Kind {
		if me := n.Get("from_me"); me.Kind() == 't' || me.String() == "true" {
			return KindEcho
		}
		return KindMessage
	}
	filled := func(n jsondoc.Node) bool { return n.String() != "" }
	switch {
	case el.Kind() != '{':
	case array == "messages":
		return own(el)
	case array == "statuses":
		return KindStatus
	case array == "messages_updates":
		after := el.Get("after_update")
		if trigger := el.Get("trigger"); filled(trigger.Get("id")) && trigger.Get("type").String() == "action" {
			return own(trigger)
		}
		if after.Kind() != '{' {
			return KindAccount
		}
		kind := after.Get("type").String()
		if given := after.Get("type"); !given.Exists() || given.Kind() == 'n' {
			for _, c := range whapiContents { // as in messages without a type
				if after.Get(c.whapi).Kind() == '{' {
					kind = c.whapi
					break
				}
			}
		}
		known := false
		for _, c := range whapiContents {
			known = known || c.whapi == kind
		}
		status := false
		for c := el.Get("changes").First(); c.Exists(); c = c.Next() {
			switch name := c.String(); {
			case name == "text" || name == "type" || name == "body" || name == "caption" || known && name == kind:
				return own(after)
			case name == "status":
				status = true
			}
		}
		if status && filled(after.Get("status")) {
			return KindStatus
		}
	}
	return KindAccount
}

// TestWhapiAttribution: a click wherever Whapi puts one, none anywhere else.
func TestWhapiAttribution(t *testing.T) {
	const source = `"source":{"id":"99","type":"ad","url":"https://fb.me/x"}`
	for _, c := range []struct{ context, clid, adID, token string }{
		{`{"ad":{"ctwa":"Afi1",` + source + `},"conversion":{"data":"tok"}}`, "Afi1", "99", "tok"},
		{`{"ad":{"ctwa":{"clid":"Afi2"},` + source + `}}`, "Afi2", "99", ""},
		{`{"ad":{` + source + `}}`, "", "99", ""},
		{`{"ad":{"ctwa":"Afi3"}}`, "Afi3", "", ""},
		{`{"ad":{"ctwa":"Afi4","source":{"url":"https://example.com/?ad_id=7"}}}`, "Afi4", "7", ""},
		{`{"ad":{"ctwa":"Afi5","source":{"type":"ad","url":"https://example.com/?ad.id=8"}}}`, "Afi5", "8", ""},
		{`{"ad":{"ctwa":"","source":{"id":"5","type":"post"}}}`, "", "", ""},
		{`{"ad":{"ctwa":null,"title":"card"}}`, "", "", ""},
		{`{"ad":{"ctwa":{"other":"x"}}}`, "", "", ""},
		{`{"ad":null,"conversion":{"data":"tok"}}`, "", "", ""},
		{`{"ad":"Afi","conversion":{"data":"tok"}}`, "", "", ""},
		{`{"conversion":{"data":"tok","source":"FB_Ads"}}`, "", "", ""},
		{`{"quoted_content":{"context":{"ad":{"ctwa":"Afi6"}}}}`, "", "", ""},
		{`{}`, "", "", ""},
		{`null`, "", "", ""},
	} {
		for _, kind := range []string{"text", "link_preview", "image", "unknown"} {
			body := fmt.Sprintf(`{"messages":[{"id":"a","type":%q,"from":"15551234567",%q:{"body":"x"},"context":%s}]}`, kind, kind, c.context)
			var b Batch
			whapi.events(t, &b, []byte(body))
			r := b.Events[0].Referral
			if r.CtwaClid.String() != c.clid || r.AdID.String() != c.adID || r.DedupToken.String() != c.token || r.IsAd() != (c.clid+c.adID != "") {
				t.Errorf("%s: clid %s, ad %s, token %s", body, r.CtwaClid, r.AdID, r.DedupToken)
			}
		}
	}
}

// TestWhapiOneContact: all that concerns one person has one contact, or order
// and clicks would not hold.
func TestWhapiOneContact(t *testing.T) {
	for _, body := range []string{
		`{"messages":[{"id":"1","from":"15551234567","chat_id":"15551234567@s.whatsapp.net"}]}`,
		`{"messages":[{"id":"1","from":"15551234567@s.whatsapp.net"}]}`,
		`{"messages":[{"id":"1","from":"15551234567@c.us"}]}`,
		`{"messages":[{"id":"1","chat_id":"15551234567:3@s.whatsapp.net"}]}`,
		`{"messages":[{"id":"1","from":"15551234567","chat_id":"1203@g.us"}]}`,
		`{"messages":[{"id":"1","from":"15551234567","chat_id":"status@broadcast"}]}`,
		`{"messages":[{"id":"1","from":"15551234567","chat_id":"11@lid"}]}`,
		`{"messages":[{"id":"1","from":"11@lid","chat_id":"15551234567@s.whatsapp.net"}]}`,
		`{"messages":[{"id":"1","from_me":true,"from":"15550783881","chat_id":"15551234567@s.whatsapp.net"}]}`,
		`{"statuses":[{"id":"1","status":"read","recipient_id":"15551234567@s.whatsapp.net","viewer_id":"15550783881"}]}`,
		`{"statuses":[{"id":"1","status":"read","recipient_id":"1203@g.us","viewer_id":"15551234567@s.whatsapp.net"}]}`,
		`{"calls":[{"id":"1","from":"15551234567","chat_id":"15551234567@s.whatsapp.net"}]}`,
	} {
		var b Batch
		whapi.events(t, &b, []byte(body))
		e := &b.Events[0]
		if e.ContactKey() != "15551234567" || e.WaPhone.String() != "+15551234567" {
			t.Errorf("%s: contact %q, phone %s", body, e.ContactKey(), e.WaPhone)
		}
	}
	for _, body := range []string{
		`{"messages":[{"id":"1","from_me":true,"from":"15550783881","chat_id":"1203@g.us"}]}`,
		`{"messages":[{"id":"1","from_me":true,"from":"15550783881","chat_id":"status@broadcast"}]}`,
		`{"messages":[{"id":"1","from":"@s.whatsapp.net"}]}`,
	} {
		var b Batch
		whapi.events(t, &b, []byte(body))
		if key := b.Events[0].ContactKey(); key != "" {
			t.Errorf("%s: contact %q", body, key)
		}
	}
}

// TestWhapiUpdateIsTheMessage: an edit has the same id whether it comes in
// messages or as what triggered an update.
func TestWhapiUpdateIsTheMessage(t *testing.T) {
	action := `{"id":"e1","type":"action","from":"15551234567","timestamp":1736535600,"action":{"type":"edit","target":"t1","edited_type":"text","edited_content":{"body":"b"}}}`
	var b Batch
	whapi.events(t, &b, []byte(`{"messages":[`+action+`],"messages_updates":[{"id":"t1","trigger":`+action+`,"after_update":{"type":"text","text":{"body":"b"}},"changes":["text"]}]}`))
	if len(b.Events) != 2 || b.Events[0].ID() != b.Events[1].ID() {
		t.Fatalf("%d events, or two ids", len(b.Events))
	}
	if raw := string(b.Events[1].Raw); !strings.Contains(raw, "after_update") {
		t.Errorf("raw is not the update: %s", raw)
	}
}

// TestWhapiEvent: what the modes path and method say outside of the body.
func TestWhapiEvent(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/webhooks/whapi", ""},
		{"POST", "/webhooks/whapi/messages/post", "messages.post"},
		{"POST", "/webhooks/whapi/users/delete/", "users.delete"},
		{"POST", "/message/patch", "messages.patch"},
		{"PATCH", "/webhooks/whapi/messages", "messages.patch"},
		{"DELETE", "/users", "users.delete"},
		{"PUT", "statuses", "statuses.put"},
		{"POST", "/post", ""},
		{"POST", "", ""},
	} {
		if got := WhapiEvent(c.method, c.path); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

// TestWhapiAs: a user who came and one who went differ only by the path in some
// modes, and must not pass for each other's redelivery.
func TestWhapiAs(t *testing.T) {
	body := []byte(`{"user":{"id":"15550783881","name":"Acme"},"channel_id":"C"}`)
	ids := map[ID]string{}
	for event, want := range map[string]string{"": "user", "users.post": "users.post", "users.delete": "users.delete"} {
		var b Batch
		if err := WhapiAs(&b, body, event, ingested); err != nil {
			t.Fatal(err)
		}
		e := &b.Events[0]
		e.SetTenant("acme")
		out, _ := e.AppendJSON(nil)
		validate(t, out)
		if got := e.RawLastEventType.String(); got != want || !bytes.Equal(e.Raw, body) {
			t.Errorf("%s: %s, raw %s", event, got, e.Raw)
		}
		if other, ok := ids[e.ID()]; ok {
			t.Errorf("%q and %q have one id", event, other)
		}
		ids[e.ID()] = event
	}
	// Where the body says so itself, the path is not asked.
	var b Batch
	if err := WhapiAs(&b, []byte(`{"user":{},"event":{"type":"users","event":"post"}}`), "users.delete", ingested); err != nil {
		t.Fatal(err)
	}
	if got := b.Events[0].RawLastEventType.String(); got != "user" {
		t.Errorf("type %s", got)
	}
}

func TestWhapiSyntaxError(t *testing.T) {
	var b Batch
	if err := Whapi(&b, []byte(`{"messages":[`), ingested); err == nil || len(b.Events) != 0 {
		t.Errorf("%v and %d events", err, len(b.Events))
	}
}
