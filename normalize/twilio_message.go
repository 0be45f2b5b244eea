package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// twilioMessage is what a customer wrote.
func (b *Batch) twilioMessage(src *source, root jsondoc.Node, f *twilioFields) {
	b.twilioChannel(src, f.from, f.to)
	e := b.add(src, KindMessage, eventMessage, root)
	m := b.messages.add()
	e.Message = m
	m.ID = b.twilioSID(f)
	b.twilioCustomer(e, f.from, f.waID, f.externalUserID)
	e.ProfileName = b.id(f.profileName)
	e.Username = first(b.id(f.profileUsername), b.id(f.username))
	e.setTime(jsondoc.Node{}, src.ingestedAt)
	e.ReplyUntil = e.ReceivedAt + replyWindow
	b.twilioContent(m, f)
	b.twilioReferral(e, f)
	e.key = b.messageKey(e, first(e.UserID, e.WaID), b.id(f.to))
}

// twilioContent fills the message. SMS, and older webhooks of WhatsApp, have no
// MessageType: then the fields tell.
func (b *Batch) twilioContent(m *Message, f *twilioFields) {
	b.twilioMedia(m, f)
	kind := twilioType(f.kind.Bytes())
	pressed := b.id(f.buttonText) != nil || b.id(f.buttonPayload) != nil
	chosen := b.id(f.listID) != nil || b.id(f.listTitle) != nil
	flow := first(b.id(f.interactiveData), b.id(f.flowData))
	if kind == "" {
		switch {
		case pressed:
			kind = "button"
		case chosen || flow != nil:
			kind = "interactive"
		case number(f.latitude) != nil:
			kind = "location"
		case m.MediaURL != nil:
			kind = mediaType(m.MimeType)
		default:
			kind = "text"
		}
	}
	m.Type = kind
	switch kind {
	case "text":
		m.Text = b.text(f.body)
	case "image", "video", "audio", "document", "sticker":
		m.Caption = b.id(f.body)
	case "voice":
		m.Type, m.Voice, m.Caption = "audio", True, b.id(f.body)
	case "contacts": // a vCard behind the URL
		m.Caption = b.id(f.body)
	case "location":
		m.Location = &Location{
			Lat: number(f.latitude), Lng: number(f.longitude),
			Name: b.id(f.label), Address: b.id(f.address),
		}
		m.Text = b.id(f.body)
	case "button":
		i := b.interactives.add()
		m.Interactive = i
		i.Type = Text(`"button"`)
		i.Title, i.Payload = first(b.id(f.buttonText), b.id(f.body)), b.id(f.buttonPayload)
		m.Text = i.Title
	case "interactive":
		b.twilioInteractive(m, f, pressed, chosen, flow)
	case "reaction":
		m.Reaction = &Reaction{MessageID: b.id(f.repliedSID), Emoji: b.id(f.body)}
	default:
		m.Type = "unsupported"
		m.Text = b.id(f.body)
	}
	if replied := b.id(f.repliedSID); replied != nil && kind != "reaction" {
		m.Context = b.contexts.add()
		m.Context.ID = replied
		scheme, sender := twilioAddress(f.repliedSender.Bytes())
		if string(scheme) == "whatsapp" { // as the ids of people are given
			sender = bytes.TrimLeft(sender, plusOrSpace)
		}
		if len(sender) > 0 {
			m.Context.From = b.quote(sender)
		}
		m.ReplyToID = replied
	}
	m.Forwarded = boolean(f.forwarded) == True
	m.FrequentlyForwarded = boolean(f.frequentlyForwarded) == True
}

// twilioTypes are the values of MessageType that have a meaning here.
var twilioTypes = [...]string{
	"text", "image", "video", "audio", "voice", "document", "sticker", "contacts", "location", "button", "interactive", "reaction",
}

// twilioType is the MessageType, "" where it is missing.
func twilioType(given []byte) string {
	for _, t := range twilioTypes {
		if string(given) == t {
			return t
		}
	}
	if len(given) > 0 {
		return "unsupported"
	}
	return ""
}

