package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// attachments fills the message from its files and shares: the first gives the
// message its type and fields, and all are listed when there are several.
//
//	[{"type":"image","payload":{"url":"https:\/\/scontent.example.com\/1.jpg","sticker_id":369239263222822}},
//	 {"type":"ig_reel","payload":{"reel_video_id":"17900000000000001","title":"Reel","url":"https:\/\/…"}},
//	 {"type":"ig_story","payload":{"story_media_id":"17900000000000006","story_media_url":"https:\/\/…"}},
//	 {"type":"fallback","title":"example.com","url":"https:\/\/example.com\/","payload":null},
//	 {"type":"location","title":"Ann's location","payload":{"coordinates":{"lat":48.85,"long":2.35}}}]
func (b *Batch) attachments(m *Message, list jsondoc.Node) {
	n := list.First()
	one := b.attachment(n)
	m.Type, m.MediaID, m.MediaURL, m.MimeType, m.Filename = one.Type, one.MediaID, one.MediaURL, one.MimeType, one.Filename
	if m.Type == "location" {
		at := n.Get("payload").Get("coordinates")
		m.Location = &Location{Lat: number(at.Get("lat")), Lng: number(at.Get("long")), Name: one.Title}
	}
	count := list.Len()
	if count < 2 {
		return
	}
	m.Attachments = make([]Attachment, 0, min(count, maxAttachments))
	m.Attachments = append(m.Attachments, one)
	for n = n.Next(); n.Exists() && b.element(); n = n.Next() {
		m.Attachments = append(m.Attachments, b.attachment(n))
	}
}

// maxAttachments is for how many there is room at once: Meta sends up to 30.
const maxAttachments = 30

// attachment reads one. Its URL is a signed link that needs no token and
// expires; the media of a story mention must not be stored at all (Meta,
// "Webhooks for Instagram Messaging").
func (b *Batch) attachment(n jsondoc.Node) Attachment {
	payload := n.Get("payload")
	a := Attachment{
		Type: attachmentType(n.Get("type").Bytes()),
		MediaID: first(b.id(payload.Get("attachment_id")), b.id(payload.Get("reel_video_id")),
			b.id(payload.Get("ig_post_media_id")), b.id(payload.Get("story_media_id"))),
		MediaURL: first(b.id(payload.Get("url")), b.id(payload.Get("story_media_url")), b.id(n.Get("url"))),
		MimeType: first(b.id(payload.Get("mime_type")), b.id(n.Get("mime_type"))),
		Filename: first(b.id(payload.Get("name")), b.id(n.Get("name"))),
		Title:    first(b.id(n.Get("title")), b.id(payload.Get("title"))),
	}
	if a.Type == "location" {
		a.MediaURL = nil // of a map
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
	case "location":
		return "location"
	case "story_mention":
		return "story_mention"
	case "share", "post", "ig_post", "ig_story", "story_share", "fallback", "template", "product", "media_share", "appointment_booking":
		return "share"
	}
	return "unsupported"
}
