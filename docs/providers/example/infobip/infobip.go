// Package infobip adds the provider Infobip to Leadgate: its WhatsApp messages,
// with the ad click that brought them, and its delivery and seen reports.
package infobip

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/caddymodule"
	"github.com/leadgate/leadgate/normalize"
)

func init() { caddy.RegisterModule(Infobip{}) }

// Infobip is the provider. Its webhooks are not signed but carry a header that
// you set: Tokens verifies it, reads the Caddyfile and refuses to load without.
type Infobip struct{ caddymodule.Tokens }

// CaddyModule returns the Caddy module information.
func (Infobip) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.infobip", New: func() caddy.Module { return new(Infobip) }}
}

// result is one element of results[]: a message, a delivery report or a seen
// report. encoding/json finds the keys whatever their case.
type result struct {
	From, To, MessageID, IntegrationType string

	ReceivedAt, DoneAt, SeenAt string
	Contact                    struct{ Name, UserID, Username string }
	Message                    *message
	Status                     struct{ GroupName string }
	Error                      struct {
		ID                json.Number
		Name, Description string
	}
}

// message is the content; which fields are there depends on the type.
type message struct {
	Type, Text, Caption, URL        string
	Title, Description, Payload, ID string
	Name, Address                   string
	Latitude, Longitude             json.Number
	Context                         struct{ ID, From string }
	Referral                        struct {
		SourceType, SourceID, SourceURL, Headline, Body, CtwaClickID string
		ReferralMedia                                                struct{ Type, URL string }
	}
}

// Normalize adds an event for each result. Nothing is an error but what is no
// JSON, and nothing is dropped: what is not understood is passed on as it came.
//
//	{"results":[{"from":"15551234567","to":"15550783881","integrationType":"WHATSAPP","receivedAt":"2025-01-10T21:40:00.000+0000",
//	 "messageId":"wamid.HBgL…","message":{"type":"TEXT","text":"Hi","referral":{"sourceType":"AD","ctwaClickId":"Aff-n8ZT…"}},
//	 "contact":{"name":"John Doe"}}]}
func (*Infobip) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	if err := into.CheckJSON(body); err != nil {
		return err
	}
	var hook struct{ Results []json.RawMessage }
	// From here on an error only says that a value has another type than
	// expected; the other values are filled all the same.
	_ = json.Unmarshal(body, &hook)
	if len(hook.Results) == 0 {
		addNotice(add(into, now, body, ""), body)
	}
	for _, raw := range hook.Results {
		var r result
		_ = json.Unmarshal(raw, &r)
		switch {
		case r.IntegrationType != "" && r.IntegrationType != "WHATSAPP":
			addNotice(add(into, now, raw, ""), raw)
		case r.Message != nil:
			e := add(into, now, raw, r.ReceivedAt)
			addMessage(e, &r)
			into.SetReferral(e, referral(r.Message))
		case r.MessageID != "" && (r.SeenAt != "" || r.Status.GroupName != ""):
			addStatus(add(into, now, raw, cmp.Or(r.SeenAt, r.DoneAt)), &r)
		default:
			addNotice(add(into, now, raw, ""), raw)
		}
	}
	return nil
}

// add makes an event with what all kinds have. raw must not change any more.
func add(into *normalize.Batch, now int64, raw []byte, at string) *normalize.Event {
	e := into.Add()
	e.Provider, e.Channel = "infobip", normalize.ChannelWhatsApp
	e.Raw = raw
	e.ReceivedAt, e.IngestedAt = now, now
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, at); err == nil {
			e.ReceivedAt, e.HasProviderTime = t.UnixMilli(), true
		}
	}
	return e
}

// customer says whose event it is, and which of your numbers it is about.
func customer(e *normalize.Event, theirs, ours string) {
	e.WaID, e.WaPhone = text(theirs), text(normalize.PhoneFromWaID(theirs))
	e.Account.DisplayPhoneNumber = text(ours) // `match phone` finds it
}

