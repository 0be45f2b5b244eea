package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// referral fills referral, utm and ad of a message: the click that brought it.
// Without a click their fields are all unknown.
//
//	{"source_url":"https:\/\/fb.me\/3cr4Wqqkv","source_id":"120226305854810726","source_type":"ad","headline":"…","body":"…",
//	 "media_type":"video","image_url":"…","video_url":"…","thumbnail_url":"…","ctwa_clid":"Aff-n8ZT…","ref":"…",
//	 "welcome_message":{"text":"…"}}
func (b *Batch) referral(e *Event, n jsondoc.Node) {
	r := b.referrals.add()
	e.Referral = r
	for c := n.First(); c.Exists(); c = c.Next() {
		var field *Text
		switch string(c.Key()) {
		case "ctwa_clid":
			field = &r.CtwaClid
		case "source_url":
			field = &r.SourceURL
		case "source_type":
			field = &r.SourceType
		case "source_id":
			field = &r.SourceID
		case "headline":
			field = &r.Headline
		case "body":
			field = &r.Body
		case "media_type":
			field = &r.MediaType
		case "image_url":
			field = &r.ImageURL
		case "video_url":
			field = &r.VideoURL
		case "thumbnail_url":
			field = &r.ThumbnailURL
		case "ref": // of an ad, or of a welcome sequence (Meta, "Welcome message sequences", June 2026)
			field = &r.Ref
		case "welcome_message":
			if r.WelcomeMessage == nil {
				r.WelcomeMessage = first(b.id(c.Get("text")), b.id(c))
			}
			continue
		default:
			continue
		}
		if *field == nil {
			*field = b.id(c)
		}
	}
	// Gupshup leaves names of its own template in unused fields.
	for _, url := range [...]*Text{&r.ImageURL, &r.VideoURL, &r.ThumbnailURL, &r.SourceURL} {
		if bytes.HasPrefix(*url, []byte(`"RAW_`)) {
			*url = nil
		}
	}
	b.finishReferral(e)
}

// finishReferral fills what follows from a referral's own fields: utm, ad, and
// the ad's id (the source's where that is an ad, else the channel's, else the
// one in the URL).
func (b *Batch) finishReferral(e *Event) {
	r := e.Referral
	e.UTM, e.Ad = b.utms.add(), b.ads.add()
	b.parameters(e.UTM, e.Ad, r.SourceURL)
	if string(r.SourceType) == `"ad"` && r.SourceID != nil {
		r.AdID = r.SourceID
	}
	r.AdID = first(r.AdID, e.Ad.AdID)
}

// parameters reads utm_* and the ad's ids from a URL's query.
func (b *Batch) parameters(utm *UTM, ad *Ad, url Text) {
	// A question mark may be written as \u003f.
	if bytes.IndexByte(url, '?') < 0 && !bytes.Contains(url, []byte(`\u`)) {
		return
	}
	b.scratch = url.Append(b.scratch[:0])
	_, query, ok := bytes.Cut(b.scratch, []byte("?"))
	if !ok {
		return
	}
	query, _, _ = bytes.Cut(query, []byte("#"))
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		name, value, _ := bytes.Cut(pair, []byte("="))
		field := parameter(utm, ad, unescapeQuery(name))
		if field != nil && *field == nil {
			*field = b.quote(unescapeQuery(value))
		}
	}
	// The first value wins, also an empty one, which is as good as none; so is
	// {{ad.id}}, where Meta did not fill it in: it names no ad.
	for _, f := range [...]*Text{
		&utm.Source, &utm.Medium, &utm.Campaign, &utm.Content, &utm.Term,
		&ad.CampaignID, &ad.AdsetID, &ad.AdID, &ad.Placement, &ad.SiteSourceName,
	} {
		if len(*f) == 2 || bytes.HasPrefix(*f, []byte(`"{{`)) && bytes.HasSuffix(*f, []byte(`}}"`)) {
			*f = nil
		}
	}
}

// parameter is the field that a query parameter fills, nil for none.
func parameter(utm *UTM, ad *Ad, name []byte) *Text {
	switch string(name) {
	case "utm_source":
		return &utm.Source
	case "utm_medium":
		return &utm.Medium
	case "utm_campaign":
		return &utm.Campaign
	case "utm_content":
		return &utm.Content
	case "utm_term":
		return &utm.Term
	case "campaign_id", "campaign.id":
		return &ad.CampaignID
	case "adset_id", "adset.id":
		return &ad.AdsetID
	case "ad_id", "ad.id":
		return &ad.AdID
	case "placement":
		return &ad.Placement
	case "site_source_name":
		return &ad.SiteSourceName
	}
	return nil
}

// unescapeQuery decodes a name or value of a query in place: + is a space, %41
// an A. A percent sign without two hex digits stays.
func unescapeQuery(s []byte) []byte {
	if bytes.IndexByte(s, '%') < 0 && bytes.IndexByte(s, '+') < 0 {
		return s
	}
	out := s[:0]
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return out
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
