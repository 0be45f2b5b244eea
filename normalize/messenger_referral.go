package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// click is a referral, its members found in one pass; the zero click is none.
//
//	{"source":"ADS","type":"OPEN_THREAD","ref":"summer","ad_id":"120210000000000001","referer_uri":"https:\/\/…",
//	 "ads_context_data":{"ad_title":"Summer sale","photo_url":"https:\/\/…","video_url":"https:\/\/…","post_id":"1","product_id":"2",
//	 "flow_id":"3"}}
//	{"product":{"id":"5550001"}}
type click struct {
	exists, ad, named              bool // an ad click; with the ad's id
	source, ref, adID, uri, adData jsondoc.Node
	product                        jsondoc.Node // the id of the product that is asked about
}

var clickMembers = jsondoc.NewMembers("source", "ref", "ad_id", "referer_uri", "ads_context_data", "product")

// clickOf reads a referral that is an object.
func clickOf(n jsondoc.Node) (k click) {
	k.exists = true
	clickMembers.Find(n, &k.source, &k.ref, &k.adID, &k.uri, &k.adData, &k.product)
	k.product = k.product.Get("id") // of a page's or profile's shop
	// Meta's tests have 0 where there is no ad.
	id := k.adID.Bytes()
	k.named = len(id) > 0 && string(id) != "0"
	// All other sources (SHORTLINK, IGME-SOURCE-LINK, CUSTOMER_CHAT_PLUGIN,
	// DISCOVER_TAB…) are links and plugins.
	k.ad = k.named || bytes.EqualFold(k.source.Bytes(), adSource)
	return k
}

var adSource = []byte("ADS")

// click is the referral of an item. It may stand in four places: beside the
// sender (a thread that is there already), in the message (written from an ad or
// a product), in the postback (a new thread, Get Started), and in older opt-ins.
// An ad's goes before a link's.
func (it *item) click() (found click) {
	var product jsondoc.Node
	for i, n := range [...]jsondoc.Node{it.parts.referral, it.postback.Get("referral"), it.referral, it.optin.Get("referral"), it.optin} {
		if n.Kind() != '{' {
			continue
		}
		k := clickOf(n)
		if !product.Exists() {
			product = k.product
		}
		// An opt-in's own ref is no referral.
		if k.ad && !found.ad || !found.exists && i < 4 {
			found = k
		}
	}
	found.product = product
	return found
}

// pageClick fills referral, utm and ad of a message; without a click their
// fields are all unknown. There is no click id on Messenger and Instagram, and
// what Meta calls video_url is a thumbnail (Meta, "messaging_referrals").
func (b *Batch) pageClick(e *Event, k *click) {
	r := b.referrals.add()
	e.Referral, e.UTM, e.Ad = r, b.utms.add(), b.ads.add()
	if !k.exists {
		return
	}
	for c := k.adData.First(); c.Exists() && k.adData.Kind() == '{'; c = c.Next() {
		var field *Text
		switch string(c.Key()) {
		case "ad_title":
			field = &r.Headline
		case "photo_url":
			field = &r.ImageURL
		case "video_url":
			field = &r.ThumbnailURL
		default:
			continue
		}
		if *field == nil {
			*field = b.id(c)
		}
	}
	r.Ref, r.SourceURL = b.id(k.ref), b.id(k.uri)
	b.parameters(e.UTM, e.Ad, r.SourceURL)
	switch {
	case k.ad:
		r.SourceType = sourceAd
	case string(k.source.Bytes()) != "ad": // the word is ours to give
		r.SourceType = b.id(k.source)
	}
	if k.named {
		r.SourceID = b.id(k.adID)
		r.AdID = r.SourceID
	}
	r.AdID = first(r.AdID, e.Ad.AdID)
}
