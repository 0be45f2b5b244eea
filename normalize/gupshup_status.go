package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// gupshupEvent is what became of a message, in Gupshup's V2 envelope: of one of
// the business, but for deleted, which takes back the customer's. The time is the
// envelope's, in milliseconds; ts and expiresAt are in seconds. The conversation
// and the price stand beside or inside the inner payload, or the price in the
// conversation.
//
//	{"id":"wamid.…","gsId":"9b71cf42-…","type":"sent","destination":"15551234567","userId":"US.…","payload":{"ts":1736535600},
//	 "conversation":{"id":"…","expiresAt":1736622000,"type":"marketing"},"pricing":{"policy":"PMP","category":"marketing","type":"regular"}}
//	{"id":"9b71cf42-…","type":"enqueued","destination":"15551234567","payload":{"whatsappMessageId":"wamid.…","type":"session"}}
//	{"id":"9b71cf42-…","type":"failed","destination":"15551234567","payload":{"code":1002,"reason":"…"}}
//	{"type":"mismatch","destination":"5531987654321","payload":{"wa_id":"553187654321","phone":"5531987654321"}}
func (b *Batch) gupshupEvent(src *source, root jsondoc.Node, env *envelope) {
	p := gupshupPartsOf(env.payload)
	state, detail := b.lower(p.kind), p.payload
	switch string(state) {
	case `"deleted"`:
		b.gupshupDeleted(src, root, env, &p)
		return
	case `"referral"`:
		b.gupshupClick(src, root, env, &p)
		return
	}
	e := b.add(src, KindStatus, src.field, root)
	s := b.statuses.add()
	e.Status = s
	s.State = state
	s.RecipientID = b.id(p.destination)
	b.gupshupIDs(s, &p)
	waID := s.RecipientID
	if string(state) == `"mismatch"` {
		waID = first(b.id(detail.Get("wa_id")), waID)
	}
	b.customer(e, waID, b.id(p.userID), jsondoc.Node{})
	s.Errors = b.reason(detail)
	e.Conversation = b.gupshupConversation(&p)
	gupshupTime(e, src, env, &p)
	e.key = b.statusKey(e, nil)
}

// gupshupTime is the envelope's time, else the event's own.
func gupshupTime(e *Event, src *source, env *envelope, p *gupshupParts) {
	at := env.timestamp
	if millis(at) == 0 {
		at = p.payload.Get("ts")
	}
	if millis(at) == 0 {
		at = p.ts
	}
	e.setTime(at, src.ingestedAt)
}

// gupshupIDs tells WhatsApp's id from Gupshup's, which swap places: what was
// just enqueued, or refused at once, is known by Gupshup's alone, in id.
func (b *Batch) gupshupIDs(s *Status, p *gupshupParts) {
	id, waID := b.id(p.id), b.id(p.payload.Get("whatsappMessageId"))
	s.MessageID, s.GsID = first(waID, id), b.id(p.gsID)
	if s.GsID != nil {
		return
	}
	switch string(s.State) {
	case `"enqueued"`, `"failed"`:
		if isUUID(id) {
			s.GsID = id
		}
	}
}

// isUUID reports whether an id has the form of Gupshup's.
func isUUID(id Text) bool {
	plain, ok := jsondoc.Plain(id)
	return ok && len(plain) == 36 && plain[8] == '-' && plain[13] == '-' && plain[18] == '-' && plain[23] == '-'
}

// gupshupDeleted is a message of the customer taken back.
//
//	{"id":"wamid.…","type":"deleted","destination":"15551234567","payload":{"ts":1736535600}}
func (b *Batch) gupshupDeleted(src *source, root jsondoc.Node, env *envelope, p *gupshupParts) {
	e, m := b.gupshupFrom(src, root, env, p)
	m.Type = "revoke"
	m.OriginalID = b.id(p.id)
	b.referral(e, jsondoc.Node{})
	e.key = b.messageKey(e, first(e.WaID, e.UserID), src.account.DisplayPhoneNumber)
}

// gupshupClick is a click told of without its message. Gupshup's own pages don't
// have it, integrators do.
//
//	{"type":"referral","destination":"15551234567","payload":{"source_url":"https://fb.me/3cr4Wqqkv","source_type":"ad","ctwa_clid":"…"}}
func (b *Batch) gupshupClick(src *source, root jsondoc.Node, env *envelope, p *gupshupParts) {
	e, m := b.gupshupFrom(src, root, env, p)
	m.Type = "referral"
	e.ReplyUntil = e.ReceivedAt + replyWindow
	b.referral(e, p.payload)
	e.key = b.messageKey(e, first(e.WaID, e.UserID), src.account.DisplayPhoneNumber)
}

