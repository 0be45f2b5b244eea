package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// ProviderMeta is the name of Meta's own webhooks.
const ProviderMeta = "meta"

// Meta normalizes a body that Meta signed: WhatsApp Cloud API, Messenger or
// Instagram, told apart by `object`.
//
//	{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","time":1736535600,"changes":[{"field":"messages","value":{}}]}]}
func Meta(b *Batch, body []byte, ingestedAt int64) error {
	if err := b.parse(body); err != nil {
		return err
	}
	root := b.doc.Root()
	entry, object := root.Get("entry"), root.Get("object")
	src := &b.source
	*src = source{provider: ProviderMeta, ingestedAt: ingestedAt}
	switch string(object.Bytes()) {
	case "page":
		src.channel = ChannelMessenger
	case "instagram":
		src.channel = ChannelInstagram
	case "whatsapp_business_account":
		src.channel = ChannelWhatsApp
	default:
		// Tools that test a webhook tend to leave the object out.
		if !object.Exists() && entry.First().Get("changes").Kind() == '[' {
			src.channel = ChannelWhatsApp
		}
	}
	switch src.channel {
	case ChannelWhatsApp:
		src.version = versionV3
		b.entries(src, root)
		return nil
	case ChannelMessenger, ChannelInstagram:
		b.pages(src, root)
		return nil
	}
	b.unknownObject(src, object, root)
	return nil
}

// unknownObject passes on a body whose object nobody knows: by its changes where
// all of it is changes, else whole. A part of it is read as the whole was, see
// [Batch.Part].
//
//	{"object":"permissions","entry":[{"id":"1","time":1736535600,"changes":[{"field":"connected","value":{}}]}]}
func (b *Batch) unknownObject(src *source, object, root jsondoc.Node) {
	if object.Exists() {
		b.word(src, PlaceObject, object.Bytes())
	}
	entries := root.Get("entry")
	if !isOfChanges(entries) {
		b.account(src, entries.First(), root, jsondoc.Node{})
		return
	}
	for entry := entries.First(); entry.Exists() && !b.limit.lost; entry = entry.Next() {
		var none empties
		for change := entry.Get("changes").First(); change.Exists() && !b.limit.lost; change = change.Next() {
			if !none.skip(change) {
				b.unknownChange(src, entry, change)
			}
		}
	}
}

// isOfChanges reports whether the entries have changes and nothing but.
func isOfChanges(entries jsondoc.Node) bool {
	if entries.Kind() != '[' {
		return false
	}
	lists := false
	for entry := entries.First(); entry.Exists(); entry = entry.Next() {
		changes := entry.Get("changes")
		isList := changes.Kind() == '['
		lists = lists || isList
		if (!isList || !changes.First().Exists()) && !isEmptyEntry(entry) {
			return false
		}
	}
	return lists
}

func (b *Batch) unknownChange(src *source, entry, change jsondoc.Node) {
	value, own, start := change.Get("value"), src.account, len(b.arena)
	b.accountIDs(src, "", value)
	if b.limit.over {
		src.account.routing.EntryID = b.id(b.entryOf(entry).id)
		b.noteFrom(src, start)
	} else {
		src.field = b.id(change.Get("field"))
		b.account(src, entry, change, value)
	}
	src.account = own
}

// isEmptyEntry reports whether an entry names lists, and has nothing in them.
func isEmptyEntry(entry jsondoc.Node) bool {
	lists := 0
	for c := entry.First(); entry.Kind() == '{' && c.Exists(); c = c.Next() {
		switch string(c.Key()) {
		case "id", "time", "uid", "hop_context":
			continue
		}
		if c.Kind() != 'n' && (c.Kind() != '[' || c.First().Exists()) {
			return false
		}
		lists++
	}
	return lists > 0
}

// isEmptyValue reports whether a change's value has lists, nothing in them, and
// beside them only whose they would be.
func isEmptyValue(value jsondoc.Node) bool {
	lists := 0
	for m := value.First(); value.Kind() == '{' && m.Exists(); m = m.Next() {
		switch string(m.Key()) {
		case "metadata", "messaging_product", "contacts":
			continue
		}
		if m.Kind() != 'n' && (m.Kind() != '[' || m.First().Exists()) {
			return false
		}
		if m.Kind() == '[' {
			lists++
		}
	}
	return lists > 0
}

// versionV3 is the rawVersion of bodies in the shape of the Cloud API.
var versionV3 = Text(`"v3"`)

// source is what the events of one change have in common.
type source struct {
	provider   string
	channel    Channel
	version    Text
	ingestedAt int64

	// account is the business that the entry and the change's metadata name.
	account Account
	// field is the change's field, nil where the body has none.
	field Text
	// entry is the entry that was looked at last; hashed is what noticeKey keeps.
	entry  entryParts
	hashed []byte
	// own is the id of Messenger's and Instagram's entry, decoded.
	own []byte
	// appID is Gupshup's id of the app, which stands beside the entries.
	appID Text
	// changed says that Whapi's messages are what became of earlier ones.
	changed bool
	// standby says that another app or agent answers in the thread.
	standby bool
}

