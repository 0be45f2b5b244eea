package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// message is what a customer wrote.
//
//	{"from":"15551234567","from_user_id":"US.13491208655302741918","id":"wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQz",
//	 "timestamp":"1736535600","type":"text","text":{"body":"Hello"},"group_id":"…",
//	 "context":{"from":"15550783881","id":"wamid.…","forwarded":true,"referred_product":{}},
//	 "referral":{"ctwa_clid":"…"},"errors":[{"code":131051}]}
func (b *Batch) message(src *source, contacts *contactList, n jsondoc.Node) {
	e := b.add(src, KindMessage, src.eventType(eventMessage), n)
	m := b.messages.add()
	e.Message = m
	p := partsOf(n)
	from, fromUser := b.id(p.from), b.id(p.fromUser)
	b.customer(e, from, fromUser, contacts.of(p.from, p.fromUser, p.fromParent))
	b.parent(e, b.id(p.fromParent))
	b.content(src, e, n, &p)
	e.setTime(p.timestamp, src.ingestedAt)
	switch {
	case src.standby, m.Type == "system", m.Type == "edit", m.Type == "revoke":
	default:
		e.ReplyUntil = e.ReceivedAt + replyWindow
	}
	b.referral(e, p.referral)
	e.key = b.messageKey(e, first(from, fromUser, e.WaID, e.UserID), src.account.PhoneNumberID)
}

// eventType is standby while another app or agent answers.
func (src *source) eventType(usual Text) Text {
	if src.standby {
		return eventStandby
	}
	return usual
}

// parts are the members that every message may have, found in one pass.
type parts struct {
	from, fromUser, fromParent, id, group, timestamp, kind, context, referral, errors jsondoc.Node
	forwarded, frequentlyForwarded                                                    jsondoc.Node
}

var messageMembers = jsondoc.NewMembers("from", "from_user_id", "from_parent_user_id", "id", "group_id", "timestamp", "type", "context",
	"referral", "errors",
	"forwarded", "frequently_forwarded")

func partsOf(n jsondoc.Node) (p parts) {
	messageMembers.Find(n, &p.from, &p.fromUser, &p.fromParent, &p.id, &p.group, &p.timestamp, &p.kind, &p.context, &p.referral, &p.errors,
		&p.forwarded, &p.frequentlyForwarded)
	return p
}

// content fills the message, whoever wrote it.
func (b *Batch) content(src *source, e *Event, n jsondoc.Node, p *parts) {
	m := e.Message
	m.ID = b.id(p.id)
	e.GroupID = first(b.id(p.group), e.GroupID)
	kind, node := messageType(n, p.kind)
	if kind == "unsupported" {
		b.word(src, PlaceMessage, p.kind.Bytes())
	}
	b.fill(m, kind, node)
	context := p.context
	switch kind {
	case "edit":
		m.OriginalID = b.id(node.Get("original_message_id"))
		// The new content fills the message; the type stays edit.
		edited := node.Get("message")
		newKind, newNode := messageType(edited, edited.Get("type"))
		b.fill(m, newKind, newNode)
		m.Type = "edit"
		if context.Kind() != '{' {
			context = edited.Get("context")
		}
	case "revoke":
		m.OriginalID = b.id(node.Get("original_message_id"))
	case "system":
		b.system(e, p, node)
		b.word(src, PlaceSystem, node.Get("type").Bytes())
	case "interactive":
		b.word(src, PlaceInteractive, node.Get("type").Bytes())
	}
	b.context(m, context)
	m.Forwarded = m.Forwarded || boolean(p.forwarded) == True
	m.FrequentlyForwarded = m.FrequentlyForwarded || boolean(p.frequentlyForwarded) == True
	m.Errors = b.errors(p.errors)
}

// cloudTypes are the types of messages that have a node of their own, in the
// order in which a missing type is guessed.
var cloudTypes = [...]string{
	"text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts",
	"interactive", "button", "reaction", "order", "system", "edit", "revoke",
}

