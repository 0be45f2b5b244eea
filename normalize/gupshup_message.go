package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// gupshupMessage is what a customer wrote, in Gupshup's V2 envelope. Its id is
// WhatsApp's own, so that a V3 twin has the same event id.
//
//	{"id":"wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQz","source":"15551234567","type":"text","payload":{"text":"Hello"},
//	 "sender":{"phone":"15551234567","name":"John Doe","country_code":"1","dial_code":"5551234567","userId":"US.13491208655302741918"},
//	 "context":{"id":"wamid.…","gsId":"9b71cf42-…","forwarded":true},"referral":{"ctwa_clid":"…"}}
func (b *Batch) gupshupMessage(src *source, root jsondoc.Node, env *envelope) {
	p := gupshupPartsOf(env.payload)
	e := b.add(src, KindMessage, src.field, root)
	m := b.messages.add()
	e.Message = m
	m.ID = b.id(p.id)
	b.gupshupSender(e, b.id(p.source), p.sender)
	b.gupshupContent(m, p.kind, p.payload)
	if m.Type == "contacts" && m.Contacts == nil {
		m.Contacts = b.contactCards(env.payload.Get("contacts"))
	}
	b.gupshupContext(m, p.context)
	m.Forwarded = m.Forwarded || boolean(p.forwarded) == True
	m.FrequentlyForwarded = m.FrequentlyForwarded || boolean(p.frequentlyForwarded) == True
	e.setTime(env.timestamp, src.ingestedAt)
	e.ReplyUntil = e.ReceivedAt + replyWindow
	b.referral(e, p.referral)
	e.key = b.messageKey(e, first(e.WaID, e.UserID), src.account.DisplayPhoneNumber)
}

// gupshupParts are the members of the payload of a V2 message or message event,
// found in one pass.
type gupshupParts struct {
	id, kind, payload                                                 jsondoc.Node
	source, sender, context, referral, forwarded, frequentlyForwarded jsondoc.Node // messages
	gsID, destination, userID, ts, conversation, pricing              jsondoc.Node // message events
}

var gupshupMembers = jsondoc.NewMembers("id", "type", "payload",
	"source", "sender", "context", "referral", "forwarded", "frequently_forwarded",
	"gsId", "destination", "userId", "ts", "conversation", "pricing")

func gupshupPartsOf(n jsondoc.Node) (p gupshupParts) {
	gupshupMembers.Find(n, &p.id, &p.kind, &p.payload,
		&p.source, &p.sender, &p.context, &p.referral, &p.forwarded, &p.frequentlyForwarded,
		&p.gsID, &p.destination, &p.userID, &p.ts, &p.conversation, &p.pricing)
	return p
}

// gupshupSender fills in who the customer is: source is where replies go. The
// sender's phone stands in where source is missing or is no number.
func (b *Batch) gupshupSender(e *Event, source Text, sender jsondoc.Node) {
	b.customer(e, source, b.id(sender.Get("userId")), jsondoc.Node{})
	if phone := b.id(sender.Get("phone")); phone != nil && !isUserID(phone) {
		e.WaID = first(e.WaID, phone)
		if e.WaPhone == nil {
			e.WaPhone = b.phone(phone)
		}
	} else {
		e.UserID = first(e.UserID, phone)
	}
	e.ProfileName = b.id(sender.Get("name"))
	e.Username = b.id(sender.Get("username"))
}

// gupshupKinds are the types of V2's messages, and how older pages and Meta
// call them.
var gupshupKinds = [...]string{
	"text", "image", "video", "audio", "voice", "sticker", "file", "document", "contact", "contacts", "location", "reaction", "order",
	"quick_reply", "button", "button_reply", "list_reply", "interactive", "request_welcome",
}

// gupshupKind is the message's type, "" for an unknown one. Where it is missing,
// the content tells.
func gupshupKind(given, content jsondoc.Node) string {
	if name := given.Bytes(); len(name) > 0 {
		for _, kind := range gupshupKinds {
			if string(name) == kind {
				return kind
			}
		}
		return ""
	}
	for _, c := range [...]struct{ member, kind string }{
		{"text", "text"},
		{"contacts", "contacts"},
		{"latitude", "location"},
		{"emoji", "reaction"},
		{"product_items", "order"},
	} {
		if content.Get(c.member).Exists() {
			return c.kind
		}
	}
	if content.Get("url").Exists() {
		return gupshupFileKind(content)
	}
	return ""
}

// gupshupFileKind is the type of a file by its content type.
func gupshupFileKind(content jsondoc.Node) string {
	mime := content.Get("contentType")
	if !mime.Exists() {
		mime = content.Get("content-type")
	}
	kind, _, _ := bytes.Cut(mime.Bytes(), []byte("/"))
	for _, known := range [...]string{"image", "video", "audio"} {
		if string(kind) == known {
			return known
		}
	}
	return "document"
}

