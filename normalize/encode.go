package normalize

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendJSON appends the event as unified JSON. Every key is there, unknown
// values are null. attribution is the offset in out of the null that stands for
// "attribution", which is filled in when the event is sent.
func (e *Event) AppendJSON(dst []byte) (out []byte, attribution int) {
	dst = e.id.append(append(dst, `{"id":"`...))
	dst = quoted(dst, `","tenantId":`, e.TenantID)
	dst = append(append(dst, `,"kind":"`...), e.Kind.String()...)
	dst = append(dst, '"')
	dst = quotedOrNull(dst, `,"channel":`, e.Channel.String())
	dst = quoted(dst, `,"provider":`, e.Provider)

	a := &e.Account
	dst = text(dst, `,"account":{"wabaId":`, a.WabaID)
	dst = text(dst, `,"phoneNumberId":`, a.PhoneNumberID)
	dst = text(dst, `,"displayPhoneNumber":`, a.DisplayPhoneNumber)
	dst = text(dst, `,"pageId":`, a.PageID)
	dst = text(dst, `,"instagramId":`, a.InstagramID)
	dst = text(dst, `,"app":`, a.App)
	dst = text(dst, `,"channelId":`, a.ChannelID)

	dst = text(dst, `},"waPhone":`, e.WaPhone)
	dst = text(dst, `,"waId":`, e.WaID)
	dst = text(dst, `,"userId":`, e.UserID)
	dst = text(dst, `,"username":`, e.Username)
	dst = text(dst, `,"groupId":`, e.GroupID)
	dst = text(dst, `,"profileName":`, e.ProfileName)
	dst = text(dst, `,"rawLastEventType":`, e.RawLastEventType)
	dst = text(dst, `,"rawVersion":`, e.RawVersion)
	dst = strconv.AppendInt(append(dst, `,"receivedAt":`...), e.ReceivedAt, 10)
	dst = strconv.AppendInt(append(dst, `,"ingestedAt":`...), e.IngestedAt, 10)
	dst = timeOrNull(dst, `,"replyUntil":`, e.ReplyUntil)

	dst = e.Message.appendJSON(append(dst, `,"message":`...))
	dst = e.Referral.appendJSON(append(dst, `,"referral":`...))
	dst = e.UTM.appendJSON(append(dst, `,"utm":`...))
	dst = e.Ad.appendJSON(append(dst, `,"ad":`...))
	dst = e.Conversation.appendJSON(append(dst, `,"conversation":`...))
	dst = e.Status.appendJSON(append(dst, `,"status":`...))
	dst = e.AutomaticEvent.appendJSON(append(dst, `,"automaticEvent":`...))
	dst = value(dst, `,"conversion":`, e.Conversion)
	dst = value(dst, `,"conversationContext":`, e.ConversationContext)
	dst = value(dst, `,"link":`, e.Link)
	dst = e.Lead.appendJSON(append(dst, `,"lead":`...))
	dst = append(dst, `,"attribution":`...)
	attribution = len(dst)
	dst = value(dst, `null,"raw":`, e.Raw)
	return append(dst, '}'), attribution
}

