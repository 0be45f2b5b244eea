package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// whapiInteractive is a press of a button, a choice from a list, or a message
// that has buttons itself, which passes with its type (Whapi's word for it
// where it has none of its own) and its text.
//
//	{"type":"buttons_reply","buttons_reply":{"id":"ButtonsV3:yes","title":"Yes"}}
//	{"type":"list_reply","list_reply":{"id":"ListV3:a1","title":"Monday","description":"9 to 12"}}
//	{"type":"button","header":{"text":"Sale"},"body":{"text":"Choose"},"footer":{"text":"…"},"action":{"buttons":[]}}
func (b *Batch) whapiInteractive(m *Message, kind string, node jsondoc.Node) {
	i := b.interactives.add()
	m.Interactive = i
	if kind != "reply" {
		i.Type = first(b.id(node.Get("type")), NewText(kind))
		body := node.Get("body")
		m.Text = first(b.id(body), b.id(body.Get("text")), b.id(node.Get("text")))
		return
	}
	i.Type = b.id(node.Get("type"))
	press := node.Get("buttons_reply")
	if !press.Exists() {
		press = node.Get("button_reply")
	}
	if press.Kind() == '{' {
		i.ButtonReply = &ButtonReply{ID: b.id(press.Get("id")), Title: b.id(press.Get("title"))}
		i.ID, i.Title = i.ButtonReply.ID, i.ButtonReply.Title
		i.Type = Text(`"button_reply"`) // the same word whoever carried it
	}
	if r := node.Get("list_reply"); r.Kind() == '{' {
		i.ListReply = &ListReply{ID: b.id(r.Get("id")), Title: b.id(r.Get("title")), Description: b.id(r.Get("description"))}
		i.ID, i.Title = i.ListReply.ID, i.ListReply.Title
		i.Type = Text(`"list_reply"`)
	}
	m.Text = i.Title
}

// whapiAction is something done to another message: a reaction, an edit, a
// deletion. Votes, comments, pins and timers have no place in the unified JSON.
//
//	{"type":"reaction","target":"wbvJ8Fr71sq2L8lPILge.Q-gLUTwl0rVw","emoji":"👍"}
//	{"type":"edit","target":"…","edited_type":"text","edited_content":{"body":"Hello!"}}
//	{"type":"delete","target":"…"}
func (b *Batch) whapiAction(m *Message, node jsondoc.Node) {
	target := b.id(node.Get("target"))
	switch string(node.Get("type").Bytes()) {
	case "reaction":
		m.Type = "reaction"
		m.Reaction = &Reaction{MessageID: target, Emoji: b.id(node.Get("emoji"))}
	case "delete":
		m.Type, m.OriginalID = "revoke", target
	case "edit", "edited":
		edited := node.Get("edited_content")
		kind, _ := whapiType(jsondoc.Node{}, node.Get("edited_type"))
		if kind == "" || kind == "action" {
			kind = "text"
		}
		b.whapiFill(m, kind, edited)
		m.Type, m.OriginalID = "edit", target
	}
}

// whapiReferral is the ad that brought the message. ctwa is a string; some
// describe an object with clid. Without `ad` the message is organic, whatever
// else the context holds.
//
//	{"ad":{"title":"Summer sale","body":"Chat with us","media_type":"image","preview_url":"https://…","media_url":"https://…",
//	       "source":{"id":"120226305854810726","type":"ad","url":"https://fb.me/3cr4Wqqkv"},"attrib":true,"ctwa":"Aff-n8ZT…","ref":"…"},
//	 "conversion":{"source":"FB_Ads","data":"QWR…","delay":12}}
func (b *Batch) whapiReferral(e *Event, context jsondoc.Node) {
	r := b.referrals.add()
	e.Referral = r
	if ad := context.Get("ad"); ad.Kind() == '{' {
		ctwa, from := ad.Get("ctwa"), ad.Get("source")
		r.CtwaClid = first(b.id(ctwa), b.id(ctwa.Get("clid")))
		r.SourceID, r.SourceType, r.SourceURL = b.id(from.Get("id")), b.id(from.Get("type")), b.id(from.Get("url"))
		r.Headline, r.Body = b.id(ad.Get("title")), b.id(ad.Get("body"))
		r.MediaType, r.ThumbnailURL = b.lower(ad.Get("media_type")), b.id(ad.Get("preview_url"))
		switch string(r.MediaType) {
		case `"image"`:
			r.ImageURL = b.id(ad.Get("media_url"))
		case `"video"`, `"gif"`:
			r.VideoURL = b.id(ad.Get("media_url"))
		}
		r.Ref = b.id(ad.Get("ref"))
		r.DedupToken = b.id(context.Get("conversion").Get("data"))
	}
	b.finishReferral(e)
}