// entryParts is what all events of an entry have from it. They may be many, and
// the entry's id long or far behind its other members.
type entryParts struct {
	node, id, time jsondoc.Node
	hashed         []byte // what accountKey keeps
}

// entryOf finds the parts of an entry, once for events that follow each other.
func (b *Batch) entryOf(n jsondoc.Node) *entryParts {
	parts := &b.source.entry
	if parts.node != n {
		*parts = entryParts{node: n, id: n.Get("id"), time: n.Get("time"), hashed: parts.hashed[:0]}
	}
	return parts
}

// entries walks entry[] and changes[] of the Cloud API's envelope.
func (b *Batch) entries(src *source, root jsondoc.Node) {
	entries := root.Get("entry")
	if entries.Kind() != '[' {
		b.account(src, jsondoc.Node{}, root, jsondoc.Node{})
		return
	}
	var none empties
	for entry := entries.First(); entry.Exists() && !b.limit.lost; entry = entry.Next() {
		if none.skip(entry) {
			continue
		}
		src.account = Account{WabaID: b.id(b.entryOf(entry).id), App: src.appID, routing: RoutingIDs{AppID: src.appID}}
		src.field = nil
		changes := entry.Get("changes")
		if changes.Kind() != '[' || changes.Len() == 0 {
			if !isEmptyEntry(entry) {
				b.account(src, entry, entry, jsondoc.Node{})
			}
			continue
		}
		var none empties
		for change := changes.First(); change.Exists() && !b.limit.lost; change = change.Next() {
			if !none.skip(change) {
				b.change(src, entry, change)
			}
		}
	}
}

// change normalizes one element of changes[].
func (b *Batch) change(src *source, entry, change jsondoc.Node) {
	field, value := change.Get("field"), change.Get("value")
	if src.provider == ProviderGupshup && isProbe(value) {
		return
	}
	src.field, src.standby = b.id(field), false
	metadata := value.Get("metadata")
	src.account.PhoneNumberID = b.id(metadata.Get("phone_number_id"))
	src.account.DisplayPhoneNumber = first(b.id(metadata.Get("display_phone_number")), b.id(value.Get("display_phone_number")))
	if b.limit.over { // the event may be the number's, or whose the rest of the value says
		b.noteChange(src, field, value)
		return
	}
	name := field.Bytes()
	switch string(name) {
	case "standby":
		src.field, src.standby = eventStandby, true
		fallthrough
	case "messages", "automatic_events", "smb_message_echoes", "message_echoes", "":
		if b.cloudValue(src, value) {
			if b.limit.over {
				b.noteChange(src, field, value)
			}
			return
		}
	default:
		b.word(src, PlaceField, name)
		if isEmptyValue(value) {
			return
		}
	}
	own := src.account
	b.accountIDs(src, string(name), value)
	b.account(src, entry, change, value)
	src.account = own
}

// noteChange notes whose a change beyond the limit may be.
func (b *Batch) noteChange(src *source, field, value jsondoc.Node) {
	b.note(&src.account)
	own := src.account
	b.accountIDs(src, string(field.Bytes()), value)
	b.note(&src.account)
	src.account = own
}

// account appends an event of kind account: raw is the whole of what is passed
// on, value the change's value where there is one.
func (b *Batch) account(src *source, entry, raw, value jsondoc.Node) {
	e := b.add(src, KindAccount, src.field, raw)
	e.envelope = !value.Exists()
	if e.envelope && b.limit.over {
		b.limit.lost = true // who is named in it is not looked for
	}
	if src.channel == ChannelUnknown {
		e.Account.routing.EntryID = b.id(b.entryOf(entry).id)
	}
	e.setTime(accountTime(b.entryOf(entry).time, value), src.ingestedAt)
	if src.channel == ChannelWhatsApp {
		b.accountCustomer(e, value)
		e.ConversationContext = b.object(value.Get("conversation_context"))
	}
	if src.provider == ProviderGupshup {
		b.billing(e, value.Get("billing"))
	}
	e.key = b.accountKey(entry, e.Raw)
}

// add appends an event with what its source and raw object say.
func (b *Batch) add(src *source, kind Kind, eventType Text, raw jsondoc.Node) *Event {
	e := b.Add()
	e.Kind, e.Channel, e.Provider = kind, src.channel, src.provider
	e.Account = src.account
	e.RawLastEventType, e.RawVersion = eventType, src.version
	e.Raw = raw.Raw()
	e.from = uint32(raw.Offset())
	e.to = e.from + uint32(len(e.Raw))
	return e
}
