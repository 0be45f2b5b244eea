package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// Lead is an instant form that a person sent. A webhook has the ids alone; the rest is
// read by the lead's id, from Meta's Graph API.
type Lead struct {
	LeadgenID        Text
	FormID, FormName Text
	PageID           Text
	AdID, AdName     Text // nil: organic, or Meta does not say
	AdsetID          Text
	AdsetName        Text
	CampaignID       Text
	CampaignName     Text
	CreatedAt        int64 // when the form was sent, ms; 0 = null
	Organic          Bool
	Platform         Text  // fb, ig, …
	Test             Bool  // of Meta's testing tools; never a customer
	Answers          Value // [{name,values}], nil until they are read
	Disclaimers      Value // [{checkbox_key,is_checked}], likewise
}

// isLeadgen reports whether a page's change tells of a form: leadgen, of a new lead, and
// leadgen_update, of what became of an old one.
func isLeadgen(field []byte) bool {
	return string(field) == "leadgen" || string(field) == "leadgen_update"
}

// leadgen normalizes a change of a page's lead ads: a lead, or an account notice, where the
// field is leadgen_update or no lead is named. adgroup_id is the ad's id under its former
// name, and no ad set's. Ids come as strings and as numbers; the dashboard's tests have 0
// for the entry's (Meta, "Webhooks for leadgen", and its test of 4 Aug 2026).
//
//	{"field":"leadgen","value":{"leadgen_id":"123123123123","page_id":"153125381133","form_id":"12312312312",
//	 "adgroup_id":"12312312312","ad_id":"12312312312","created_time":1440120384}}
//	{"field":"leadgen_update","value":{"adgroup_id":123456789,"ad_id":123456789,"leadgen_id":987654321,"page_id":111111111,
//	 "form_id":222222222,"updated_time":"1704067200","area":"ai_agent_updates","event":"qualification_status_change",
//	 "updated_fields":["qualification_details","qualification_status"]}}
func (b *Batch) leadgen(src *source, entry, change jsondoc.Node) {
	value, start := change.Get("value"), len(b.arena)
	channel := src.channel
	src.channel = ChannelLeadAds
	defer func() { src.channel = channel }()
	own := b.numbered(b.entryOf(entry).id)
	page := b.numbered(value.Get("page_id"))
	src.account = Account{PageID: first(own, page)}
	if b.limit.over {
		b.noteFrom(src, start)
		return
	}
	src.field = b.id(change.Get("field"))
	id := b.numbered(value.Get("leadgen_id"))
	if string(src.field) != `"leadgen"` || id == nil {
		b.account(src, entry, change, value)
		return
	}
	e := b.add(src, KindLead, src.field, change)
	created := value.Get("created_time")
	if e.setTime(created, src.ingestedAt); !e.HasProviderTime {
		// The entry's is of the webhook: a redelivery may carry another.
		if ms := millis(b.entryOf(entry).time); ms != 0 {
			e.ReceivedAt = ms
		}
	}
	e.Lead = b.leads.add()
	*e.Lead = Lead{
		LeadgenID: id, FormID: b.numbered(value.Get("form_id")), PageID: first(page, own),
		AdID: first(b.numbered(value.Get("ad_id")), b.numbered(value.Get("adgroup_id"))), CreatedAt: millis(created),
	}
	if own == nil || IsSampleLead(id) {
		e.Lead.Test = True
	}
	e.key = b.textKey(id)
}

// numbered is an id, nil for the 0 that tests have where there is none.
func (b *Batch) numbered(n jsondoc.Node) Text {
	id := b.id(n)
	if string(id) == `"0"` {
		return nil
	}
	return id
}

// IsSampleLead reports whether the id of a lead is one that the dashboard's Test button sends, by which
// no lead is found.
func IsSampleLead(id Text) bool {
	switch string(id) {
	case `"444444444444"`, `"123456789"`, `"987654321"`:
		return true
	}
	return false
}

// IsAd reports whether an ad brought the form.
func (l *Lead) IsAd() bool { return l != nil && l.AdID != nil }

func (l *Lead) appendJSON(dst []byte) []byte {
	if l == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"leadgenId":`, l.LeadgenID)
	dst = text(dst, `,"formId":`, l.FormID)
	dst = text(dst, `,"formName":`, l.FormName)
	dst = text(dst, `,"pageId":`, l.PageID)
	dst = text(dst, `,"adId":`, l.AdID)
	dst = text(dst, `,"adName":`, l.AdName)
	dst = text(dst, `,"adsetId":`, l.AdsetID)
	dst = text(dst, `,"adsetName":`, l.AdsetName)
	dst = text(dst, `,"campaignId":`, l.CampaignID)
	dst = text(dst, `,"campaignName":`, l.CampaignName)
	dst = timeOrNull(dst, `,"createdAt":`, l.CreatedAt)
	dst = boolOrNull(dst, `,"organic":`, l.Organic)
	dst = text(dst, `,"platform":`, l.Platform)
	dst = boolOrNull(dst, `,"test":`, l.Test)
	dst = value(dst, `,"answers":`, l.Answers)
	dst = value(dst, `,"disclaimers":`, l.Disclaimers)
	return append(dst, '}')
}