// gupshupFrom is a message event that comes from the customer, here called
// destination.
func (b *Batch) gupshupFrom(src *source, root jsondoc.Node, env *envelope, p *gupshupParts) (*Event, *Message) {
	e := b.add(src, KindMessage, src.field, root)
	m := b.messages.add()
	e.Message = m
	b.customer(e, b.id(p.destination), b.id(p.userID), jsondoc.Node{})
	gupshupTime(e, src, env, p)
	return e, m
}

// gupshupConversation is nil where there is neither a conversation nor a price.
func (b *Batch) gupshupConversation(p *gupshupParts) *Conversation {
	conversation, pricing := p.conversation, p.pricing
	if conversation.Kind() != '{' {
		conversation = p.payload.Get("conversation")
	}
	if pricing.Kind() != '{' {
		pricing = p.payload.Get("pricing")
	}
	if pricing.Kind() != '{' {
		pricing = conversation.Get("pricing")
	}
	c := b.conversation(conversation, pricing)
	if c == nil {
		return nil
	}
	if at := millis(conversation.Get("expiresAt")); at != 0 {
		c.ExpirationTimestamp = at
	}
	c.OriginType = first(c.OriginType, b.id(conversation.Get("type")))
	if c.Pricing != nil {
		c.Pricing.PricingModel = first(c.Pricing.PricingModel, b.id(pricing.Get("policy")))
	}
	return c
}

// billing fills conversation and customer of a billing event, V2's payload or
// V3's value.billing. Until July 2025 the type was the conversation's category;
// since then it says why a message costs or not. billable may be a string.
//
//	{"deductions":{"type":"regular","model":"PMP","source":"whatsapp","billable":true,"category":"marketing"},
//	 "references":{"id":"wamid.…","gsId":"9b71cf42-…","destination":"15551234567"}}
//	{"deductions":{"type":"FTC","conversationType":"service","model":"CBP","source":"whatsapp","billable":false},
//	 "references":{"id":"wamid.…","gsId":"9b71cf42-…","conversationId":"6c0a5f1e…","destination":"15551234567"}}
//	{"deductions":{"billable":"true","conversation_type":"call","source":"whatsapp"},
//	 "references":{"id":"wacid.…","direction":"USER_INITIATED","source":"15551234567","destination":"15550783881"}}
func (b *Batch) billing(e *Event, n jsondoc.Node) {
	if n.Kind() != '{' {
		return
	}
	deductions, references := n.Get("deductions"), n.Get("references")
	customer := references.Get("destination")
	if string(references.Get("direction").Bytes()) == "USER_INITIATED" {
		customer = references.Get("source") // of a call
	}
	b.customer(e, b.id(customer), b.id(references.Get("userId")), jsondoc.Node{})
	id := first(b.id(references.Get("conversationId")), b.id(references.Get("conversation_id")))
	if id == nil && deductions.Kind() != '{' {
		return
	}
	c := b.conversations.add()
	e.Conversation = c
	c.ID = id
	c.OriginType = first(b.id(deductions.Get("conversationType")), b.id(deductions.Get("conversation_type")))
	if deductions.Kind() != '{' {
		return
	}
	p := b.pricings.add()
	c.Pricing = p
	p.Category, p.Type = b.id(deductions.Get("category")), b.id(deductions.Get("type"))
	if p.Category == nil && !isPriceType(p.Type) {
		p.Category, p.Type = p.Type, nil
	}
	p.Billable = boolean(deductions.Get("billable"))
	p.PricingModel = b.id(deductions.Get("model"))
}

// isPriceType reports whether t is one of Meta's types of prices, rather than a
// category.
func isPriceType(t Text) bool {
	return bytes.Equal(t, []byte(`"regular"`)) || bytes.HasPrefix(t, []byte(`"free_`))
}

// reason is Gupshup's own error, nil where there is none: its code, a number in
// V2 and a string in V3, and a sentence.
//
//	{"code":1002,"reason":"Number does not exist on WhatsApp"}
func (b *Batch) reason(n jsondoc.Node) []Error {
	code, reason := n.Get("code"), b.id(n.Get("reason"))
	e := Error{Message: reason}
	switch code.Kind() {
	case '0':
		e.Code = code.Raw()
	case '"':
		e.Code = Value(b.id(code))
	}
	if e.Code == nil && reason == nil {
		return nil
	}
	return []Error{e}
}