// twilioInteractive is a press of a reply button, a choice from a list, or a
// flow's answer, whose JSON stands in a field.
//
//	MessageType=interactive&Body=Yes&ButtonText=Yes&ButtonPayload=yes
//	MessageType=interactive&Body=Monday&ListId=a1&ListTitle=Monday&ListDescription=9+to+12
//	MessageType=interactive&InteractiveData=%7B%22pages%22%3A%5B%5D%7D
func (b *Batch) twilioInteractive(m *Message, f *twilioFields, pressed, chosen bool, flow Text) {
	i := b.interactives.add()
	m.Interactive = i
	switch {
	case pressed:
		i.Type = Text(`"button_reply"`)
		i.ButtonReply = &ButtonReply{ID: b.id(f.buttonPayload), Title: first(b.id(f.buttonText), b.id(f.body))}
		i.ID, i.Title = i.ButtonReply.ID, i.ButtonReply.Title
		m.Text = i.Title
	case chosen:
		i.Type = Text(`"list_reply"`)
		i.ListReply = &ListReply{ID: b.id(f.listID), Title: first(b.id(f.listTitle), b.id(f.body)), Description: b.id(f.listDescription)}
		i.ID, i.Title = i.ListReply.ID, i.ListReply.Title
		m.Text = i.Title
	case flow != nil:
		i.Type = Text(`"nfm_reply"`)
		i.NfmReply = &NfmReply{Body: b.id(f.body), ResponseJSON: flow, Response: b.parsed(flow)}
	default:
		m.Text = b.id(f.body)
	}
}

// parsed is the JSON that a text holds, nil if it is none.
func (b *Batch) parsed(t Text) Value {
	start := len(b.arena)
	b.arena = jsondoc.AppendDecoded(b.arena, t)
	if b.nested.Parse(b.built(start)) != nil {
		b.arena = b.arena[:start]
		return nil
	}
	return b.value(b.nested.Root())
}

// twilioMedia reads the files: WhatsApp sends one, MMS up to ten. Fetching one
// takes Twilio's own credentials, unless the account turned that off.
func (b *Batch) twilioMedia(m *Message, f *twilioFields) {
	for i := range f.media {
		url := b.id(f.media[i].url)
		if url == nil {
			continue
		}
		mime := b.id(f.media[i].mime)
		if m.MediaURL == nil {
			m.MediaURL, m.MimeType = url, mime
			continue
		}
		if m.Attachments == nil {
			m.Attachments = append(m.Attachments, Attachment{Type: mediaType(m.MimeType), MediaURL: m.MediaURL, MimeType: m.MimeType})
		}
		m.Attachments = append(m.Attachments, Attachment{Type: mediaType(mime), MediaURL: url, MimeType: mime})
	}
}

// mediaType is the type of message that a file of this content type makes.
func mediaType(contentType Text) string {
	mime := bytes.Trim(contentType, `"`)
	if bytes.HasSuffix(mime, []byte("vcard")) {
		return "contacts"
	}
	switch kind, _, _ := bytes.Cut(mime, []byte("/")); string(kind) {
	case "image":
		return "image"
	case "video":
		return "video"
	case "audio":
		return "audio"
	}
	return "document"
}

var textImage, textVideo = Text(`"image"`), Text(`"video"`)

// twilioReferral is the ad that brought the message. Messages without one still
// carry ReferralNumMedia=0.
//
//	ReferralCtwaClid=Aff-n8ZT…&ReferralSourceId=120226305854810726&ReferralSourceType=ad&ReferralSourceUrl=https%3A%2F%2Ffb.me%2F3cr4Wqqkv&
//	ReferralHeadline=Summer+sale&ReferralBody=Chat+with+us&ReferralNumMedia=1&ReferralMediaUrl=https%3A%2F%2F…&
//	ReferralMediaContentType=image%2Fjpeg
func (b *Batch) twilioReferral(e *Event, f *twilioFields) {
	r := b.referrals.add()
	e.Referral = r
	r.CtwaClid = b.id(f.referralClid)
	r.SourceID, r.SourceType, r.SourceURL = b.id(f.referralSourceID), b.id(f.referralSourceType), b.id(f.referralSourceURL)
	r.Headline, r.Body = b.id(f.referralHeadline), b.id(f.referralBody)
	// A content type; Meta's media_type is its first half.
	switch mime := f.referralMediaType.Bytes(); {
	case bytes.HasPrefix(mime, []byte("image/")):
		r.MediaType, r.ImageURL = textImage, b.id(f.referralMediaURL)
	case bytes.HasPrefix(mime, []byte("video/")):
		r.MediaType, r.VideoURL = textVideo, b.id(f.referralMediaURL)
	default:
		r.MediaType = b.id(f.referralMediaType)
	}
	b.finishReferral(e)
}
