package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// whapiStatus is what became of a message. In a group or a broadcast
// recipient_id is the chat, and the customer is who viewed it.
//
//	{"id":"YhNqCveDWW90_t8lzrW25w-wO4Twl0rVw","code":3,"status":"delivered","recipient_id":"15551234567@s.whatsapp.net",
//	 "viewer_id":"15551234567","timestamp":"1736535800","errors":[{"code":400,"message":"…","details":"…"}]}
func (b *Batch) whapiStatus(src *source, n jsondoc.Node) {
	if isAside(n.Get("recipient_id")) {
		b.whapiCustomer(b.whapiNotice(src, n, nil), n.Get("viewer_id"), jsondoc.Node{})
		return
	}
	e := b.add(src, KindStatus, src.field, n)
	s := b.statuses.add()
	e.Status = s
	s.MessageID, s.State = b.id(n.Get("id")), b.lower(n.Get("status"))
	s.RecipientID = b.id(n.Get("recipient_id"))
	s.Errors = b.errors(n.Get("errors"))
	e.setTime(n.Get("timestamp"), src.ingestedAt)
	_, server := b.whapiID(s.RecipientID)
	viewer := n.Get("viewer_id")
	if server == whapiPerson {
		viewer = jsondoc.Node{} // in a chat of two there is nobody else
	}
	b.whapiCustomer(e, viewer, n.Get("recipient_id"))
	var participant Text
	if server == whapiGroup || server == whapiNone {
		participant = first(e.WaID, e.UserID)
	}
	e.key = b.statusKey(e, participant)
}

// whapiUpdate is an element of messages_updates: a message before and after, and
// the message that changed it where there was one. That one is the event, with
// the key that it has in messages. Without it, changed content is an edit, a
// changed status a status, and everything else (labels, results of a poll, the
// sum of reactions) a notice.
//
//	{"id":"…","trigger":{"id":"…","type":"action","action":{"type":"edit","target":"…"}},
//	 "before_update":{"id":"…","text":{"body":"Helo"}},"after_update":{"id":"…","text":{"body":"Hello"}},"changes":["text"]}
func (b *Batch) whapiUpdate(src *source, n jsondoc.Node) {
	trigger, after := n.Get("trigger"), n.Get("after_update")
	p := whapiPartsOf(after)
	kind, _ := whapiType(after, p.kind)
	if isAside(p.chat) {
		b.whapiNotice(src, n, nil)
		return
	}
	if b.id(trigger.Get("id")) != nil && trigger.Get("type").String() == "action" {
		business := jsondoc.Node{}
		if boolean(p.fromMe) == True {
			business = p.from
		}
		e := b.whapiMessage(src, trigger, n, business)
		if e == nil {
			return
		}
		if m := e.Message; m.Type == "edit" && trigger.Get("action").Get("edited_content").Kind() != '{' {
			b.whapiContent(m, after, &p)
			m.Type = "edit"
		}
		return
	}
	switch {
	case after.Kind() != '{':
		b.whapiNotice(src, n, nil)
	case whapiChanged(n, kind, "text", "type", "body", "caption"):
		e := b.whapiAdd(src, &p, n, boolean(p.fromMe) == True)
		m := e.Message
		b.whapiContent(m, after, &p)
		if m.Type != "revoke" {
			m.Type = "edit"
		}
		m.OriginalID = first(m.OriginalID, b.id(n.Get("id")), b.id(p.id))
		e.setTime(jsondoc.Node{}, src.ingestedAt) // only the original's time is known
		if e.Kind == KindMessage {
			b.whapiReferral(e, jsondoc.Node{}) // and the click was the original's
		}
		if e.key = b.messageKey(e, first(b.id(p.from), e.WaID), b.id(p.chat)); m.OriginalID != nil {
			e.key = b.whapiKey(e, m.OriginalID, m.Type, nil)
		}
	case whapiChanged(n, "status") && b.id(after.Get("status")) != nil:
		e := b.add(src, KindStatus, src.field, n)
		s := b.statuses.add()
		e.Status = s
		s.MessageID, s.State = first(b.id(n.Get("id")), b.id(p.id)), b.lower(after.Get("status"))
		s.RecipientID = b.id(p.chat)
		e.setTime(jsondoc.Node{}, src.ingestedAt)
		b.whapiCustomer(e, jsondoc.Node{}, p.chat)
		e.key = b.statusKey(e, nil)
	default:
		b.whapiNotice(src, n, nil)
	}
}

// whapiChanged reports whether one of the names is among the update's changes.
func whapiChanged(n jsondoc.Node, names ...string) bool {
	for c := n.Get("changes").First(); c.Exists(); c = c.Next() {
		for _, name := range names {
			if name != "" && c.String() == name {
				return true
			}
		}
	}
	return false
}
