package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// whapiMessage is a message, or an own one as an echo. raw is the array's
// element, which in messages_updates holds the message n; business is the
// business's own number where the update names it. It returns nil for what is in
// no chat with a customer.
//
//	{"id":"p.w30M7fgwWD4XwHu.g4CA-gBgTwl0rVw","from_me":false,"type":"text","chat_id":"15551234567@s.whatsapp.net",
//	 "timestamp":1736535600,"source":"mobile","text":{"body":"Hello"},"from":"15551234567","from_name":"John Doe",
//	 "context":{"quoted_id":"…","quoted_author":"15550783881","forwarded":true,"forwarding_score":1,"ad":{},"conversion":{}}}
func (b *Batch) whapiMessage(src *source, n, raw, business jsondoc.Node) *Event {
	p := whapiPartsOf(n)
	if isAside(p.chat) || isAside(p.from) {
		b.whapiAside(src, &p, raw)
		return nil
	}
	own, vote := boolean(p.fromMe) == True, isVote(n, &p)
	if vote && own {
		own = b.whapiVoter(n, &p, business)
	}
	e := b.whapiAdd(src, &p, raw, own)
	m := e.Message
	m.ID = b.id(p.id)
	b.whapiContent(m, n, &p)
	if src.changed && string(p.kind.Bytes()) != "action" && !vote {
		m.Type, m.OriginalID, p.context = "edit", m.ID, jsondoc.Node{} // the click was the original's
	}
	if m.OriginalID != nil && m.OriginalID.String() == m.ID.String() {
		m.ID = nil // an edit under the original's id would pass for the original
	}
	e.setTime(p.timestamp, src.ingestedAt)
	if e.Kind == KindMessage {
		b.whapiReferral(e, p.context)
		e.ReplyUntil = whapiReplyUntil(e)
	}
	from := first(b.id(p.from), e.WaID)
	switch {
	case vote && m.ID != nil:
		voter, _ := b.whapiID(from)
		e.key = b.whapiKey(e, m.ID, "vote", voter)
	case m.Type == "edit" && m.ID == nil && m.OriginalID != nil && string(p.kind.Bytes()) == "poll":
		e.key = b.whapiPollKey(e, m.OriginalID)
	case m.Type == "edit" && m.ID == nil && m.OriginalID != nil:
		e.key = b.whapiKey(e, m.OriginalID, "edit", nil)
	default:
		e.key = b.messageKey(e, from, b.id(p.chat))
	}
	return e
}

// whapiReplyUntil is 0 for what opens no window.
func whapiReplyUntil(e *Event) int64 {
	switch e.Message.Type {
	case "system", "edit", "revoke":
		return 0
	}
	return e.ReceivedAt + replyWindow
}

// whapiAdd appends the event of a message, with its customer.
func (b *Batch) whapiAdd(src *source, p *whapiParts, raw jsondoc.Node, own bool) *Event {
	kind := KindMessage
	if own {
		kind = KindEcho
	}
	e := b.add(src, kind, src.field, raw)
	e.Message = b.messages.add()
	from, name := p.from, b.id(p.fromName)
	if own { // from and its name are the business's
		from, name = jsondoc.Node{}, nil
	}
	b.whapiCustomer(e, from, p.chat)
	if e.GroupID == nil && name == nil {
		name = b.id(p.chatName) // a chat of two has the other's name
	}
	e.ProfileName = name
	return e
}

// whapiParts are the members that every message may have, found in one pass.
type whapiParts struct {
	id, kind, subtype, chat, chatName, from, fromMe, fromName, timestamp, context jsondoc.Node
}

var whapiMembers = jsondoc.NewMembers("id", "type", "subtype", "chat_id", "chat_name", "from", "from_me", "from_name", "timestamp",
	"context")

func whapiPartsOf(n jsondoc.Node) (p whapiParts) {
	whapiMembers.Find(n, &p.id, &p.kind, &p.subtype, &p.chat, &p.chatName, &p.from, &p.fromMe, &p.fromName, &p.timestamp, &p.context)
	return p
}

// whapiContent fills the message from its type's node and its context.
func (b *Batch) whapiContent(m *Message, n jsondoc.Node, p *whapiParts) {
	kind, node := whapiType(n, p.kind)
	b.whapiFill(m, kind, node)
	switch kind {
	case "action":
		b.whapiAction(m, node)
	case "system":
		m.System = &System{Type: b.id(p.subtype), Body: b.id(node.Get("body"))}
	}
	b.whapiContext(m, p.context)
}

