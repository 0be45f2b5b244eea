package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// Fields other than messages have no place of their own for the business's
// number and for the customer. What is known of them, by Meta's webhook
// references (messaging_handovers of September 2026, smb_app_state_sync,
// account_update, account_settings_update, calls, user_preferences, group_*,
// history; user_id_update as relays pass it on):
//
//	{"recipient":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"sender":{"phone_number":"15551234567"},
//	 "timestamp":"1736535600","type":"control_passed","control_passed":{}}
//	{"phone_number":"15550783881","event":"VERIFIED_ACCOUNT"}
//	{"event":"PARTNER_REMOVED","waba_info":{"waba_id":"102290129340398","owner_business_id":"…"}}
//	{"type":"phone_number_settings","phone_number_settings":{"phone_number_id":"106540352242922"}}
//	{"state_sync":[{"type":"contact","contact":{"full_name":"Ann","phone_number":"15551234567"},"action":"add",
//	 "metadata":{"timestamp":"1736535600"}}]}
//	{"calls":[{"id":"wacid.…","from":"15551234567","to":"15550783881","direction":"USER_INITIATED","timestamp":"1736535600"}]}
//	{"groups":[{"group_id":"…","type":"group_join_request_created","wa_id":"15551234567","timestamp":"1736535600"}]}
//	{"history":[{"threads":[{"id":"15551234567","context":{"wa_id":"15551234567","user_id":"US.…"},"messages":[{}]}]}]}
//	{"user_id_update":[{"wa_id":"15551234567","user_id":{"previous":"US.1","current":"US.2"},"parent_user_id":{"previous":"…",
//	 "current":"…"}}]}

// accountIDs completes src.account from a value that names the business outside
// of its metadata. The ids of entries of these two fields may be a business
// portfolio's, which is no WhatsApp account.
func (b *Batch) accountIDs(src *source, field string, value jsondoc.Node) {
	a := &src.account
	recipient, settings := value.Get("recipient"), value.Get("phone_number_settings")
	metadata := value.Get("metadata")
	a.PhoneNumberID = first(a.PhoneNumberID, b.id(metadata.Get("phone_number_id")), b.id(recipient.Get("phone_number_id")),
		b.id(value.Get("phone_number_id")), b.id(settings.Get("phone_number_id")))
	a.DisplayPhoneNumber = first(a.DisplayPhoneNumber, b.id(metadata.Get("display_phone_number")), b.id(value.Get("display_phone_number")),
		b.id(recipient.Get("display_phone_number")), b.id(value.Get("phone_number")))
	if id := b.id(value.Get("waba_info").Get("waba_id")); id != nil {
		a.WabaID = id
	} else if field == "partner_solutions" {
		a.WabaID = nil
	}
}

// accountTime is the event's own time where it has one, else the entry's, which
// is when the webhook was made.
func accountTime(entryTime, value jsondoc.Node) jsondoc.Node {
	own := value.Get("timestamp")
	for m := value.First(); m.Exists() && millis(own) == 0; m = m.Next() {
		if m.Kind() != '[' {
			continue
		}
		el := m.First()
		if own = el.Get("timestamp"); millis(own) == 0 {
			own = el.Get("metadata").Get("timestamp")
		}
	}
	if millis(own) == 0 {
		return entryTime
	}
	return own
}

// accountCustomer fills in the customer whom a value is about, where that is one.
func (b *Batch) accountCustomer(e *Event, value jsondoc.Node) {
	contact := only(value.Get("contacts"))
	var who person
	for m := value.First(); value.Kind() == '{' && m.Exists(); m = m.Next() {
		switch key, one := string(m.Key()), only(m); {
		case key == "sender" && m.Kind() == '{':
			b.personIn(e, &who, m)
		case key == "contacts", key == "messages", key == "message_echoes", key == "automatic_events":
			// These tell of themselves, and of nothing that is beside them.
		case key != "statuses" || string(one.Get("type").Bytes()) == "call":
			b.personIn(e, &who, one)
		}
	}
	b.customer(e, who.waID, who.userID, contact)
	b.parent(e, who.parentID)
}