func (r *Referral) appendJSON(dst []byte) []byte {
	if r == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"ctwaClid":`, r.CtwaClid)
	dst = text(dst, `,"sourceUrl":`, r.SourceURL)
	dst = text(dst, `,"sourceType":`, r.SourceType)
	dst = text(dst, `,"sourceId":`, r.SourceID)
	dst = text(dst, `,"headline":`, r.Headline)
	dst = text(dst, `,"body":`, r.Body)
	dst = text(dst, `,"mediaType":`, r.MediaType)
	dst = text(dst, `,"imageUrl":`, r.ImageURL)
	dst = text(dst, `,"videoUrl":`, r.VideoURL)
	dst = text(dst, `,"thumbnailUrl":`, r.ThumbnailURL)
	dst = text(dst, `,"welcomeMessage":`, r.WelcomeMessage)
	dst = text(dst, `,"ref":`, r.Ref)
	dst = text(dst, `,"adId":`, r.AdID)
	dst = text(dst, `,"dedupToken":`, r.DedupToken)
	return append(dst, '}')
}

func (u *UTM) appendJSON(dst []byte) []byte {
	if u == nil {
		return append(dst, "null"...)
	}
	if u.Source == nil && u.Medium == nil && u.Campaign == nil && u.Content == nil && u.Term == nil {
		return append(dst, `{"source":null,"medium":null,"campaign":null,"content":null,"term":null}`...)
	}
	dst = text(dst, `{"source":`, u.Source)
	dst = text(dst, `,"medium":`, u.Medium)
	dst = text(dst, `,"campaign":`, u.Campaign)
	dst = text(dst, `,"content":`, u.Content)
	dst = text(dst, `,"term":`, u.Term)
	return append(dst, '}')
}

func (a *Ad) appendJSON(dst []byte) []byte {
	if a == nil {
		return append(dst, "null"...)
	}
	if a.CampaignID == nil && a.AdsetID == nil && a.AdID == nil && a.Placement == nil && a.SiteSourceName == nil {
		return append(dst, `{"campaignId":null,"adsetId":null,"adId":null,"placement":null,"siteSourceName":null}`...)
	}
	dst = text(dst, `{"campaignId":`, a.CampaignID)
	dst = text(dst, `,"adsetId":`, a.AdsetID)
	dst = text(dst, `,"adId":`, a.AdID)
	dst = text(dst, `,"placement":`, a.Placement)
	dst = text(dst, `,"siteSourceName":`, a.SiteSourceName)
	return append(dst, '}')
}

func (c *Conversation) appendJSON(dst []byte) []byte {
	if c == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"id":`, c.ID)
	dst = timeOrNull(dst, `,"expirationTimestamp":`, c.ExpirationTimestamp)
	dst = text(dst, `,"originType":`, c.OriginType)
	if p := c.Pricing; p == nil {
		dst = append(dst, `,"pricing":null`...)
	} else {
		dst = text(dst, `,"pricing":{"category":`, p.Category)
		dst = boolOrNull(dst, `,"billable":`, p.Billable)
		dst = text(dst, `,"pricingModel":`, p.PricingModel)
		dst = text(dst, `,"type":`, p.Type)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func (s *Status) appendJSON(dst []byte) []byte {
	if s == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"messageId":`, s.MessageID)
	dst = text(dst, `,"gsId":`, s.GsID)
	dst = text(dst, `,"state":`, s.State)
	dst = text(dst, `,"recipientId":`, s.RecipientID)
	dst = timeOrNull(dst, `,"watermark":`, s.Watermark)
	dst = errorsOrNull(dst, `,"errors":`, s.Errors)
	dst = text(dst, `,"callbackData":`, s.CallbackData)
	return append(dst, '}')
}

func (a *AutomaticEvent) appendJSON(dst []byte) []byte {
	if a == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"eventName":`, a.EventName)
	dst = text(dst, `,"ctwaClid":`, a.CtwaClid)
	dst = text(dst, `,"currency":`, a.Currency)
	dst = value(dst, `,"value":`, a.Value)
	return append(dst, '}')
}

// The helpers append a literal that ends with the key, and the value.

func text(dst []byte, key string, t Text) []byte { return t.AppendJSON(append(dst, key...)) }

func value(dst []byte, key string, v Value) []byte { return v.AppendJSON(append(dst, key...)) }

func quoted(dst []byte, key, s string) []byte {
	// The error only reports invalid UTF-8, which is replaced.
	dst, _ = jsontext.AppendQuote(append(dst, key...), s)
	return dst
}

func quotedOrNull(dst []byte, key, s string) []byte {
	if s == "" {
		return append(append(dst, key...), "null"...)
	}
	return quoted(dst, key, s)
}

func timeOrNull(dst []byte, key string, ms int64) []byte {
	dst = append(dst, key...)
	if ms == 0 {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, ms, 10)
}

var boolNames = [...]string{Unknown: "null", False: "false", True: "true"}

func boolOrNull(dst []byte, key string, b Bool) []byte {
	return append(append(dst, key...), boolNames[b]...)
}