func addMessage(e *normalize.Event, r *result) {
	e.Kind, e.RawLastEventType = normalize.KindMessage, text(r.Message.Type)
	e.ReplyUntil = e.ReceivedAt + (24 * time.Hour).Milliseconds()
	customer(e, r.From, r.To)
	e.UserID, e.Username, e.ProfileName = text(r.Contact.UserID), text(r.Contact.Username), text(r.Contact.Name)
	e.Message = content(r.Message)
	e.Message.ID = text(r.MessageID)
	// A redelivery must get the same key, another message another one.
	if r.MessageID != "" {
		e.SetKey(r.MessageID)
	} else {
		e.SetKey(r.From, r.To, r.ReceivedAt, digest(e.Raw))
	}
}

func content(in *message) *normalize.Message {
	m := &normalize.Message{Type: strings.ToLower(in.Type), ReplyToID: text(in.Context.ID)}
	if in.Context.ID != "" {
		m.Context = &normalize.Context{ID: text(in.Context.ID), From: text(in.Context.From)}
	}
	switch m.Type {
	case "text":
		m.Text = text(in.Text)
	case "image", "video", "audio", "document", "sticker", "voice":
		m.MediaURL, m.Caption = text(in.URL), text(in.Caption) // downloads need Infobip's API key
		if m.Type == "voice" {
			m.Type, m.Voice = "audio", normalize.True
		}
	case "location":
		m.Location = &normalize.Location{
			Lat: number(in.Latitude), Lng: number(in.Longitude), Name: text(in.Name), Address: text(in.Address),
		}
	case "button": // of a template
		m.Text = text(in.Text)
		m.Interactive = &normalize.Interactive{Type: text("button"), Title: m.Text, Payload: text(in.Payload)}
	case "interactive_button_reply":
		m.Type, m.Text = "interactive", text(in.Title)
		m.Interactive = &normalize.Interactive{Type: text("button_reply"), ID: text(in.ID), Title: m.Text}
		m.Interactive.ButtonReply = &normalize.ButtonReply{ID: text(in.ID), Title: m.Text}
	case "interactive_list_reply":
		m.Type, m.Text = "interactive", text(in.Title)
		m.Interactive = &normalize.Interactive{Type: text("list_reply"), ID: text(in.ID), Title: m.Text}
		m.Interactive.ListReply = &normalize.ListReply{ID: text(in.ID), Title: m.Text, Description: text(in.Description)}
	default: // its content stays in raw
		m.Type, m.Text = "unsupported", text(in.Text)
	}
	return m
}

// referral is the click; without one all of it is empty.
func referral(in *message) normalize.Referral {
	r := &in.Referral
	out := normalize.Referral{
		CtwaClid:   text(r.CtwaClickID),
		SourceType: text(strings.ToLower(r.SourceType)), SourceID: text(r.SourceID), SourceURL: text(r.SourceURL),
		Headline: text(r.Headline), Body: text(r.Body), MediaType: text(strings.ToLower(r.ReferralMedia.Type)),
	}
	switch r.ReferralMedia.Type {
	case "IMAGE":
		out.ImageURL = text(r.ReferralMedia.URL)
	case "VIDEO":
		out.VideoURL = text(r.ReferralMedia.URL)
	}
	return out
}

func addStatus(e *normalize.Event, r *result) {
	e.Kind, e.RawLastEventType = normalize.KindStatus, text("status")
	customer(e, r.To, r.From)
	state := strings.ToLower(r.Status.GroupName)
	if r.SeenAt != "" {
		state = "read"
	}
	e.Status = &normalize.Status{MessageID: text(r.MessageID), State: text(state), RecipientID: text(r.To)}
	if code := number(r.Error.ID); code != nil && string(code) != "0" {
		e.Status.Errors = []normalize.Error{{Code: code, Title: text(r.Error.Name), Message: text(r.Error.Description)}}
	}
	e.SetKey(r.MessageID, state)
}

// addNotice passes on what has no place of its own in the unified JSON.
func addNotice(e *normalize.Event, raw []byte) {
	e.Kind, e.Channel = normalize.KindAccount, normalize.ChannelUnknown
	e.SetKey(digest(raw))
}

// text is unknown (null) where Infobip has nothing.
func text(s string) normalize.Text {
	if s == "" {
		return nil
	}
	return normalize.NewText(s)
}

func number(n json.Number) normalize.Value {
	if n == "" {
		return nil
	}
	return normalize.Value(n)
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

var _ caddymodule.Provider = (*Infobip)(nil)
