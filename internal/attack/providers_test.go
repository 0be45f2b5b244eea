package attack

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// provider is one of the providers, as an edge and an attacker know it.
type provider struct {
	name    string
	config  string   // its block
	path    string   // where it posts
	folders []string // of normalize/testdata
	match   []string // a tenant's, of the payloads there
	sign    func(e *edge, body []byte) http.Header
}

const (
	tokenSecret  = "test_token_of_a_provider"
	twilioSecret = "test_auth_token"
	verifyToken  = "test_verify_token"
)

var providers = []provider{
	{"meta", "app_secret " + edgetest.Secret + "\n\t\t\tverify_token " + verifyToken, "/webhooks/meta",
		[]string{"whatsapp", "messenger", "instagram"},
		[]string{"phone_number_id 106540352242922", "page_id 1029384756", "instagram_id 17841400000000001"},
		func(_ *edge, body []byte) http.Header {
			return http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {edgetest.Sign(body)}}
		}},
	{"gupshup", "token header X-Token " + tokenSecret, "/webhooks/gupshup", []string{"gupshup", "whatsapp"},
		[]string{"app DemoApp", "phone_number_id 106540352242922"}, withToken},
	{"whapi", "token header X-Token " + tokenSecret, "/webhooks/whapi", []string{"whapi"}, []string{"channel_id MARVEL-A1B2C"}, withToken},
	{"360dialog", "token header X-Token " + tokenSecret, "/webhooks/360dialog", []string{"360dialog", "whatsapp"},
		[]string{"phone_number_id 106540352242922"}, withToken},
	{"twilio", "auth_token " + twilioSecret, "/webhooks/twilio", []string{"twilio"}, []string{"phone +15550783881"}, signTwilio},
}

func withToken(*edge, []byte) http.Header {
	return http.Header{"Content-Type": {"application/json"}, "X-Token": {tokenSecret}}
}

// signTwilio signs a form as Twilio does: the URL and the sorted fields.
func signTwilio(e *edge, body []byte) http.Header {
	text := "http://" + e.site + "/webhooks/twilio"
	form, _ := url.ParseQuery(string(body)) // of what is no form, what can be read
	for _, name := range sortedKeys(form) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			text += name + v
		}
	}
	mac := hmac.New(sha1.New, []byte(twilioSecret))
	mac.Write([]byte(text))
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"},
		"X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

func sortedKeys(form url.Values) []string {
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// block is the provider's leadgate block with these settings.
func (p *provider) block(settings string) string {
	path := p.path
	if p.name == "whapi" {
		path += "*"
	}
	return fmt.Sprintf("\tleadgate %s {\n\t\tprovider %s {\n\t\t\t%s\n\t\t}\n%s\n\t}\n", path, p.name, p.config, settings)
}

// matches are the lines of match.
func matches(lines []string) string {
	return "\t\t\tmatch " + strings.Join(lines, "\n\t\t\tmatch ") + "\n"
}