// only is the element of an array that has one.
func only(list jsondoc.Node) jsondoc.Node {
	if list.Kind() != '[' || list.Len() != 1 {
		return jsondoc.Node{}
	}
	return list.First()
}

// person is whom a value names; what was found first counts.
type person struct{ waID, userID, parentID Text }

func (b *Batch) personIn(e *Event, p *person, n jsondoc.Node) {
	if n.Kind() != '{' {
		return
	}
	e.GroupID = first(e.GroupID, b.id(n.Get("group_id")))
	contact, thread := n.Get("contact"), only(n.Get("threads"))
	for _, at := range [...]jsondoc.Node{
		n, contact, thread.Get("context"), only(n.Get("added_participants")), only(n.Get("removed_participants")),
		only(n.Get("failed_participants")),
	} {
		if at.Kind() != '{' {
			continue
		}
		p.waID = first(p.waID, b.id(at.Get("wa_id")))
		switch string(at.Key()) { // elsewhere it is the business's
		case "sender", "contact":
			p.waID = first(p.waID, b.id(at.Get("phone_number")))
		}
		p.userID = first(p.userID, b.current(at.Get("user_id")))
		p.parentID = first(p.parentID, b.current(at.Get("parent_user_id")))
		e.other.Former = b.former(e.other.Former, p.userID, at.Get("user_id").Get("previous"))
		e.other.Former = b.former(e.other.Former, p.parentID, at.Get("parent_user_id").Get("previous"))
	}
	p.waID = first(p.waID, b.id(thread.Get("id")), b.recipientOf(n))
	p.userID = first(p.userID, b.id(n.Get("recipient_user_id")))
	if end := b.customerEnd(e, n); end != "" {
		p.waID = first(p.waID, b.id(n.Get(end)))
		p.userID = first(p.userID, b.id(n.Get(end+"_user_id")))
		p.parentID = first(p.parentID, b.id(n.Get(end+"_parent_user_id")))
	}
}

// current is an id, or the one that it became.
func (b *Batch) current(n jsondoc.Node) Text { return first(b.id(n), b.id(n.Get("current"))) }

// former adds an id that the customer had before.
func (b *Batch) former(list []Text, now Text, before jsondoc.Node) []Text {
	id := b.id(before)
	if id == nil || now != nil && id.String() == now.String() {
		return list
	}
	return append(list, id)
}

// recipientOf is whom a status is about, other than a group.
func (b *Batch) recipientOf(n jsondoc.Node) Text {
	if string(n.Get("recipient_type").Bytes()) == "group" {
		return nil
	}
	return b.id(n.Get("recipient_id"))
}

// customerEnd is which end of a call is the customer's, from or to.
func (b *Batch) customerEnd(e *Event, n jsondoc.Node) string {
	from, to := b.id(n.Get("from")), b.id(n.Get("to"))
	own := e.Account.DisplayPhoneNumber
	switch direction := string(n.Get("direction").Bytes()); {
	case direction == "BUSINESS_INITIATED", sameNumber(from, own):
		return "to"
	case direction == "USER_INITIATED", sameNumber(to, own):
		return "from"
	}
	return ""
}

// sameNumber reports whether two spellings are of one number: 15550783881, +1
// 555-078-3881, or a Brazilian one with and without its ninth digit.
func sameNumber(a, b Text) bool {
	if a == nil || b == nil {
		return false
	}
	if len(a) > maxCompared || len(b) > maxCompared {
		return bytes.Equal(a, b)
	}
	var x, y [2 * maxDigits]byte
	first, ok := appendNumber(x[:0], a)
	second, too := appendNumber(y[:0], b)
	if ok && too {
		return bytes.Equal(first, second)
	}
	return bytes.Equal(a, b)
}

// appendNumber appends the E.164 of a number in whatever spelling.
func appendNumber(dst []byte, t Text) (out []byte, ok bool) {
	var buf [64]byte
	id := t.Append(append(buf[:0], '+'))
	return appendPhone(dst, id[bytes.LastIndexByte(id, '+'):])
}
