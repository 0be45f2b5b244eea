package normalize

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// Batch is the events of one webhook, in order, and the memory they point into.
// A Batch that is used again allocates nothing for a usual webhook. The zero
// value is ready. It is not for several goroutines at once.
type Batch struct {
	Events []Event

	doc, nested jsondoc.Doc
	arena       []byte // what the events hold that does not stand in the body
	scratch     []byte
	sha         stateHash
	source      source // of the change being read
	marks       []mark // of Part
	limit       limit
	unknown     []UnknownWord

	messages      slab[Message]
	referrals     slab[Referral]
	utms          slab[UTM]
	ads           slab[Ad]
	contexts      slab[Context]
	interactives  slab[Interactive]
	statuses      slab[Status]
	conversations slab[Conversation]
	pricings      slab[Pricing]
	automatic     slab[AutomaticEvent]
	leads         slab[Lead]
	contactLists  slab[contactList]
}

// keepBytes is the most that Reset keeps: what a large webhook took must not
// stay in every pooled Batch.
const keepBytes = 256 << 10

// size is the memory that a Reset would keep, in bytes.
func (b *Batch) size() int {
	return cap(b.arena) + cap(b.scratch) + cap(b.marks)*int(unsafe.Sizeof(mark{})) + b.doc.Cap() + b.nested.Cap() +
		cap(b.Events)*int(unsafe.Sizeof(Event{})) +
		b.messages.size() + b.referrals.size() + b.utms.size() + b.ads.size() + b.contexts.size() + b.interactives.size() +
		b.statuses.size() + b.conversations.size() + b.pricings.size() + b.automatic.size() + b.leads.size() + b.contactLists.size()
}

// Reset forgets the events and keeps the memory. Texts and Values of the old
// events must not be used any more.
func (b *Batch) Reset() {
	if b.size() > keepBytes {
		*b = Batch{}
		return
	}
	clear(b.Events)
	b.Events, b.arena, b.scratch = b.Events[:0], b.arena[:0], b.scratch[:0]
	b.source, b.marks, b.limit, b.unknown = source{}, b.marks[:0], limit{}, nil
	b.doc.Reset()
	b.nested.Reset()
	b.messages.reset()
	b.referrals.reset()
	b.utms.reset()
	b.ads.reset()
	b.contexts.reset()
	b.interactives.reset()
	b.statuses.reset()
	b.conversations.reset()
	b.pricings.reset()
	b.automatic.reset()
	b.leads.reset()
	b.contactLists.reset()
}

// Add appends an empty event and returns it. The pointer is valid until the
// next Add. Over a [Batch.Limit] the event is none of the batch's.
func (b *Batch) Add() *Event {
	if b.limit.events > 0 && b.full() {
		return b.spill()
	}
	b.limit.list = 0
	b.Events = append(b.Events, Event{})
	return &b.Events[len(b.Events)-1]
}

// CheckJSON refuses, with a [*SyntaxError], a body that is not JSON as all
// providers' must be: valid UTF-8, nested 200 levels at the most. It is for
// provider modules of your own; encoding/json alone lets invalid UTF-8 pass.
func (b *Batch) CheckJSON(body []byte) error { return b.parse(body) }

// SetReferral says which click brought the message e, with the zero Referral
// that none did, and fills what follows from it: the UTM and Ad parameters of
// its SourceURL, and AdID where the source is an ad. Every event of kind message
// has a referral. It is for provider modules of your own.
func (b *Batch) SetReferral(e *Event, r Referral) {
	e.Referral = b.referrals.add()
	*e.Referral = r
	b.finishReferral(e)
}

// slab hands out values that live as long as the batch. Growing leaves values
// handed out before where they are.
type slab[T any] struct{ items []T }

func (s *slab[T]) add() *T {
	var zero T
	s.items = append(s.items, zero)
	return &s.items[len(s.items)-1]
}

func (s *slab[T]) size() int {
	var zero T
	return cap(s.items) * int(unsafe.Sizeof(zero))
}

func (s *slab[T]) reset() {
	clear(s.items)
	s.items = s.items[:0]
}

// built is what was appended to the arena since start.
func (b *Batch) built(start int) []byte { return b.arena[start:len(b.arena):len(b.arena)] }

