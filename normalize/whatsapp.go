package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// replyWindow is how long after a customer's message a business may answer
// freely.
const replyWindow = 24 * 60 * 60 * 1000

var (
	eventMessage = Text(`"message"`)
	eventStatus  = Text(`"status"`)
)

// cloudValue normalizes the `value` of a change of the WhatsApp Cloud API, or
// the same as a whole body (360dialog's old product, Gupshup's V3 with its own
// ids). It reports whether everything in it became an event; if not, the caller
// passes the whole on as account.
//
//	{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},
//	 "contacts":[{"profile":{"name":"John Doe"},"wa_id":"15551234567"}],
//	 "messages":[{}],"statuses":[{}],"message_echoes":[{}],"automatic_events":[{}],"errors":[{}],
//	 "standby":{"contacts":[{}],"messages":[{}],"message_echoes":[{}],"statuses":[{}]},
//	 "conversation_context":{"type":"summary","summary":{"text":"…"}}}
func (b *Batch) cloudValue(src *source, value jsondoc.Node) (complete bool) {
	before := len(b.Events)
	v := b.cloudLists(src, value, b.contactsOf(value))
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
func (b *Batch) cloudLists(src *source, value jsondoc.Node, contacts *contactList) (v cloudContent) {
	v.complete = value.Kind() == '{'
	seen := [4]bool{}
	for m := value.First(); m.Exists(); m = m.Next() {
		var one func(*source, *contactList, jsondoc.Node)
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
func (b *Batch) standby(src *source, n jsondoc.Node, contacts *contactList, v *cloudContent) {
	if n.Get("contacts").Exists() {
		contacts = b.contactsOf(n)
	}
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
func (b *Batch) automaticEvent(src *source, _ *contactList, n jsondoc.Node) {
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