// gupshupContent reads the content by its type. Interactive messages are split
// into types of their own; file is a document.
//
//	image, video, audio, voice, sticker, file: {"url":"https://filemanager.gupshup.io/wa/…","contentType":"image/jpeg",
//	 "urlExpiry":1737140400123,"caption":"…","name":"list.pdf"}
//	contact: {"contacts":[{"name":{"formatted_name":"Ann Lee"},"phones":[{"phone":"+1 555 123 4567","type":"CELL"}]}]}
//	location: {"latitude":"59.9139","longitude":"10.7522"}
//	reaction: {"id":"wamid.…","gsId":"9b71cf42-…","emoji":"👍"}
//	order: {"catalog_id":"354160437058781","product_items":[{}]}
func (b *Batch) gupshupContent(m *Message, given, n jsondoc.Node) {
	m.Type = "unsupported"
	switch kind := gupshupKind(given, n); kind {
	case "text":
		if string(n.Get("type").Bytes()) == "button" { // a template's, as the older pages have it
			b.gupshupButton(m, n)
			return
		}
		m.Type = "text"
		m.Text = b.text(n.Get("text"))
	case "image":
		b.gupshupMedia(m, "image", n)
	case "video":
		b.gupshupMedia(m, "video", n)
	case "audio":
		b.gupshupMedia(m, "audio", n)
		m.Voice = boolean(n.Get("voice"))
	case "voice":
		b.gupshupMedia(m, "audio", n)
		m.Voice = True
	case "sticker":
		b.gupshupMedia(m, "sticker", n)
		m.Animated = boolean(n.Get("animated"))
	case "file", "document":
		b.gupshupMedia(m, "document", n)
	case "contact", "contacts":
		m.Type = "contacts"
		m.Contacts = b.contactCards(n.Get("contacts"))
	case "location":
		b.fill(m, "location", n)
	case "reaction":
		m.Type = "reaction"
		m.Reaction = &Reaction{MessageID: first(b.id(n.Get("id")), b.id(n.Get("gsId"))), Emoji: b.id(n.Get("emoji"))}
	case "order":
		b.fill(m, "order", n)
	case "quick_reply", "button":
		b.gupshupButton(m, n)
	case "button_reply", "list_reply":
		b.gupshupReply(m, given, n)
	case "interactive":
		b.fill(m, "interactive", n)
	case "request_welcome": // the customer opened the chat and wrote nothing yet
		m.Type = kind
	default:
		// A flow's answer; its type's name is not documented.
		if n.Get("nfm_reply").Kind() == '{' {
			b.fill(m, "interactive", n)
		} else if n.Get("response_json").Exists() {
			i := b.interactives.add()
			m.Type, m.Interactive = "interactive", i
			i.Type, i.NfmReply = Text(`"nfm_reply"`), b.nfmReply(n)
		}
	}
}

// gupshupMedia is a file, by URL: V2 gives no media id. The page's table says
// content-type, its samples contentType.
func (b *Batch) gupshupMedia(m *Message, kind string, n jsondoc.Node) {
	m.Type = kind
	m.MediaID = b.id(n.Get("id"))
	m.MediaURL = b.id(n.Get("url"))
	m.MimeType = first(b.id(n.Get("contentType")), b.id(n.Get("content-type")))
	m.Caption = b.id(n.Get("caption"))
	m.Filename = first(b.id(n.Get("name")), b.id(n.Get("filename")))
	m.SHA256 = b.sha256(n.Get("sha256"))
}

// gupshupReply is a press of a reply button or a choice from a list; reply is
// the title with its place, postbackText what the business put behind it.
//
//	{"title":"Yes","id":"1","reply":"Yes 1","postbackText":"YES-1"}
//	{"title":"Monday","id":"a1","reply":"Monday 1","postbackText":"MON","description":"9 to 12"}
func (b *Batch) gupshupReply(m *Message, kind, n jsondoc.Node) {
	i := b.interactives.add()
	m.Type, m.Interactive = "interactive", i
	i.Type = b.text(kind)
	i.ID, i.Title, i.Payload = b.id(n.Get("id")), b.id(n.Get("title")), b.id(n.Get("postbackText"))
	m.Text = i.Title
	if string(kind.Bytes()) == "list_reply" {
		i.ListReply = &ListReply{ID: i.ID, Title: i.Title, Description: b.id(n.Get("description"))}
	} else {
		i.ButtonReply = &ButtonReply{ID: i.ID, Title: i.Title}
	}
}

// gupshupButton is a press of a template's quick reply.
//
//	{"title":"Yes","id":"1","reply":"Yes 1","postbackText":"YES-1"}
//	{"text":"Yes","type":"button"}
func (b *Batch) gupshupButton(m *Message, n jsondoc.Node) {
	i := b.interactives.add()
	m.Type, m.Interactive = "button", i
	i.Type = Text(`"button"`)
	i.ID = b.id(n.Get("id"))
	i.Title = first(b.id(n.Get("title")), b.id(n.Get("text")))
	i.Payload = first(b.id(n.Get("postbackText")), b.id(n.Get("payload")))
	m.Text = i.Title
}

// gupshupContext is Meta's context, with Gupshup's id of the message as gsId.
func (b *Batch) gupshupContext(m *Message, n jsondoc.Node) {
	if n.Kind() != '{' {
		return
	}
	b.context(m, n)
	gsID := b.id(n.Get("gsId"))
	if gsID == nil {
		return
	}
	if m.Context == nil {
		m.Context = b.contexts.add()
	}
	m.Context.GsID = gsID
}
