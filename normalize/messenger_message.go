package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// addMessage appends an event of kind message or echo; the caller fills the
// message and calls endMessage.
func (b *Batch) addMessage(src *source, it *item, eventType Text, k *click) (*Event, *Message) {
	kind := KindMessage
	if it.fromBusiness {
		kind = KindEcho
	}
	e := b.addItem(src, it, kind, eventType)
	m := b.messages.add()
	e.Message = m
	if id := b.id(k.product); id != nil {
		m.ReferredProduct = &ReferredProduct{ProductRetailerID: id}
	}
	if kind == KindMessage {
		b.pageClick(e, k)
	}
	return e, m
}

// endMessage says what depends on the message: until when the business may
// answer, and the key.
func (b *Batch) endMessage(e *Event, it *item) {
	switch {
	case e.Kind != KindMessage, it.standby, e.Message.Type == "edit", e.Message.Type == "revoke":
	default:
		e.ReplyUntil = e.ReceivedAt + replyWindow
	}
	if e.Message.ID != nil {
		e.key = b.textKey(e.Message.ID)
		return
	}
	sender := first(b.id(it.sender.Get("id")), b.id(it.sender.Get("user_ref")))
	e.key = b.messageKey(e, sender, b.id(it.recipient.Get("id")))
}

// pageParts are the members of a message, found in one pass.
type pageParts struct {
	mid, text, quickReply, replyTo, attachments, referral jsondoc.Node
	isEcho, isSelf, isDeleted, isUnsupported              jsondoc.Node
}

var pageMembers = jsondoc.NewMembers("mid", "text", "quick_reply", "reply_to", "attachments", "referral",
	"is_echo", "is_self", "is_deleted", "is_unsupported")

func (p *pageParts) find(n jsondoc.Node) {
	pageMembers.Find(n, &p.mid, &p.text, &p.quickReply, &p.replyTo, &p.attachments, &p.referral,
		&p.isEcho, &p.isSelf, &p.isDeleted, &p.isUnsupported)
}

// pageMessage is what somebody wrote. An unsent message (is_deleted) comes with
// the original's id, and so does an edit.
//
//	{"mid":"m_AbC","text":"Hi","is_echo":true,"app_id":1,"quick_reply":{"payload":"YES"},"reply_to":{"mid":"m_Xyz"},
//	 "attachments":[{}],"referral":{},"is_deleted":true,"is_unsupported":true,"is_self":true}
func (b *Batch) pageMessage(src *source, it *item, k *click) {
	e, m := b.addMessage(src, it, eventMessage, k)
	p := &it.parts
	mid := b.id(p.mid)
	if boolean(p.isDeleted) == True {
		m.Type, m.OriginalID = "revoke", mid
		b.endMessage(e, it)
		return
	}
	m.ID = mid
	switch text := p.text.Kind(); {
	case p.attachments.Kind() == '[' && p.attachments.First().Exists():
		b.attachments(src, m, p.attachments)
	case text == '"' || text == '0':
		m.Type = "text"
	case k.exists:
		m.Type = "referral"
	default:
		m.Type = "unsupported"
	}
	switch m.Type {
	case "image", "video", "audio", "document":
		m.Caption = b.id(p.text)
	default:
		m.Text = b.text(p.text)
	}
	if reply := p.quickReply; reply.Kind() == '{' {
		i := b.interactives.add()
		m.Interactive = i
		i.Type, i.Payload, i.Title = typeQuickReply, b.id(reply.Get("payload")), b.id(p.text)
		if m.Type == "unsupported" || m.Type == "referral" {
			m.Type = "text"
		}
	}
	if boolean(p.isUnsupported) == True {
		m.Type = "unsupported"
	}
	// A reply to a story has no mid; the story stands in raw.
	if id := b.id(p.replyTo.Get("mid")); id != nil {
		m.ReplyToID = id
		m.Context = b.contexts.add()
		m.Context.ID = id
	}
	b.endMessage(e, it)
}

// pageEdit is a message's new text; mid is the message edited.
//
//	{"mid":"m_AbC","text":"Hello, world","num_edit":1}
func (b *Batch) pageEdit(src *source, it *item, k *click) {
	e, m := b.addMessage(src, it, eventEdit, k)
	m.Type = "edit"
	m.OriginalID = b.id(it.edit.Get("mid"))
	m.Text = b.text(it.edit.Get("text"))
	b.endMessage(e, it)
}

// pageReaction is an emoji on the message of that mid; unreact takes it back.
// Where only the reaction's name is given, that is what emoji holds.
//
//	{"mid":"m_AbC","action":"react","reaction":"love","emoji":"\u2764"}
func (b *Batch) pageReaction(src *source, it *item, k *click) {
	e, m := b.addMessage(src, it, eventReaction, k)
	m.Type = "reaction"
	m.Reaction = &Reaction{MessageID: b.id(it.reaction.Get("mid"))}
	if string(it.reaction.Get("action").Bytes()) != "unreact" {
		m.Reaction.Emoji = first(b.id(it.reaction.Get("emoji")), b.id(it.reaction.Get("reaction")))
	}
	b.endMessage(e, it)
}

// pagePostback is a press of a button, of Get Started or of an ice breaker. In
// standby the payload is missing.
//
//	{"mid":"m_AbC","title":"Get started","payload":"GET_STARTED","referral":{}}
func (b *Batch) pagePostback(src *source, it *item, k *click) {
	e, m := b.addMessage(src, it, eventPostback, k)
	m.ID, m.Type = b.id(it.postback.Get("mid")), "interactive"
	i := b.interactives.add()
	m.Interactive = i
	i.Type = typePostback
	i.Title, i.Payload = b.id(it.postback.Get("title")), b.id(it.postback.Get("payload"))
	m.Text = i.Title
	b.endMessage(e, it)
}

// pageReferral is a click on an ad or a link without a message.
func (b *Batch) pageReferral(src *source, it *item, k *click) {
	eventType := eventReferral
	if !it.referral.Exists() {
		eventType = eventOptin
	}
	e, m := b.addMessage(src, it, eventType, k)
	m.Type = "referral"
	b.endMessage(e, it)
}
