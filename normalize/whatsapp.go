package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// replyWindow is how long after a customer's message a business may answer
// freely.
const replyWindow = 24 * 60 * 60 * 1000

var (
	eventMessage = Text(`"message"`)
	eventStatus  = Text(`"status"`)
)

// cloudValue normalizes the `value` of a change of the WhatsApp Cloud API, or
// the same as a whole body (360dialog's old product, Gupshup's V3 with its own
// ids). It says whether everything in it became an event; if not, the caller
// passes the whole on as account.
//
//	{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},
//	 "contacts":[{"profile":{"name":"John Doe"},"wa_id":"15551234567"}],
//	 "messages":[{}],"statuses":[{}],"message_echoes":[{}],"automatic_events":[{}],"errors":[{}],
//	 "standby":{"contacts":[{}],"messages":[{}],"message_echoes":[{}],"statuses":[{}]},
//	 "conversation_context":{"type":"summary","summary":{"text":"…"}}}
func (b *Batch) cloudValue(src *source, value jsondoc.Node) (complete bool) {
	before := len(b.Events)
	v := b.cloudLists(src, value, jsondoc.Node{})
	if b.limit.over {
		return true
	}
	if v.context.Kind() == '{' {
		context := b.value(v.context)
		for i := before; i < len(b.Events); i++ {
			b.Events[i].ConversationContext = context
		}
	}
	if len(b.Events) == before {
		// Lists without elements say nothing; whatever else there is does.
		return v.complete && v.lists && !v.rest
	}
	return v.complete
}

// cloudContent is what was found in a value, beside the events.
type cloudContent struct {
	complete bool // everything in the lists became an event
	lists    bool // there are lists, perhaps empty ones
	rest     bool // there is something else
	context  jsondoc.Node
}

// cloudLists normalizes the lists of a value, or of the object in it that holds
// what another app answers.
func (b *Batch) cloudLists(src *source, value, outer jsondoc.Node) (v cloudContent) {
	contacts := value.Get("contacts")
	if !contacts.Exists() {
		contacts = outer
	}
	v.complete = value.Kind() == '{'
	seen := [4]bool{}
	for m := value.First(); m.Exists(); m = m.Next() {
		var one func(*source, jsondoc.Node, jsondoc.Node)
		var which int
		switch string(m.Key()) {
		case "messages":
			one, which = b.message, 0
		case "statuses":
			one, which = b.status, 1
		case "message_echoes":
			one, which = b.echo, 2
		case "automatic_events":
			one, which = b.automaticEvent, 3
		case "metadata", "messaging_product":
			continue
		case "contacts":
			v.rest = v.rest || m.Kind() != 'n' && (m.Kind() != '[' || m.First().Exists())
			continue
		case "conversation_context":
			v.context, v.rest = m, v.rest || m.Kind() == '{'
			continue
		case "standby":
			v.lists = true
			if m.Kind() == '{' {
				b.standby(src, m, contacts, &v)
				continue
			}
			v.complete = v.complete && m.Kind() == 'n'
			continue
		default:
			// errors, user_actions and what Meta may add. Single values say
			// something about the events, arrays are something of their own.
			empty := m.Kind() == '[' && !m.First().Exists()
			v.complete = v.complete && (m.Kind() != '[' || empty)
			v.lists, v.rest = v.lists || empty, v.rest || !empty && m.Kind() != 'n'
			if m.Kind() == '[' || m.Kind() == '{' {
				b.word(src, PlaceList, m.Key())
			}
			continue
		}
		v.lists = true
		if m.Kind() != '[' || seen[which] {
			v.complete = v.complete && (m.Kind() == 'n')
			continue
		}
		seen[which] = true
		var none empties
		for el := m.First(); el.Exists() && !b.limit.over; el = el.Next() {
			switch {
			case none.skip(el):
			case el.Kind() != '{':
				v.complete = false
			default:
				one(src, contacts, el)
			}
		}
	}
	return v
}

// standby is what a customer writes while another app or agent answers, what
// that one answers, and the receipts: the same elements, one level deeper (Meta,
// webhook reference "standby", August 2026).
func (b *Batch) standby(src *source, n, contacts jsondoc.Node, v *cloudContent) {
	field, standby := src.field, src.standby
	src.field, src.standby = eventStandby, true
	inner := b.cloudLists(src, n, contacts)
	src.field, src.standby = field, standby
	v.complete = v.complete && inner.complete
	v.rest = v.rest || inner.rest
	if !v.context.Exists() {
		v.context = inner.context
	}
}

