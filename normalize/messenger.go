package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// What rawLastEventType says of a messaging item: the member that holds its
// content, or standby while another app answers in the thread. Then our own
// words for a postback, a quick reply and an ad.
var (
	eventReaction = Text(`"reaction"`)
	eventPostback = Text(`"postback"`)
	eventReferral = Text(`"referral"`)
	eventRead     = Text(`"read"`)
	eventDelivery = Text(`"delivery"`)
	eventOptin    = Text(`"optin"`)
	eventEdit     = Text(`"message_edit"`)
	eventStandby  = Text(`"standby"`)

	typePostback   = Text(`"postback"`)
	typeQuickReply = Text(`"quick_reply"`)
	sourceAd       = Text(`"ad"`)
)

// pages normalizes a body of Messenger (object page) or Instagram: per entry
// messaging[], standby[] (what another app answers), changes[], or one change
// directly in the entry. An entry's id is the page's or the Instagram account's.
// Meta, "Webhooks" of the Messenger Platform and "Webhooks notification
// examples" of the Instagram Platform.
//
//	{"object":"page","entry":[{"id":"1029384756","time":1736535600412,"messaging":[{}],"standby":[{}],"changes":[{"field":"feed",
//	 "value":{}}]}]}
//	{"object":"instagram","entry":[{"id":"17841400000000001","time":1736535600,"field":"comments","value":{}}]}
func (b *Batch) pages(src *source, root jsondoc.Node) {
	entries := root.Get("entry")
	if entries.Kind() != '[' {
		b.account(src, jsondoc.Node{}, root, jsondoc.Node{})
		return
	}
	var none empties
	for entry := entries.First(); entry.Exists() && !b.limit.lost; entry = entry.Next() {
		if !none.skip(entry) {
			b.pageEntry(src, entry)
		}
	}
}

// pageEntry normalizes an element of entry[]. Empty lists alone are nothing; an
// entry with something else and without any item is passed on whole as account. A list that is none is taken for its one element, and one
// that stands twice is read twice: an entry passed on whole besides would carry
// items that may be another tenant's.
func (b *Batch) pageEntry(src *source, entry jsondoc.Node) {
	if isEmptyEntry(entry) {
		return
	}
	items := false
	src.own = b.entryOf(entry).id.Bytes()
	for list := entry.First(); list.Exists(); list = list.Next() {
		one := b.item
		eventType := Text(nil)
		switch string(list.Key()) {
		case "messaging":
		case "standby":
			eventType = eventStandby
		case "changes":
			one = func(src *source, entry, el, _ jsondoc.Node, _ Text) { b.pageChange(src, entry, el) }
		default:
			if list.Kind() == '[' || list.Kind() == '{' {
				b.word(src, PlaceEntry, list.Key())
			}
			continue
		}
		switch list.Kind() {
		case '[':
			var none empties
			for el := list.First(); el.Exists() && !b.limit.lost; el = el.Next() {
				if !none.skip(el) {
					one(src, entry, el, el, eventType)
					items = true
				}
			}
		case 'n':
		default:
			one(src, entry, list, list, eventType)
			items = true
		}
	}
	if items || b.limit.lost {
		return
	}
	if entry.Get("field").Exists() {
		b.pageChange(src, entry, entry)
		return
	}
	b.pageAccount(src, entry, jsondoc.Node{})
	b.account(src, entry, entry, jsondoc.Node{})
}

// pageAccount says whose the entry is. business is the account's own end of an
// item: Instagram may give another id of the same account there.
func (b *Batch) pageAccount(src *source, entry, business jsondoc.Node) {
	id, own := b.id(b.entryOf(entry).id), b.id(business.Get("id"))
	src.field = nil
	if src.channel == ChannelInstagram {
		src.account = Account{InstagramID: first(id, own), routing: RoutingIDs{RecipientID: own}}
		return
	}
	src.account = Account{PageID: first(id, own)}
	if !bytes.Equal(id, own) {
		src.account.routing.RecipientID = own
	}
}

// item is an element of messaging[] or standby[], or the value of a change in
// the same shape.
type item struct {
	entry, raw jsondoc.Node
	eventType  Text // standby, or the change's field; nil elsewhere

	sender, recipient, timestamp jsondoc.Node
	message, edit, reaction      jsondoc.Node
	postback, referral           jsondoc.Node
	read, delivery, optin        jsondoc.Node
	other                        jsondoc.Node // the first member that holds something else
	parts                        pageParts    // of the message

	standby      bool
	fromBusiness bool
	toBusiness   bool // of an echo in an older style: see isToBusiness
}

// itemMembers are objects. The last two say something about the rest.
var itemMembers = jsondoc.NewMembers("sender", "recipient", "message", "message_edit", "reaction",
	"postback", "referral", "read", "delivery", "optin", "prior_message", "thread")

func (it *item) find(n jsondoc.Node) {
	it.timestamp = n.Get("timestamp")
	it.other = itemMembers.FindObjects(n, &it.sender, &it.recipient, &it.message, &it.edit, &it.reaction,
		&it.postback, &it.referral, &it.read, &it.delivery, &it.optin, nil, nil)
	it.parts.find(it.message)
}

