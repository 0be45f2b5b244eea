package normalize

import (
	"bytes"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// ProviderWhapi is the name of Whapi.Cloud's webhooks.
const ProviderWhapi = "whapi"

// Whapi normalizes a body of Whapi.Cloud, whatever its webhook mode.
//
// Messages of other people are kind message, own ones (from_me) kind echo. What
// comes with the event put or patch is an edit of the message whose id it has. Of
// messages_updates, what triggered the update is the event (an edit, a
// reaction, a vote), the same as in messages. What stands in status@broadcast
// (stories) or a newsletter, in no chat with a customer, is kind account. All
// other arrays give an event of kind account for each element; what is no array,
// such as health, qr and user, gives one with the whole body as raw, since only
// `event` says whether a user came or went. RawLastEventType is the array's name.
//
// The customer's WaID is the number without Whapi's @s.whatsapp.net, as `from`
// has it, so that messages, echoes and statuses name the same contact, and
// replies go there. A hidden id (@lid) stays whole and has no WaPhone.
//
// Facts: Whapi.Cloud's OpenAPI description 1.8.7, schema WebhookPayload.
//
//	{"messages":[{}],"statuses":[{}],"messages_updates":[{}],"chats_removed":["15551234567@s.whatsapp.net"],
//	 "event":{"type":"messages","event":"post"},"channel_id":"MANTIS-M72HC"}
func Whapi(b *Batch, body []byte, ingestedAt int64) error {
	return WhapiAs(b, body, "", ingestedAt)
}

// WhapiAs is [Whapi] with the event as [WhapiEvent] finds it in the request. It
// is looked at only where the body itself names none: to know edits
// (messages.put), and for notices that would be the same without it:
// RawLastEventType is then the event ("users.delete").
func WhapiAs(b *Batch, body []byte, event string, ingestedAt int64) error {
	if err := b.parse(body); err != nil {
		return err
	}
	root := b.doc.Root()
	src := &b.source
	*src = source{provider: ProviderWhapi, channel: ChannelWhatsApp, ingestedAt: ingestedAt}
	src.account.ChannelID = b.id(root.Get("channel_id"))
	src.changed = event == "messages.put" || event == "messages.patch"
	if given := root.Get("event"); given.Exists() {
		event, src.changed = "", isChange(given)
	}
	before := len(b.Events)
	whole, lists, name := false, false, jsondoc.Node{}
	for m := root.First(); root.Kind() == '{' && m.Exists(); m = m.Next() {
		switch kind := m.Kind(); string(m.Key()) {
		case "event", "channel_id":
		default:
			if kind == '[' {
				lists = true
				b.whapiArray(src, m)
				continue
			}
			// A plain value says something about the rest, but for a chat's id.
			if !whole && (kind == '{' || kind == '"' && string(m.Key()) == "messages_removed_all") {
				whole, name = true, m
			}
		}
	}
	if whole || len(b.Events) == before && !lists {
		src.field = nil
		var at Text
		if event != "" {
			src.field = NewText(event)
			at = src.field
		} else if name.Exists() {
			src.field = b.quote(name.Key())
		}
		b.whapiNotice(src, root, at)
	}
	return nil
}

// isChange reports whether a body's event is that of messages that have changed.
//
//	{"type":"messages","event":"put"}
func isChange(event jsondoc.Node) bool {
	if kind := event.Get("type").Bytes(); len(kind) > 0 && string(kind) != "messages" {
		return false
	}
	verb := string(event.Get("event").Bytes())
	return verb == "put" || verb == "patch"
}

// whapiArray normalizes the elements of one of the body's arrays.
func (b *Batch) whapiArray(src *source, array jsondoc.Node) {
	src.field = b.quote(array.Key())
	one := (*Batch).whapiElement
	switch string(array.Key()) {
	case "messages":
		one = func(b *Batch, src *source, el jsondoc.Node) { b.whapiMessage(src, el, el, jsondoc.Node{}) }
	case "statuses":
		one = (*Batch).whapiStatus
	case "messages_updates":
		one = (*Batch).whapiUpdate
	}
	var none empties
	for el := array.First(); el.Exists() && !b.limit.over; el = el.Next() {
		switch {
		case none.skip(el):
		case el.Kind() == '{':
			one(b, src, el)
		default:
			b.whapiElement(src, el)
		}
	}
}

// whapiElement passes on an element of any other array.
func (b *Batch) whapiElement(src *source, el jsondoc.Node) { b.whapiNotice(src, el, nil) }

// whapiNotice appends an event of kind account. raw is the array's element, or
// the whole body. at is what happened where only the request's path says so.
func (b *Batch) whapiNotice(src *source, raw jsondoc.Node, at Text) *Event {
	e := b.add(src, KindAccount, src.field, raw)
	e.setTime(raw.Get("timestamp"), src.ingestedAt)
	if string(src.field) == `"calls"` {
		b.whapiCustomer(e, raw.Get("from"), raw.Get("chat_id"))
	}
	e.key = b.noticeKey(e, src.account.ChannelID, at)
	return e
}

// isAside reports whether an id names no chat with a customer: everybody's stories,
// or a channel that one reads.
func isAside(chat jsondoc.Node) bool {
	id := chat.Bytes()
	return string(id) == "status@broadcast" || bytes.HasSuffix(id, []byte("@newsletter"))
}

// whapiAside passes on what is in no chat with a customer. Whose story it is may
// be known.
func (b *Batch) whapiAside(src *source, p *whapiParts, raw jsondoc.Node) {
	e := b.whapiNotice(src, raw, nil)
	e.setTime(p.timestamp, src.ingestedAt)
	if boolean(p.fromMe) != True && !isAside(p.from) {
		b.whapiCustomer(e, p.from, jsondoc.Node{})
		e.ProfileName = b.id(p.fromName)
	}
}

// whapiTypes are the objects of Whapi's events, in its OpenAPI's words.
var whapiTypes = [...]string{
	"messages", "statuses", "chats", "contacts", "groups", "presences", "calls", "channel", "users", "labels", "service",
}

// WhapiEvent is the event that a request names outside of its body, such as
// messages.post; "" for none. Whapi's mode "path" appends /messages/post to the
// webhook's URL; mode "method" appends /messages and sends PATCH for
// messages.patch. The usual mode "body" has it in the body alone.
func WhapiEvent(method, path string) string {
	rest, last := cutLast(strings.TrimSuffix(path, "/"))
	verb := strings.ToLower(method)
	switch l := strings.ToLower(last); l {
	case "post", "put", "patch", "delete":
		verb = l
		_, last = cutLast(rest)
	}
	for _, t := range whapiTypes {
		// Whapi's help writes the singular in places.
		if last == t || last+"s" == t {
			return t + "." + verb
		}
	}
	return ""
}

func cutLast(path string) (rest, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