// text is a string, or a number's digits as a string; nil for anything else.
// Half a surrogate pair becomes U+FFFD.
func (b *Batch) text(n jsondoc.Node) Text {
	switch n.Kind() {
	case '"':
		raw := n.Raw()
		if n.Surrogates() && jsondoc.HasLoneSurrogate(raw) {
			start := len(b.arena)
			b.arena = jsondoc.AppendSanitized(b.arena, raw)
			return b.built(start)
		}
		return raw
	case '0':
		start := len(b.arena)
		b.arena = append(append(append(b.arena, '"'), n.Raw()...), '"')
		return b.built(start)
	}
	return nil
}

// quote is the text of decoded bytes; invalid UTF-8 becomes U+FFFD.
func (b *Batch) quote(s []byte) Text {
	start := len(b.arena)
	b.arena, _ = jsontext.AppendQuote(b.arena, s)
	return b.built(start)
}

// id is a text that is unknown when empty: ids, names, URLs.
func (b *Batch) id(n jsondoc.Node) Text {
	t := b.text(n)
	if len(t) <= 2 {
		return nil
	}
	return t
}

// lower is an id in lower case: states and types.
func (b *Batch) lower(n jsondoc.Node) Text {
	t := b.id(n)
	if !hasUpper(t) && !escaped(t) {
		return t
	}
	return NewText(strings.ToLower(t.String()))
}

func escaped(t []byte) bool { return bytes.IndexByte(t, '\\') >= 0 }

// hasUpper reports whether a token may change in lower case.
func hasUpper(t []byte) bool {
	for _, c := range t {
		if 'A' <= c && c <= 'Z' || c >= 0x80 {
			return true
		}
	}
	return false
}

// value is any value as it stands, nil for null and for a missing one. Half
// surrogate pairs become U+FFFD.
func (b *Batch) value(n jsondoc.Node) Value {
	if n.Kind() == 0 || n.Kind() == 'n' {
		return nil
	}
	raw := n.Raw()
	// Outside of strings JSON has no backslashes, so this works on any value.
	if jsondoc.HasLoneSurrogate(raw) {
		start := len(b.arena)
		b.arena = jsondoc.AppendSanitized(b.arena, raw)
		return b.built(start)
	}
	return raw
}

// object is a value that is an object, else nil.
func (b *Batch) object(n jsondoc.Node) Value {
	if n.Kind() != '{' {
		return nil
	}
	return b.value(n)
}

// number is a JSON number, given as one or as a string that holds one.
func number(n jsondoc.Node) Value {
	switch n.Kind() {
	case '0':
		return n.Raw()
	case '"':
		if plain, ok := jsondoc.Plain(n.Raw()); ok && isNumber(plain) {
			return plain
		}
	}
	return nil
}

func boolean(n jsondoc.Node) Bool {
	switch n.Kind() {
	case 't':
		return True
	case 'f':
		return False
	case '"':
		switch n.String() {
		case "true":
			return True
		case "false":
			return False
		}
	}
	return Unknown
}

// sha256 is a file's hash in lower-case hex. Webhooks give base64, the history
// hex; anything else is nil.
func (b *Batch) sha256(n jsondoc.Node) Text {
	if n.Kind() != '"' {
		return nil
	}
	b.scratch = jsondoc.AppendDecoded(b.scratch[:0], n.Raw())
	var sum [sha256.Size + 2]byte
	var size int
	var err error
	switch len(b.scratch) {
	case hex.EncodedLen(sha256.Size):
		size, err = hex.Decode(sum[:], b.scratch)
	case base64.StdEncoding.EncodedLen(sha256.Size):
		size, err = base64.StdEncoding.Decode(sum[:], b.scratch)
	}
	if err != nil || size != sha256.Size {
		return nil
	}
	start := len(b.arena)
	b.arena = append(b.arena, '"')
	b.arena = hex.AppendEncode(b.arena, sum[:size])
	b.arena = append(b.arena, '"')
	return b.built(start)
}

// phone is the E.164 of a wa_id, nil where it is no phone.
func (b *Batch) phone(waID Text) Text {
	if waID == nil || len(waID) > maxCompared {
		return nil
	}
	plain, ok := jsondoc.Plain(waID)
	if !ok { // some encoders write the plus as \u002b
		b.scratch = waID.Append(b.scratch[:0])
		plain = b.scratch
	}
	start := len(b.arena)
	b.arena = append(b.arena, '"')
	out, ok := appendPhone(b.arena, plain)
	if !ok {
		b.arena = b.arena[:start]
		return nil
	}
	b.arena = append(out, '"')
	return b.built(start)
}