// whapiContents is how Whapi's types are called in the unified JSON. Types that are
// not here have no place in it (poll, story, call, event, product, pin…) and
// become unsupported.
var whapiContents = [...]struct{ whapi, unified string }{
	{"text", "text"},
	{"link_preview", "text"}, // a text with a link in it
	{"image", "image"},
	{"video", "video"},
	{"gif", "video"},
	{"short", "video"}, // a round video note
	{"audio", "audio"},
	{"voice", "audio"},
	{"document", "document"},
	{"documentWithCaption", "document"},
	{"sticker", "sticker"},
	{"location", "location"},
	{"live_location", "location"},
	{"contact", "contacts"},
	{"contact_list", "contacts"},
	{"reply", "interactive"},
	{"interactive", "interactive"},
	{"buttons", "interactive"},
	{"list", "interactive"},
	{"hsm", "interactive"},
	{"carousel", "interactive"},
	{"order", "order"},
	{"system", "system"},
	{"group_invite", "text"}, // links with a text, like link_preview
	{"newsletter_invite", "text"},
	{"catalog", "text"},
	{"action", "unsupported"}, // until whapiAction knows better
}

// whapiType is the message's type, "" for one without a place, and the node
// that holds its content. Where the type is missing, the node tells.
func whapiType(n, given jsondoc.Node) (kind string, node jsondoc.Node) {
	missing := !given.Exists() || given.Kind() == 'n'
	name := given.Bytes()
	for _, c := range whapiContents {
		switch {
		case missing:
			if node = n.Get(c.whapi); node.Kind() == '{' {
				return c.whapi, node
			}
		case string(name) == c.whapi:
			if node = n.Get(c.whapi); !node.Exists() && c.whapi == "documentWithCaption" {
				node = n.Get("document")
			}
			return c.whapi, node
		}
	}
	return "", jsondoc.Node{}
}

// whapiFill reads the node of a message's type; kind is Whapi's word.
func (b *Batch) whapiFill(m *Message, kind string, node jsondoc.Node) {
	m.Type = "unsupported"
	for _, c := range whapiContents {
		if c.whapi == kind {
			m.Type = c.unified
		}
	}
	switch m.Type {
	case "text":
		m.Text = first(b.text(node.Get("body")), b.text(node))
		if m.Text == nil && kind != "text" {
			m.Type = "unsupported"
		}
	case "image", "video", "audio", "document", "sticker":
		b.whapiMedia(m, kind, node)
	case "location":
		m.Location = &Location{
			Lat: number(node.Get("latitude")), Lng: number(node.Get("longitude")),
			Name: b.id(node.Get("name")), Address: b.id(node.Get("address")),
		}
		m.Caption = first(b.id(node.Get("caption")), b.id(node.Get("comment")))
	case "contacts":
		if kind == "contact" {
			m.Contacts = []Contact{b.vcard(node)}
			break
		}
		for card := node.Get("list").First(); card.Exists() && b.element(); card = card.Next() {
			m.Contacts = append(m.Contacts, b.vcard(card))
		}
	case "interactive":
		b.whapiInteractive(m, kind, node)
	case "order":
		m.Order = &Order{Text: b.id(node.Get("text"))}
	}
}

// whapiMedia is a file; link is there when auto-download is on for its type.
//
//	{"id":"jpeg-88f7a3a4fd","mime_type":"image/jpeg","file_size":79210,"sha256":"SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
//	 "link":"https://…","caption":"Two of these","file_name":"list.pdf","filename":"list.pdf","animated":false,
//	 "preview":"data:image/jpeg;base64,…"}
func (b *Batch) whapiMedia(m *Message, kind string, node jsondoc.Node) {
	m.MediaID = b.id(node.Get("id"))
	m.MimeType = b.id(node.Get("mime_type"))
	m.Caption = b.id(node.Get("caption"))
	m.MediaURL = b.id(node.Get("link"))
	m.SHA256 = b.sha256(node.Get("sha256"))
	m.Filename = first(b.id(node.Get("filename")), b.id(node.Get("file_name")))
	switch kind {
	case "voice":
		m.Voice = True
	case "audio":
		m.Voice = False
	case "gif":
		m.Animated = True
	case "sticker":
		m.Animated = boolean(node.Get("animated"))
	}
}

// frequently is the forwarding score from which WhatsApp says "forwarded many
// times": through five chats or more (WhatsApp's help page on forwarding); its
// own mark for it is 127.
const frequently = 5

// whapiContext is the message that this one answers, and a forward's mark.
//
//	{"quoted_id":"yqKj.Z7XWg0g1lA-wD8Sij1GoQ","quoted_type":"text","quoted_author":"15550783881","quoted_content":{},"forwarded":true,
//	 "forwarding_score":5}
func (b *Batch) whapiContext(m *Message, n jsondoc.Node) {
	c := Context{ID: b.id(n.Get("quoted_id")), From: b.id(n.Get("quoted_author"))}
	if c.ID != nil || c.From != nil {
		m.Context = b.contexts.add()
		*m.Context = c
	}
	m.ReplyToID = c.ID
	score, _ := n.Get("forwarding_score").Int()
	m.Forwarded = boolean(n.Get("forwarded")) == True
	m.FrequentlyForwarded = score >= frequently
}
