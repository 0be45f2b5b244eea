package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// pageChange normalizes an element of changes[], or an entry that is a change
// itself. Instagram sends messaging items in this form too: the dashboard's
// tests, and some accounts with Instagram Login. Everything else (comments,
// mentions, live_comments, story_insights, feed…) is an account notice:
// a comment on an ad is no message, and no lead. A page's forms are leadgen's.
//
//	{"field":"messages","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1736535600","message":{"mid":"m",
//	 "text":"Hi"}}}
//	{"field":"messaging_seen","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1736535600","read":{"mid":"m"}}}
//	{"field":"comments","value":{"id":"1790","from":{"id":"6512345678901234","username":"ann.lee"},"text":"Nice","media":{"id":"1780",
//	 "media_product_type":"AD","ad_id":"1202"}}}
func (b *Batch) pageChange(src *source, entry, change jsondoc.Node) {
	field, value := change.Get("field"), change.Get("value")
	name := field.Bytes()
	if isMessaging(name, value) {
		eventType := b.id(field)
		if string(name) == "standby" {
			eventType = eventStandby
		} else {
			b.word(src, PlacePageField, name)
		}
		b.item(src, entry, value, change, eventType)
		return
	}
	b.word(src, PlacePageField, name)
	if src.channel == ChannelMessenger && isLeadgen(name) {
		b.leadgen(src, entry, change)
		return
	}
	start := len(b.arena)
	b.pageAccount(src, entry, jsondoc.Node{})
	if b.limit.over {
		b.noteFrom(src, start)
		return
	}
	src.field = b.id(field)
	b.account(src, entry, change, value)
	if src.channel != ChannelInstagram || string(name) != "comments" && string(name) != "live_comments" {
		return
	}
	from := value.Get("from")
	if id := from.Get("id"); !bytes.Equal(id.Bytes(), src.own) { // the account may answer itself
		e := &b.Events[len(b.Events)-1]
		e.UserID, e.Username = b.id(id), b.id(from.Get("username"))
	}
}

// isMessaging reports whether a change's value is a messaging item: it names both
// ends, or its field is one of messages, message_reactions, messaging_postbacks,
// messaging_referral(s), messaging_seen, message_edit, standby….
func isMessaging(field []byte, value jsondoc.Node) bool {
	if value.Kind() != '{' {
		return false
	}
	return value.Get("sender").Kind() == '{' || value.Get("recipient").Kind() == '{' ||
		bytes.HasPrefix(field, []byte("message_")) || bytes.HasPrefix(field, []byte("messaging_")) ||
		string(field) == "messages" || string(field) == "standby"
}