// item normalizes one messaging item, whose events carry raw. Usually it holds
// one thing, of which it says who, whom and when:
//
//	{"sender":{"id":"7012345678901234"},"recipient":{"id":"1029384756"},"timestamp":1736535600412,"message":{}}
//
// or message_edit, reaction, postback, referral, read, delivery, optin,
// account_linking, policy_enforcement, pass_thread_control, app_roles….
func (b *Batch) item(src *source, entry, n, raw jsondoc.Node, eventType Text) {
	it := item{entry: entry, raw: raw, eventType: eventType, standby: string(eventType) == string(eventStandby)}
	it.find(n)
	it.fromBusiness = it.isEcho(src.own)
	it.toBusiness = it.isToBusiness(src.own)
	start := len(b.arena)
	b.pageAccount(src, entry, it.business())
	if b.limit.over {
		b.noteFrom(src, start)
		return
	}

	before := len(b.Events)
	if it.other.Exists() {
		b.itemWords(src, n)
	}
	k := it.click()
	if it.message.Exists() {
		b.pageMessage(src, &it, &k)
	}
	if it.edit.Exists() {
		b.pageEdit(src, &it, &k)
	}
	if it.reaction.Exists() {
		b.pageReaction(src, &it, &k)
	}
	if it.postback.Exists() {
		b.pagePostback(src, &it, &k)
	}
	if it.delivery.Exists() {
		b.pageStatuses(src, &it, it.delivery, eventDelivery, stateDelivered)
	}
	if it.read.Exists() {
		b.pageStatuses(src, &it, it.read, eventRead, stateRead)
	}
	switch {
	case len(b.Events) > before:
	case k.exists:
		// A click without a word, in a thread that is there already: a lead.
		b.pageReferral(src, &it, &k)
	default:
		b.pageNotice(src, &it)
	}
}

// isEcho reports whether the business wrote it: as flagged, or when the sender is
// whom the webhook is for. A business that writes to itself to try its
// automation (is_self) plays the customer.
func (it *item) isEcho(own []byte) bool {
	if boolean(it.parts.isEcho) == True {
		return true
	}
	sender := it.sender.Get("id").Bytes()
	return len(sender) > 0 && bytes.Equal(sender, own) && boolean(it.parts.isSelf) != True &&
		!bytes.Equal(sender, it.recipient.Get("id").Bytes())
}

// customer is the customer's end of the item: of an echo the recipient, but for
// an older style, in which both ends of a thread stand as in a message to the
// page.
func (it *item) customer() jsondoc.Node {
	if it.fromBusiness != it.toBusiness {
		return it.recipient
	}
	return it.sender
}

// business is the business's end of the item.
func (it *item) business() jsondoc.Node {
	if it.fromBusiness != it.toBusiness {
		return it.sender
	}
	return it.recipient
}

// isToBusiness reports whether an echo's recipient is whom the webhook is for, and
// its sender is somebody else.
func (it *item) isToBusiness(own []byte) bool {
	recipient := it.recipient.Get("id").Bytes()
	return it.fromBusiness && len(own) > 0 && bytes.Equal(own, recipient) && !bytes.Equal(own, it.sender.Get("id").Bytes())
}

// addItem appends an event with what all events of an item have in common. Its
// customer is known by a page-scoped or Instagram-scoped id; a user_ref is none.
func (b *Batch) addItem(src *source, it *item, kind Kind, eventType Text) *Event {
	if it.standby {
		eventType = eventStandby
	}
	e := b.add(src, kind, eventType, it.raw)
	customer := it.customer()
	e.UserID = b.id(customer.Get("id"))
	e.Username = b.id(customer.Get("username"))
	e.ProfileName = b.id(customer.Get("name"))
	e.setTime(it.timestamp, src.ingestedAt)
	if !e.HasProviderTime {
		// The entry's time is Meta's too, but of the webhook: a redelivery may
		// carry another.
		if ms := millis(b.entryOf(it.entry).time); ms != 0 {
			e.ReceivedAt = ms
		}
	}
	return e
}

// pageNotice passes an item on as account: an opt-in, account linking, thread
// control, policy, app roles, payments, or something new.
//
//	{"sender":{"id":"7012345678901234"},"recipient":{"id":"1029384756"},"timestamp":1736535600412,"optin":{"ref":"newsletter",
//	 "user_ref":"u-1"}}
//	{"recipient":{"id":"1029384756"},"timestamp":1736535600412,"policy_enforcement":{"action":"block","reason":"…"}}
func (b *Batch) pageNotice(src *source, it *item) {
	eventType := it.eventType
	switch {
	case eventType != nil:
	case it.optin.Exists():
		eventType = eventOptin
	case it.delivery.Exists():
		eventType = eventDelivery
	case it.read.Exists():
		eventType = eventRead
	case it.other.Exists():
		eventType = b.quote(it.other.Key())
	}
	e := b.addItem(src, it, KindAccount, eventType)
	e.key = b.accountKey(it.entry, e.Raw)
	if !e.HasProviderTime {
		e.setTime(b.entryOf(it.entry).time, src.ingestedAt)
	}
}
