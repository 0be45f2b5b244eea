package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// attachments fills the message from its files and shares: the first gives the
// message its type and fields, and all are listed when there are several.
//
//	[{"type":"image","payload":{"url":"https:\/\/scontent.example.com\/1.jpg","sticker_id":369239263222822}},
//	 {"type":"ig_reel","payload":{"reel_video_id":"17900000000000001","title":"Reel","url":"https:\/\/…"}},
//	 {"type":"ig_story","payload":{"story_media_id":"17900000000000006","story_media_url":"https:\/\/…"}},
//	 {"type":"sticker","payload":{"sticker_id":767226160478561,"url":"https:\/\/…"}},
//	 {"type":"fallback","title":"example.com","url":"https:\/\/example.com\/","payload":null},
//	 {"type":"location","title":"Ann's location","payload":{"coordinates":{"lat":48.85,"long":2.35}}}]
//
// Of two attachments for one thing, as Meta sent them for some months of 2025
// and 2026, one is a twin: the image of a sticker, and the share of a post.
func (b *Batch) attachments(src *source, m *Message, list jsondoc.Node) {
	twins := twinsIn(list)
	n, count := jsondoc.Node{}, 0
	for c := list.First(); c.Exists(); c = c.Next() {
		if twins.drop(c) {
			continue
		}
		if count++; count == 1 {
			n = c
		}
	}
	one := b.attachment(src, n)
	twins.complete(b, &one, n)
	m.Type, m.MediaID, m.MediaURL, m.MimeType, m.Filename = one.Type, one.MediaID, one.MediaURL, one.MimeType, one.Filename
	if m.Type == "location" {
		at := n.Get("payload").Get("coordinates")
		m.Location = &Location{Lat: number(at.Get("lat")), Lng: number(at.Get("long")), Name: one.Title}
	}
	if count < 2 {
		return
	}
	m.Attachments = make([]Attachment, 0, min(count, maxAttachments))
	m.Attachments = append(m.Attachments, one)
	for n = n.Next(); n.Exists() && b.element(); n = n.Next() {
		if !twins.drop(n) {
			a := b.attachment(src, n)
			twins.complete(b, &a, n)
			m.Attachments = append(m.Attachments, a)
		}
	}
}

// maxTwins is how many attachments are compared with each other, at the most.
const maxTwins = maxAttachments

// twins are the attachments of a message that stand for another one.
type twins struct {
	list            jsondoc.Node
	stickers, posts bool
}

func twinsIn(list jsondoc.Node) twins {
	t := twins{list: list}
	if list.Len() > maxTwins {
		return t
	}
	for c := list.First(); c.Exists(); c = c.Next() {
		switch string(c.Get("type").Bytes()) {
		case "sticker":
			t.stickers = true
		case "ig_post":
			t.posts = true
		}
	}
	return t
}

// drop reports whether an attachment is the twin of another: an image with the
// sticker_id of a sticker, a share beside a post.
func (t *twins) drop(n jsondoc.Node) bool {
	switch string(n.Get("type").Bytes()) {
	case "image":
		return t.stickers && t.twin(n, "sticker").Exists()
	case "share":
		return t.posts
	}
	return false
}

// complete takes from the twin that is dropped what the other has not.
func (t *twins) complete(b *Batch, a *Attachment, n jsondoc.Node) {
	var twin jsondoc.Node
	switch kind := string(n.Get("type").Bytes()); {
	case kind == "sticker" && t.stickers:
		twin = t.twin(n, "image")
	case kind == "ig_post" && t.posts:
		twin = t.twin(n, "share")
	}
	if twin.Exists() {
		a.MediaURL = first(a.MediaURL, b.id(twin.Get("payload").Get("url")))
	}
}

// twin is the attachment of a type that shows the same as n. Shares have no id.
func (t *twins) twin(n jsondoc.Node, kind string) jsondoc.Node {
	id := stickerID(n)
	for c := t.list.First(); c.Exists(); c = c.Next() {
		if string(c.Get("type").Bytes()) != kind {
			continue
		}
		if kind == "share" || len(id) > 0 && bytes.Equal(id, stickerID(c)) {
			return c
		}
	}
	return jsondoc.Node{}
}

// maxAttachments is for how many there is room at once: Meta sends up to 30.
const maxAttachments = 30

// stickerID is an attachment's id of a sticker, for comparing.
func stickerID(n jsondoc.Node) []byte { return bare(n.Get("payload").Get("sticker_id")) }

// attachment reads one. Its URL is a signed link that needs no token and
// expires; the media of a story mention must not be stored at all (Meta,
// "Webhooks for Instagram Messaging").
func (b *Batch) attachment(src *source, n jsondoc.Node) Attachment {
	payload := n.Get("payload")
	b.word(src, PlaceAttachment, n.Get("type").Bytes())
	a := Attachment{
		Type: attachmentType(n.Get("type").Bytes()),
		MediaID: first(b.id(payload.Get("attachment_id")), b.id(payload.Get("reel_video_id")),
			b.id(payload.Get("ig_post_media_id")), b.id(payload.Get("story_media_id"))),
		MediaURL: first(b.id(payload.Get("url")), b.id(payload.Get("story_media_url")), b.id(n.Get("url"))),
		MimeType: first(b.id(payload.Get("mime_type")), b.id(n.Get("mime_type"))),
		Filename: first(b.id(payload.Get("name")), b.id(n.Get("name"))),
		Title:    first(b.id(n.Get("title")), b.id(payload.Get("title"))),
	}
	switch a.Type {
	case "location":
		a.MediaURL = nil // of a map
	case "sticker":
		a.MediaID = first(b.id(payload.Get("sticker_id")), a.MediaID)
	}
	return a
}

// attachmentType is the message type of an attachment. What is neither a file
// nor known to be shared is unsupported: unsupported_type, ephemeral (a photo
// to be seen once, without a URL), and what Meta may add.
func attachmentType(name []byte) string {
	switch string(name) {
	case "image":
		return "image"
	case "video", "reel", "ig_reel":
		return "video"
	case "audio":
		return "audio"
	case "file":
		return "document"
	case "sticker":
		return "sticker"
	case "location":
		return "location"
	case "story_mention":
		return "story_mention"
	case "share", "post", "ig_post", "ig_story", "story_share", "fallback", "template", "product", "media_share", "appointment_booking":
		return "share"
	}
	return "unsupported"
}
