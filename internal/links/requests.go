package links

import (
	"net/http"
	"net/url"
	"strings"
)

// previews are words of the User-Agents of what asks for a link and is nobody: chats
// that show a preview, search engines, scanners of mail, scripts, monitors. All are in
// lower case. WhatsApp's own preview begins with its name; a browser inside of an app,
// which names the app somewhere, is a person's.
var previews = []string{
	"facebookexternalhit", "facebot", "facebookcatalog", "meta-external", "twitterbot", "slackbot", "slack-imgproxy", "discordbot",
	"telegrambot", "linkedinbot", "pinterestbot", "skypeuripreview", "microsoftpreview",
	"googlebot", "adsbot-google", "google-inspectiontool", "googleother", "apis-google", "storebot-google", "mediapartners-google",
	"google-read-aloud", "bingbot", "adidxbot", "bingpreview", "yandexbot", "duckduckbot", "applebot", "baiduspider", "petalbot",
	"bytespider", "semrushbot", "ahrefsbot", "mj12bot", "dotbot",
	"gptbot", "oai-searchbot", "chatgpt-user", "claudebot", "perplexitybot", "amazonbot", "ccbot",
	"headlesschrome", "lighthouse", "curl/", "wget/", "python-requests", "go-http-client",
	"proofpoint", "barracuda", "mimecast", "ciscosecureemail", "uptimerobot",
}

// isBot reports whether nobody looks at the answer: a preview, a robot, or a part of a
// page, for which browsers ask by Sec-Fetch-Dest, too.
func isBot(h http.Header) bool {
	agent := strings.ToLower(strings.TrimSpace(h.Get("User-Agent")))
	if agent == "" || strings.HasPrefix(agent, "whatsapp/") {
		return true
	}
	for _, word := range previews {
		if strings.Contains(agent, word) {
			return true
		}
	}
	dest := h.Get("Sec-Fetch-Dest")
	return dest != "" && !strings.EqualFold(dest, "document")
}

// isPrefetch reports whether a browser asks in advance: it may show the answer later,
// to a person who then clicks, and the code would be of no click.
func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		for _, value := range h.Values(name) {
			value = strings.ToLower(value)
			if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview") {
				return true
			}
		}
	}
	return false
}

// consentName is the query's parameter for what the visitor said to the site's banner.
const consentName = "consent"

// granted are the words of a consent; any other is none.
var granted = map[string]bool{"1": true, "granted": true, "true": true, "yes": true}

// consentOf is what a visitor allows: whether ids are read, and whether that was asked
// and allowed. Where nobody says anything, they are.
func consentOf(queries []url.Values, h http.Header) (ids, asked bool) {
	if strings.TrimSpace(h.Get("Sec-GPC")) == "1" {
		return false, false
	}
	for _, query := range queries {
		for name, values := range query {
			if !strings.EqualFold(name, consentName) { // a refusal in any case is one
				continue
			}
			for _, value := range values {
				if !granted[strings.ToLower(strings.TrimSpace(value))] {
					return false, false
				}
				asked = true
			}
		}
	}
	return true, asked
}

// queriesOf are those that parameters are read from: the request's own, and behind it
// that of the page whose button was pressed, if it is of the same origin. The browser
// tells the pages of other origins without theirs.
func queriesOf(r *http.Request, scheme, host string) []url.Values {
	queries := []url.Values{r.URL.Query()}
	referer, err := url.Parse(r.Referer())
	if err != nil || referer.RawQuery == "" || !sameOrigin(referer, scheme, host) {
		return queries
	}
	return append(queries, referer.Query())
}

func sameOrigin(page *url.URL, scheme, host string) bool {
	return strings.EqualFold(page.Scheme, scheme) && strings.EqualFold(withoutPort(page.Host, scheme), withoutPort(host, scheme))
}

// withoutPort is a host without the port that its scheme has anyway.
func withoutPort(host, scheme string) string {
	if strings.EqualFold(scheme, "https") {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// visitOf reads a visit.
func visitOf(r *http.Request, scheme, host string, extra []string, printed bool) visit {
	queries := queriesOf(r, scheme, host)
	ids, asked := consentOf(queries, r.Header)
	v := read(queries, extra, ids)
	if asked {
		v.consent = "granted"
	}
	if printed {
		v.campaign[medium] = fromPrint
	}
	return v
}