// messageType is the message's type and the node that holds its content. Some
// of Meta's own samples have no type: then the node tells.
func messageType(n, given jsondoc.Node) (kind string, node jsondoc.Node) {
	if !given.Exists() || given.Kind() == 'n' {
		for _, t := range cloudTypes {
			if node := n.Get(t); node.Exists() {
				return t, node
			}
		}
		return "unsupported", node
	}
	name := given.Bytes()
	for _, t := range cloudTypes {
		if string(name) == t {
			return t, n.Get(t)
		}
	}
	if string(name) == "request_welcome" {
		return "request_welcome", node
	}
	return "unsupported", node
}

// fill reads the node of a message's type.
func (b *Batch) fill(m *Message, kind string, node jsondoc.Node) {
	m.Type = kind
	switch kind {
	case "text":
		m.Text = first(b.text(node.Get("body")), b.text(node))
	case "image", "video", "audio", "document", "sticker", "voice":
		b.media(m, node)
		switch kind {
		case "audio":
			m.Voice = boolean(node.Get("voice"))
		case "voice": // the on-premise API's word
			m.Type, m.Voice = "audio", True
		case "sticker":
			m.Animated = boolean(node.Get("animated"))
		}
	case "location":
		m.Location = &Location{
			Lat: number(node.Get("latitude")), Lng: number(node.Get("longitude")),
			Name: b.id(node.Get("name")), Address: b.id(node.Get("address")),
		}
	case "contacts":
		m.Contacts = b.contactCards(node)
	case "interactive":
		b.interactive(m, node)
	case "button":
		b.button(m, node)
	case "reaction":
		m.Reaction = &Reaction{MessageID: b.id(node.Get("message_id")), Emoji: b.id(node.Get("emoji"))}
	case "order":
		m.Order = b.order(node)
	}
}

// media is a file. Its id is fetched with Meta's token, and so is the URL,
// which lives for five minutes.
//
//	{"id":"1003383421387256","mime_type":"image\/jpeg","sha256":"SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
//	 "caption":"Two of these","filename":"list.pdf","voice":true,"animated":false,"url":"https:\/\/lookaside.fbsbx.com\/…"}
func (b *Batch) media(m *Message, node jsondoc.Node) {
	m.MediaID = b.id(node.Get("id"))
	m.MimeType = b.id(node.Get("mime_type"))
	m.Caption = b.id(node.Get("caption"))
	m.MediaURL = first(b.id(node.Get("url")), b.id(node.Get("link"))) // a link as a business sends it
	m.SHA256 = b.sha256(node.Get("sha256"))
	m.Filename = b.id(node.Get("filename"))
}

// context is the message that this one answers, a forward's mark, or the
// product that it asks about. Gupshup's V3 gives its own ids beside Meta's; what
// a business sent says message_id.
//
//	{"from":"15550783881","id":"wamid.…","forwarded":true,"frequently_forwarded":true,
//	 "referred_product":{"catalog_id":"194836987003835","product_retailer_id":"di9ozbzfi4"},
//	 "meta_msg_id":"wamid.…","gs_id":"f9c6e1b2-…"}
func (b *Batch) context(m *Message, n jsondoc.Node) {
	if n.Kind() != '{' {
		return
	}
	id, metaID := first(b.id(n.Get("id")), b.id(n.Get("message_id"))), b.id(n.Get("meta_msg_id"))
	c := Context{ID: first(metaID, id), GsID: b.id(n.Get("gs_id"))}
	c.From = first(b.id(n.Get("from")), b.id(n.Get("from_user_id")), b.id(n.Get("from_parent_user_id")))
	if metaID != nil && c.GsID == nil && id.String() != metaID.String() {
		c.GsID = id
	}
	if c.ID != nil || c.From != nil || c.GsID != nil {
		m.Context = b.contexts.add()
		*m.Context = c
	}
	m.ReplyToID = c.ID
	m.Forwarded = boolean(n.Get("forwarded")) == True
	m.FrequentlyForwarded = boolean(n.Get("frequently_forwarded")) == True
	if p := n.Get("referred_product"); p.Kind() == '{' {
		product := ReferredProduct{CatalogID: b.id(p.Get("catalog_id")), ProductRetailerID: b.id(p.Get("product_retailer_id"))}
		if product.CatalogID != nil || product.ProductRetailerID != nil {
			m.ReferredProduct = &product
		}
	}
}
