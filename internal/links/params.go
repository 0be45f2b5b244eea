package links

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of what is kept of a query. Networks' ids are of a few dozen to some
// hundred characters; what is longer or shorter is none.
const (
	minID       = 8    // bytes
	maxID       = 512  // bytes
	maxCampaign = 200  // characters
	maxAll      = 4096 // bytes of names and values together
)

// MaxParams is how many names a configuration may add to those that are kept anyway.
const MaxParams = 10

// medium is the parameter that says how a link was met; a path that ends in /Q is the
// one of a QR code, and sets it.
const (
	medium    = "medium"
	fromPrint = "print"
)

// clickIDs are the networks' ids of one click, with the network, in the order in which
// they say where a click came from. fbclid is the last, since Facebook adds it to
// whatever people share.
var clickIDs = []struct{ name, source string }{
	{"gclid", "google"},
	{"gbraid", "google"},
	{"wbraid", "google"},
	{"msclkid", "microsoft"},
	{"ttclid", "tiktok"},
	{"twclid", "x"},
	{"li_fat_id", "linkedin"},
	{"ScCid", "snapchat"},
	{"epik", "pinterest"},
	{"dclid", "google"},
	{"srsltid", "google"},
	{"rdt_cid", "other"},
	{"fbclid", "meta"},
}

// campaignNames are the parameters that name a campaign, and no person.
var campaignNames = []string{
	"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id",
	"utm_source_platform", "utm_creative_format", "utm_marketing_tactic",
	"gad_source", "gad_campaignid", "campaignid", "adgroupid",
	"campaign_id", "adset_id", "ad_id", "placement", "site_source_name",
}

// sources are the words of utm_source that are well known.
var sources = map[string]string{
	"google": "google", "googleads": "google", "google_ads": "google", "google-ads": "google", "adwords": "google", "gads": "google",
	"youtube": "google", "dv360": "google",
	"facebook": "meta", "fb": "meta", "instagram": "meta", "ig": "meta", "meta": "meta", "messenger": "meta", "threads": "meta",
	"audience_network": "meta", "facebook_ads": "meta", "meta_ads": "meta",
	"tiktok": "tiktok", "tiktok_ads": "tiktok",
	"microsoft": "microsoft", "bing": "microsoft", "bingads": "microsoft", "microsoft_ads": "microsoft",
	"linkedin": "linkedin", "x": "x", "twitter": "x", "t.co": "x", "snapchat": "snapchat", "snap": "snapchat", "pinterest": "pinterest",
}

// CheckParam says what is wrong with a name that a configuration adds; "" where
// nothing is.
func CheckParam(name string) string {
	word := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.", r)
	}
	switch {
	case name == "" || len(name) > 64 || strings.TrimFunc(name, word) != "":
		return "'" + name + "' is no name of a query parameter: it is of letters, digits, dots, dashes and underscores, at most 64"
	case known(name):
		return "'" + name + "' is kept anyway: delete it here"
	case slices.ContainsFunc(IDs(), func(id string) bool { return strings.EqualFold(id, name) }):
		return "'" + name + "' is a network's id of a click in another case, which consent would not hold back: delete it here"
	case strings.EqualFold(name, consentName):
		return "'" + name + "' says whether ids are read, and is no parameter to keep: delete it here"
	}
	return ""
}

func known(name string) bool {
	return slices.Contains(campaignNames, name) || slices.Contains(IDs(), name)
}

// visit is what one request says of where it came from.
type visit struct {
	campaign map[string]string
	ids      map[string]string
	consent  string // granted, or ""
}

// read takes from queries what is kept: the first one that has a parameter counts.
// extra are the configuration's own names. Without ids none is read. What is not of
// the shape that it should have is left out, whole: a part of an id is none.
func read(queries []url.Values, extra []string, ids bool) visit {
	v := visit{campaign: make(map[string]string), ids: make(map[string]string)}
	room := maxAll
	take := func(to map[string]string, name string, fits func(string) bool) {
		for _, query := range queries {
			value := query.Get(name)
			if value == "" || !fits(value) {
				continue
			}
			if size := len(name) + len(value); size <= room {
				room -= size
				to[name] = value
			}
			return
		}
	}
	if ids {
		for _, id := range clickIDs {
			take(v.ids, id.name, isID)
		}
	}
	for _, names := range [][]string{campaignNames, extra} {
		for _, name := range names {
			take(v.campaign, name, isCampaign)
		}
	}
	return v
}

// isID reports whether a value has the shape of a network's click id.
func isID(value string) bool {
	return len(value) >= minID && len(value) <= maxID && strings.TrimFunc(value, func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.~-", r)
	}) == ""
}

// isCampaign reports whether a value may go on to CRMs and tables: text without
// controls, and without marks that turn its direction.
func isCampaign(value string) bool {
	return utf8.ValidString(value) && utf8.RuneCountInString(value) <= maxCampaign && strings.TrimSpace(value) != "" &&
		!strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// source is the network that a click came from, by its ids, else by utm_source; ""
// where neither says anything.
func (v *visit) source() string {
	for _, id := range clickIDs {
		if v.ids[id.name] != "" {
			return id.source
		}
	}
	word := strings.ToLower(strings.TrimSpace(v.campaign["utm_source"]))
	if word == "" {
		return ""
	}
	return cmp.Or(sources[word], sources[site(word)], "other")
}

// site is the name in a host: facebook of m.facebook.com, which some write as a source.
func site(host string) string {
	rest, ok := strings.CutSuffix(host, ".com")
	if !ok {
		return host
	}
	return rest[strings.LastIndexByte(rest, '.')+1:]
}

// IDs are the names of the networks' click ids, in the order in which they say where
// a click came from.
func IDs() []string {
	names := make([]string, len(clickIDs))
	for i, id := range clickIDs {
		names[i] = id.name
	}
	return names
}
