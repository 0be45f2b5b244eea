package links

import (
	"net/url"
	"strings"
	"testing"
)

// TestReferer: a button's link has no parameters, and the page of the same origin on
// which it stands has.
func TestReferer(t *testing.T) {
	const query = "gclid=TeSt-Gclid&utm_source=google&utm_medium=cpc"
	for referer, want := range map[string]Tier{
		"https://bots.example.com/landing?" + query:      Click,
		"https://BOTS.example.com:443/?" + query:         Click,
		"http://bots.example.com/landing?" + query:       Static,
		"https://www.example.com/landing?" + query:       Static,
		"https://bots.example.com:8443/landing?" + query: Static,
		"https://bots.example.com/landing":               Static,
		"%":                                              Static,
	} {
		d := newDesk(t)
		if _, row := d.row(d.wantCode("/go/summer", "Referer", referer)); row.Tier != want {
			t.Errorf("of %s: %+v", referer, row)
		}
	}
	d := newDesk(t)
	_, row := d.row(d.wantCode("/go/summer?utm_medium=button", "Referer", "https://bots.example.com/landing?"+query))
	if row.Campaign["utm_medium"] != "button" || row.Campaign["utm_source"] != "google" || row.IDs["gclid"] != "TeSt-Gclid" {
		t.Errorf("the query's own do not come first: %+v", row)
	}
	_, row = d.row(d.wantCode("/go/summer", "Referer", "https://bots.example.com/landing?consent=denied&"+query))
	if row.Tier != Campaign {
		t.Errorf("the page's consent is not asked: %+v", row)
	}
}

// TestConsent: who does not want to be told apart is not.
func TestConsent(t *testing.T) {
	for query, want := range map[string]string{
		"":                               "click",
		"&consent=1":                     "click granted",
		"&consent=Granted":               "click granted",
		"&consent=0":                     "campaign",
		"&consent=denied":                "campaign",
		"&consent=DENIED":                "campaign",
		"&consent=perhaps":               "campaign",
		"&consent=":                      "campaign",
		"&Consent=denied":                "campaign",
		"&consent=1&CONSENT=0":           "campaign",
		"&consent=granted&consent=0":     "campaign",
		"&consent=granted\x00Sec-GPC: 1": "campaign",
		"\x00Sec-GPC: 1":                 "campaign",
		"\x00Sec-GPC: 0":                 "click",
	} {
		d := newDesk(t)
		query, header, _ := strings.Cut(query, "\x00")
		name, value, _ := strings.Cut(header, ": ")
		target := "/go/summer?gclid=TeSt-Gclid&utm_source=google" + query
		headers := []string{}
		if name != "" {
			headers = append(headers, name, value)
		}
		_, row := d.row(d.wantCode(target, headers...))
		got := string(row.Tier)
		if row.Consent != nil {
			got += " " + *row.Consent
		}
		if got != want {
			t.Errorf("%s %s: %s, want %s", query, header, got, want)
		}
		if row.Tier != Click && strings.Contains(asJSON(t, row), "TeSt") {
			t.Errorf("%s %s: the id is kept: %+v", query, header, row)
		}
	}
}

// TestShapes: what is no id or no text is left out, whole.
func TestShapes(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for query, want := range map[string]string{
		"gclid=" + long(7):                       "",
		"gclid=" + long(8):                       "gclid",
		"gclid=" + long(512):                     "gclid",
		"gclid=" + long(513):                     "",
		"gclid=abc%20defgh":                      "",
		"gclid=%3Cscript%3E":                     "",
		"GCLID=abcdefgh":                         "",
		"ScCid=abcdefgh&sccid=xxxxxxxx":          "ScCid",
		"utm_source=" + long(200):                "utm_source",
		"utm_source=" + long(201):                "",
		"utm_source=" + strings.Repeat("é", 200): "utm_source",
		"utm_source=%00":                         "",
		"utm_source=a%0Ab":                       "",
		"utm_source=%C2%85x":                     "",
		"utm_source=%E2%80%AEx":                  "",
		"utm_source=%FFx":                        "",
		"utm_source=+&utm_medium=x":              "utm_medium",
		"utm_source=first&utm_source=second":     "utm_source",
		"creative=x&name=y":                      "",
		"audience=%D7%90%F0%9F%98%80":            "audience",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		v := read([]url.Values{values}, []string{"audience"}, true)
		got := ""
		for name := range v.campaign {
			got += name
		}
		for name := range v.ids {
			got += name
		}
		if got != want {
			t.Errorf("%.40s: %q is kept, want %q", query, got, want)
		}
	}
	all := url.Values{}
	for _, id := range clickIDs {
		all.Set(id.name, long(512))
	}
	for _, name := range campaignNames {
		all.Set(name, long(200))
	}
	v, size := read([]url.Values{all}, nil, true), 0
	for _, m := range []map[string]string{v.ids, v.campaign} {
		for name, value := range m {
			size += len(name) + len(value)
		}
	}
	if size > maxAll || size < maxAll-len("utm_source_platform")-512 || v.ids["gclid"] == "" {
		t.Errorf("%d bytes are kept of all", size)
	}
}

func TestSources(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "utm_medium=x": "",
		"gclid=abcdefgh&fbclid=abcdefgh":     "google",
		"gbraid=abcdefgh":                    "google",
		"wbraid=abcdefgh":                    "google",
		"fbclid=abcdefgh&ttclid=abcdefgh":    "tiktok",
		"fbclid=abcdefgh&msclkid=abcdefgh":   "microsoft",
		"fbclid=abcdefgh&twclid=abcdefgh":    "x",
		"fbclid=abcdefgh&li_fat_id=abcdefgh": "linkedin",
		"fbclid=abcdefgh&ScCid=abcdefgh":     "snapchat",
		"fbclid=abcdefgh&epik=abcdefgh":      "pinterest",
		"fbclid=abcdefgh&rdt_cid=abcdefgh":   "other",
		"fbclid=abcdefgh&utm_source=google":  "meta",
		"utm_source=Google":                  "google",
		"utm_source=fb":                      "meta",
		"utm_source=ig":                      "meta",
		"utm_source=l.instagram.com":         "meta",
		"utm_source=TikTok":                  "tiktok",
		"utm_source=bing":                    "microsoft",
		"utm_source=linkedin":                "linkedin",
		"utm_source=twitter":                 "x",
		"utm_source=snapchat":                "snapchat",
		"utm_source=pinterest":               "pinterest",
		"utm_source=newsletter":              "other",
	} {
		values, _ := url.ParseQuery(query)
		v := read([]url.Values{values}, nil, true)
		if got := v.source(); got != want {
			t.Errorf("%s comes from %q, want %q", query, got, want)
		}
	}
}
