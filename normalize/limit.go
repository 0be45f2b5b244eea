package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// limit is what one webhook may bring. The zero limit is none.
type limit struct {
	events, bytes int

	spent int  // bytes that lists inside of events take
	list  int  // elements of lists inside of the newest event
	over  bool // there is more in the webhook than the events

	extra  *Event // the newest of those that are none of the batch's
	seen   map[string]struct{}
	others []Account // of all events, when the batch is over
	work   int       // bytes that were looked at to find those
	lost   bool      // not all were found
}

// Limit bounds what the next webhook may bring, so that a body cannot be
// multiplied: how many events, and how many bytes beside the body that they may
// take, roughly. The functions of this package stop at the bound; what else adds
// events sees them taken and forgotten. [Batch.Over] says that it was reached.
// Reset takes the limit away.
func (b *Batch) Limit(events, bytes int) { b.limit = limit{events: events, bytes: bytes} }

// Over reports whether the webhook would bring more than the Limit: the events are not
// all of them, and [Batch.Whole] stands for them.
func (b *Batch) Over() bool { return b.limit.over }

// full reports whether there is no room for another event.
func (b *Batch) full() bool {
	return b.limit.over || len(b.Events) >= b.limit.events || b.limit.spent+len(b.arena) > b.limit.bytes
}

// spill is an event beyond the limit: only whose it is will be asked.
func (b *Batch) spill() *Event {
	b.limit.over = true
	if b.limit.extra == nil {
		b.limit.extra = new(Event)
	} else {
		b.note(&b.limit.extra.Account)
	}
	*b.limit.extra = Event{}
	return b.limit.extra
}

// elementBytes is about what an element of a list inside of an event takes, in
// memory and when encoded: a contact, the largest, has more keys than any webhook
// leaves out.
const elementBytes = 512

// maxElements is how many elements the lists of one event may have. Meta's largest
// is a message with 257 contacts of some numbers each; an event is stored in one
// piece, so it must not be much larger than the body.
const maxElements = 4000

// element reports whether there is room for another element of such a list.
func (b *Batch) element() bool {
	b.limit.spent += elementBytes
	b.limit.list++
	if b.limit.events > 0 && (b.limit.list > maxElements || b.limit.spent+len(b.arena) > b.limit.bytes) {
		b.limit.over = true
	}
	return !b.limit.over
}

// note remembers whose the events beyond the limit are.
func (b *Batch) note(a *Account) (isNew bool) {
	b.scratch = b.scratch[:0]
	for _, id := range a.ids() {
		b.scratch = append(append(b.scratch, *id...), '\n') // no JSON string holds a line feed
	}
	if b.limit.work += len(b.scratch); b.limit.bytes > 0 && b.limit.work > b.limit.bytes {
		b.limit.lost = true // a long id, for each of many events
	}
	if _, ok := b.limit.seen[string(b.scratch)]; ok {
		return false
	}
	if b.limit.seen == nil {
		b.limit.seen = make(map[string]struct{})
	}
	b.limit.seen[string(b.scratch)] = struct{}{}
	b.limit.others = append(b.limit.others, *a)
	return true
}

// noteFrom notes src's account, whose texts stand in the arena from start on if
// not in the body: they are dropped where they are known.
func (b *Batch) noteFrom(src *source, start int) {
	b.limit.work += len(b.arena) - start
	if !b.note(&src.account) {
		b.arena, src.account = b.arena[:start], Account{}
	}
}

// ids are all ids of an account.
func (a *Account) ids() [11]*Text {
	return [...]*Text{
		&a.WabaID, &a.PhoneNumberID, &a.DisplayPhoneNumber, &a.PageID, &a.InstagramID,
		&a.App, &a.ChannelID, &a.routing.AppID, &a.routing.AccountSID, &a.routing.RecipientID, &a.routing.EntryID,
	}
}

// Whole puts one event of kind account in the place of all events: raw is the
// whole body, as it came, and a JSON string of it where the body is no JSON. Its
// account has the ids that all events agree on; returned is each different account
// that one of them names; all is false where there may be more. The id is the same
// for a redelivery.
func (b *Batch) Whole(body []byte, ingestedAt int64) (accounts []Account, all bool) {
	whole := Event{Kind: KindAccount, Provider: b.source.provider, Channel: b.source.channel, RawVersion: b.source.version}
	for i := range b.Events {
		e := &b.Events[i]
		b.note(&e.Account)
		if i == 0 {
			whole.Provider, whole.Channel, whole.RawVersion = e.Provider, e.Channel, e.RawVersion
		} else if whole.Channel != e.Channel {
			whole.Channel = ChannelUnknown
		}
	}
	if b.limit.extra != nil {
		b.note(&b.limit.extra.Account)
	}
	accounts = b.limit.others
	whole.Account = agreed(accounts)
	if root := b.doc.Root(); root.Exists() && b.source.provider != ProviderTwilio {
		whole.Raw = root.Raw()
		whole.from = uint32(root.Offset())
		whole.to = whole.from + uint32(len(whole.Raw))
	} else if b.nested.Parse(body) == nil {
		whole.Raw = b.nested.Root().Raw()
	} else {
		whole.Raw = Value(b.quote(body))
	}
	whole.envelope = true
	whole.setTime(jsondoc.Node{}, ingestedAt)
	whole.key = b.accountKey(jsondoc.Node{}, whole.Raw)
	clear(b.Events)
	b.Events = append(b.Events[:0], whole)
	return accounts, !b.limit.lost
}

// agreed has the ids that are the same in all accounts.
func agreed(accounts []Account) Account {
	if len(accounts) == 0 {
		return Account{}
	}
	out := accounts[0]
	ids := out.ids()
	for i := range accounts[1:] {
		for n, id := range accounts[1+i].ids() {
			if string(*id) != string(*ids[n]) {
				*ids[n] = nil
			}
		}
	}
	return out
}

// isEmpty reports whether an element of an array holds nothing.
func isEmpty(n jsondoc.Node) bool {
	switch n.Kind() {
	case '{', '[':
		return !n.First().Exists()
	case '"':
		return len(n.Raw()) <= 2
	}
	return n.Kind() == 'n'
}

// empties passes one empty element of an array and no other: all of them say the
// same, nothing.
type empties bool

func (seen *empties) skip(n jsondoc.Node) bool {
	if !isEmpty(n) {
		return false
	}
	was := bool(*seen)
	*seen = true
	return was
}