// automaticEvent is a lead or a purchase that Meta detected in a chat that an
// ad opened. Whose chat it is, it doesn't say.
//
//	{"id":"wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQz","event_name":"Purchase","timestamp":1749069131,
//	 "ctwa_clid":"Afc3nYt4TTyd","custom_data":{"currency":"USD","value":25000}}
func (b *Batch) automaticEvent(src *source, _, n jsondoc.Node) {
	e := b.add(src, KindAutomaticEvent, first(src.field, Text(`"automatic_events"`)), n)
	e.setTime(n.Get("timestamp"), src.ingestedAt)
	data := n.Get("custom_data")
	a := b.automatic.add()
	e.AutomaticEvent = a
	a.EventName = b.id(n.Get("event_name"))
	a.CtwaClid = b.id(n.Get("ctwa_clid"))
	a.Currency = b.id(data.Get("currency"))
	if v := number(data.Get("value")); v != nil {
		start := len(b.arena)
		if out, ok := appendShifted(b.arena, v, automaticPlaces); ok {
			b.arena = out
			a.Value = b.built(start)
		}
	}
	e.key = b.automaticKey(e, b.id(n.Get("id")))
}

// automaticPlaces is by how many decimal places Meta's values of automatic
// events are too large: price × 1000 (Meta's automatic_events webhook reference).
const automaticPlaces = 3

// maxContacts bounds the search for the contact of a message: Meta sends at
// most 1000 updates in a body.
const maxContacts = 1000

// contactOf is the element of contacts[] that fits the ids, or the only one.
func contactOf(contacts jsondoc.Node, ids ...jsondoc.Node) jsondoc.Node {
	only := contacts.First()
	if !only.Next().Exists() {
		return only
	}
	i := 0
	for c := only; c.Exists() && i < maxContacts; c = c.Next() {
		if fits(c, ids...) {
			return c
		}
		i++
	}
	return jsondoc.Node{}
}

// fits says whether one of the ids is the contact's wa_id, user_id or
// parent_user_id.
func fits(contact jsondoc.Node, ids ...jsondoc.Node) bool {
	waID, userID, parentID := bare(contact.Get("wa_id")), bare(contact.Get("user_id")), bare(contact.Get("parent_user_id"))
	for _, n := range ids {
		if id := bare(n); len(id) > 0 && (bytes.Equal(id, waID) || bytes.Equal(id, userID) || bytes.Equal(id, parentID)) {
			return true
		}
	}
	return false
}

// bare is an id's content without the plus, for comparing.
func bare(n jsondoc.Node) []byte { return bytes.TrimPrefix(n.Bytes(), []byte("+")) }

// customer fills in who the customer is, from the ids beside the message and
// from the contact that fits. A business scoped user id is a userId wherever it
// stands; since 2026 it may come without any number.
//
//	{"profile":{"name":"John Doe","username":"@johndoe"},"wa_id":"15551234567","user_id":"US.13491208655302741918",
//	 "parent_user_id":"US.ENT.11815799212886844830"}
func (b *Batch) customer(e *Event, waID, userID Text, contact jsondoc.Node) {
	contactID := b.id(contact.Get("wa_id"))
	e.UserID = first(userID, b.id(contact.Get("user_id")))
	for _, id := range [...]Text{contactID, waID} {
		switch {
		case id == nil:
		case isUserID(id):
			e.UserID = first(e.UserID, id)
		case e.WaID == nil:
			e.WaID = id
		}
	}
	e.WaPhone = b.phone(e.WaID)
	profile := contact.Get("profile")
	e.ProfileName = b.id(profile.Get("name"))
	e.Username = first(b.id(profile.Get("username")), b.id(contact.Get("username")))
	e.ParentUserID = nil
	b.parent(e, b.id(contact.Get("parent_user_id")))
}

// parent notes a parent BSUID: another name of the customer, and the only one
// where there is no other.
func (b *Batch) parent(e *Event, id Text) {
	e.ParentUserID = first(id, e.ParentUserID)
	if e.UserID == nil && e.WaID == nil {
		e.UserID = e.ParentUserID
	}
}

// isUserID says whether an id is a business scoped user id: the country and a
// dot (US.13491208655302741918, US.ENT.11815799212886844830), or user. as
// Meta's first draft had it.
func isUserID(id Text) bool {
	s, ok := jsondoc.Plain(id)
	if !ok {
		return false
	}
	if rest, ok := bytes.CutPrefix(s, []byte("user.")); ok {
		return len(rest) > 0
	}
	return len(s) > 3 && s[2] == '.' && isUpper(s[0]) && isUpper(s[1])
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
