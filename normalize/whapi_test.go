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
	fromMe := func(n jsondoc.Node) bool {
		return n.Get("from_me").Kind() == 't' || n.Get("from_me").String() == "true"
	}
	own := func(n, business jsondoc.Node) Kind {
		if fromMe(n) && !customersVote(n, business) {
			return KindEcho
		}
		return KindMessage
	}
	filled := func(n jsondoc.Node) bool { return n.String() != "" }
	aside := func(n jsondoc.Node, keys ...string) bool {
		for _, key := range keys {
			if id := n.Get(key).String(); id == "status@broadcast" || strings.HasSuffix(id, "@newsletter") {
				return true
			}
		}
		return false
	}
	if aside(el, "chat_id", "from") && array == "messages" || aside(el, "recipient_id") && array == "statuses" {
		return KindAccount
	}
	switch {
	case el.Kind() != '{':
	case array == "messages":
		return own(el, jsondoc.Node{})
	case array == "statuses":
		return KindStatus
	case array == "messages_updates":
		after := el.Get("after_update")
		if trigger := el.Get("trigger"); filled(trigger.Get("id")) && trigger.Get("type").String() == "action" && !aside(after, "chat_id") {
			if aside(trigger, "chat_id", "from") {
				return KindAccount
			}
			business := jsondoc.Node{}
			if fromMe(after) {
				business = after.Get("from")
			}
			return own(trigger, business)
		}
		if after.Kind() != '{' || aside(after, "chat_id") {
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
				if fromMe(after) {
					return KindEcho
				}
				return KindMessage
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

// customersVote reads a vote that claims to be our own.
func customersVote(n, business jsondoc.Node) bool {
	person := func(n jsondoc.Node) string {
		var b Batch
		id, _ := b.whapiID(b.id(n))
		return id.String()
	}
	action := n.Get("action")
	vote := n.Get("type").String() == "poll_update" || n.Get("type").String() == "action" && action.Get("type").String() == "vote"
	if !vote {
		return false
	}
	var b Batch
	_, server := b.whapiID(b.id(n.Get("chat_id")))
	from, chat, us := person(n.Get("from")), person(n.Get("chat_id")), person(business)
	target := action.Get("target").String()
	poll := target != "" && target == n.Get("id").String()
	if server == whapiGroup {
		return from != "" && from != us && (us != "" || poll)
	}
	return poll || from != "" && from == chat
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

// whapiMessageID is the id of a message of acme's with a key, by the contract.
func whapiMessageID(key string) ID {
	return newID(append(bytes.Clone(namespace[:]), "acme\nwhatsapp\nmessage\n"+key...))
}

// TestWhapiVotes: each vote of one poll is an event, and a customer's vote is
// the customer's message, also where id and from_me are the poll's.
func TestWhapiVotes(t *testing.T) {
	vote := func(id, from, chat string, more string) string {
		return `{"id":"` + id + `","type":"action","from":"` + from + `","chat_id":"` + chat + `","timestamp":1736535600,` +
			`"action":{"type":"vote","target":"poll","votes":["a"]}` + more + `}`
	}
	const me, two, group = `,"from_me":true`, "15551234567@s.whatsapp.net", "1203@g.us"
	message := func(v string) string { return `{"messages":[` + v + `],"channel_id":"C"}` }
	update := func(v string) string {
		return `{"messages_updates":[{"id":"poll","trigger":` + v + `,"after_update":{"id":"poll","type":"poll","from_me":true,` +
			`"from":"15550783881","chat_id":"1203@g.us","poll":{}},"changes":["poll"]}]}`
	}
	seen := map[ID]string{}
	for _, c := range []struct {
		body, waID string
		kind       Kind
	}{
		{message(vote("poll", "15551234567", group, "")), "15551234567", KindMessage},
		{message(vote("poll", "15557654321", group, "")), "15557654321", KindMessage},
		{message(vote("poll", "15551110000@s.whatsapp.net", group, me)), "15551110000", KindMessage},
		{message(vote("p1", "15551234567", two, me)), "15551234567", KindMessage},
		// all is the poll's but the vote
		{strings.ReplaceAll(message(vote("poll", "15550783881", two, me)), `"poll"`, `"poll2"`), "15551234567", KindMessage},
		{message(vote("p2", "15550783881", two, me)), "15551234567", KindEcho},
		{message(vote("p3", "15550783881", group, me)), "", KindEcho},
		{update(vote("p4", "15552220000", group, me)), "15552220000", KindMessage},
		{update(vote("p5", "15550783881", group, me)), "", KindEcho},
		{update(vote("poll", "15553330000", group, "")), "15553330000", KindMessage},
		{message(`{"id":"p6","type":"poll_update","subtype":"vote","from":"15551234567","chat_id":"` + two + `"}`), "15551234567", KindMessage},
	} {
		var b Batch
		whapi.events(t, &b, []byte(c.body))
		e := &b.Events[0]
		if len(b.Events) != 1 || e.Kind != c.kind || e.WaID.String() != c.waID || e.Message.Type != "unsupported" {
			t.Errorf("%s: %s of %s", c.body, e.Kind, e.WaID)
		}
		if (e.ReplyUntil != 0) != (c.kind == KindMessage) {
			t.Errorf("%s: replyUntil %d", c.body, e.ReplyUntil)
		}
		if other := seen[e.ID()]; other != "" {
			t.Errorf("%s and %s have one id", c.body, other)
		}
		seen[e.ID()] = c.body
	}
	// The key by the contract, and one id wherever the vote comes.
	for _, body := range []string{
		message(vote("poll", "15551234567", group, "")),
		message(vote("poll", "15551234567@s.whatsapp.net", group, me)),
		update(vote("poll", "15551234567", group, "")),
	} {
		var b Batch
		whapi.events(t, &b, []byte(body))
		if e := &b.Events[0]; e.ID() != whapiMessageID("poll\nvote\n15551234567") {
			t.Errorf("%s: key %q", body, e.key)
		}
	}
}

// TestWhapiPolls: a poll that comes again with more votes is another event, though
// all but the results stays as it was; the same again is the same.
func TestWhapiPolls(t *testing.T) {
	body := func(voters string) []byte {
		return []byte(`{"messages":[{"id":"poll","type":"poll","from_me":true,"from":"15550783881","chat_id":"1203@g.us",` +
			`"timestamp":1736535600,"poll":{"title":"When?","options":["Mon"],"results":[{"name":"Mon","voters":[` + voters + `]}]}}],` +
			`"event":{"type":"messages","event":"put"},"channel_id":"C"}`)
	}
	const first, second = `"15551234567"`, `"15551234567","15557654321"`
	ids := map[ID]bool{}
	for _, voters := range []string{"", first, second, first} {
		var b Batch
		whapi.events(t, &b, body(voters))
		if m := b.Events[0].Message; len(b.Events) != 1 || m.Type != "edit" || m.OriginalID.String() != "poll" || m.ID != nil {
			t.Errorf("%s: %d events, type %s, id %s, original %s", voters, len(b.Events), m.Type, m.ID, m.OriginalID)
		}
		ids[b.Events[0].ID()] = true
	}
	if len(ids) != 3 {
		t.Errorf("%d ids, want 3", len(ids))
	}
}

// TestWhapiEdits: what comes again with the event put or patch is an edit with
// an id of its own, whether body or path say so.
func TestWhapiEdits(t *testing.T) {
	const text = `{"id":"m1","type":"text","from":"15551234567","chat_id":"15551234567@s.whatsapp.net","timestamp":%d,"text":{"body":"%s"},` +
		`"context":{"ad":{"ctwa":"Afi","source":{"id":"9","type":"ad"}}}%s}`
	body := func(at int, words, more, event string) []byte {
		return []byte(`{"messages":[` + fmt.Sprintf(text, at, words, more) + `]` + event + `,"channel_id":"C"}`)
	}
	const put, patch = `,"event":{"type":"messages","event":"put"}`, `,"event":{"type":"messages","event":"patch"}`
	seen := map[ID]string{}
	for _, c := range []struct {
		body  []byte
		event string
		kind  Kind
		edit  bool
	}{
		{body(1736535600, "Helo", "", `,"event":{"type":"messages","event":"post"}`), "", KindMessage, false},
		{body(1736535600, "Hello", "", put), "", KindMessage, true},
		{body(1736535700, "Hello!", "", patch), "", KindMessage, true},
		{body(1736535800, "Hello!!", "", `,"event":{"event":"put"}`), "", KindMessage, true},
		{body(1736535900, "Hello?", "", ""), "messages.put", KindMessage, true},
		{body(1736536000, "Hello??", "", ""), "messages.patch", KindMessage, true},
		{body(1736536100, "Hi", `,"from_me":true`, put), "", KindEcho, true},
	} {
		var b Batch
		if err := WhapiAs(&b, c.body, c.event, ingested); err != nil {
			t.Fatal(err)
		}
		e := &b.Events[0]
		e.SetTenant("acme")
		out, _ := e.AppendJSON(nil)
		validate(t, out)
		m := e.Message
		if e.Kind != c.kind || m.Text == nil {
			t.Errorf("%s: %s, text %s", c.body, e.Kind, m.Text)
		}
		if c.edit != (m.Type == "edit") || c.edit != (m.OriginalID.String() == "m1") || c.edit != (m.ID == nil) {
			t.Errorf("%s: type %s, id %s, original %s", c.body, m.Type, m.ID, m.OriginalID)
		}
		if c.edit && (e.ReplyUntil != 0 || e.Referral != nil && e.Referral.IsAd()) {
			t.Errorf("%s: an edit is no click and opens no window", c.body)
		}
		if other := seen[e.ID()]; other != "" {
			t.Errorf("%s and %s have one id", c.body, other)
		}
		seen[e.ID()] = string(c.body)
	}
	var b Batch
	whapi.events(t, &b, body(1736535600, "Hello", "", put))
	if e := &b.Events[0]; e.ID() != whapiMessageID("m1\nedit\n1736535600000") {
		t.Errorf("key %q", e.key)
	}
	// Without a time, other words are another edit.
	ids := map[ID]bool{}
	for _, words := range []string{"a", "b", "a"} {
		var b Batch
		whapi.events(t, &b, []byte(`{"messages":[{"id":"m1","type":"text","from":"15551234567","text":{"body":"`+words+`"}}]`+put+`}`))
		ids[b.Events[0].ID()] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d ids of two edits without a time", len(ids))
	}
	// An action keeps its own meaning and id.
	b = Batch{}
	whapi.events(t, &b, []byte(`{"messages":[{"id":"r1","type":"action","from":"15551234567","action":{"type":"reaction","target":"m1",`+
		`"emoji":"👍"}}]`+put+`}`))
	if m := b.Events[0].Message; m.Type != "reaction" || m.ID.String() != "r1" {
		t.Errorf("a reaction became %s with id %s", m.Type, m.ID)
	}
}

// TestWhapiAside: stories and channels are no chat with a customer.
func TestWhapiAside(t *testing.T) {
	const story, news = `"status@broadcast"`, `"120363144038483540@newsletter"`
	for _, chat := range []string{story, news} {
		for _, body := range []string{
			`{"messages":[{"id":"1","type":"image","from":"15551234567","chat_id":` + chat + `,"timestamp":1736535600}]}`,
			`{"messages":[{"id":"1","type":"text","from_me":true,"from":"15550783881","chat_id":` + chat + `}]}`,
			`{"messages":[{"id":"1","type":"text","from":` + chat + `}]}`,
			`{"messages":[{"id":"1","type":"action","from":"15551234567","chat_id":` + chat + `,"action":{"type":"vote","target":"2"}}]}`,
			`{"messages":[{"id":"1","type":"text","chat_id":` + chat + `}],"event":{"type":"messages","event":"put"}}`,
			`{"statuses":[{"id":"1","status":"read","recipient_id":` + chat + `,"viewer_id":"15551234567"}]}`,
			`{"messages_updates":[{"id":"1","after_update":{"id":"1","type":"text","chat_id":` + chat +
				`,"text":{"body":"x"}},"changes":["text"]}]}`,
			`{"messages_updates":[{"id":"1","trigger":{"id":"2","type":"action","chat_id":` + chat + `,"action":{"type":"reaction"}}}]}`,
		} {
			var b Batch
			whapi.events(t, &b, []byte(body))
			e := &b.Events[0]
			if len(b.Events) != 1 || e.Kind != KindAccount || e.ReplyUntil != 0 || e.Message != nil || e.Referral != nil {
				t.Errorf("%s: %s, replyUntil %d", body, e.Kind, e.ReplyUntil)
			}
			if strings.Contains(e.WaID.String(), "@") {
				t.Errorf("%s: customer %s", body, e.WaID)
			}
		}
	}
}

// TestWhapiUpdateIsTheMessage: an edit has the same id whether it comes in
// messages or as what triggered an update.
func TestWhapiUpdateIsTheMessage(t *testing.T) {
	action := `{"id":"e1","type":"action","from":"15551234567","timestamp":1736535600,"action":{"type":"edit","target":"t1",` +
		`"edited_type":"text","edited_content":{"body":"b"}}}`
	var b Batch
	whapi.events(t, &b, []byte(`{"messages":[`+action+`],"messages_updates":[{"id":"t1","trigger":`+action+
		`,"after_update":{"type":"text","text":{"body":"b"}},"changes":["text"]}]}`))
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
