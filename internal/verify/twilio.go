package verify

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The headers of Twilio's signature. The second comes with what a Shared Key
// signed: key=<its SID>,algorithm=HMAC_SHA256.
// https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys
const (
	TwilioSignature = "X-Twilio-Signature"
	TwilioSettings  = "X-Twilio-Webhooks-Signature-Settings"
)

// maxFields is how many fields a form may have before it is known to be Twilio's,
// which sends about 30.
const maxFields = 1000

// Twilio checks X-Twilio-Signature.
// https://www.twilio.com/docs/usage/security#validating-requests
type Twilio struct {
	AuthTokens []string // with which Twilio signs by HMAC-SHA1
	SharedKeys []string // with which it signs by HMAC-SHA256
	PublicURL  string   // where Twilio thinks it posts; "" = the scheme and host that a request itself names
}

// Verify checks the signature of a form. uri is the path and query that Twilio
// posted to, before any rewrite. proven says that the fields are proven otherwise,
// by a token: the signature does not say where a field ends, so that the form's
// ids must vouch for it where it is the only proof.
func (t *Twilio) Verify(r *http.Request, uri string, body []byte, proven bool) error {
	given := r.Header.Get(TwilioSignature)
	if given == "" {
		return ErrNoSignature
	}
	secrets, algorithm, err := t.keys(r.Header.Get(TwilioSettings), given)
	if err != nil {
		return err
	}
	if bytes.Count(body, []byte("&")) >= maxFields {
		return errors.New("the form has more fields than a webhook of Twilio's")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return errors.New("the body is no form, so that nothing of it can be signed")
	}
	text := signedText(form)
	ok := false
	for _, target := range t.targets(r, uri) {
		for _, secret := range secrets {
			if hmac.Equal([]byte(sign(algorithm, secret, target, text)), []byte(given)) {
				ok = true
			}
		}
	}
	switch {
	case !ok:
		return errors.New("the signature fits none of the keys; it covers the public URL, so that public_url must be what Twilio posts to")
	case proven:
		return nil
	}
	return checkIDs(form, text)
}

// keys are those that may have signed, and how. A key and its algorithm belong
// together: the header does not choose another for it.
func (t *Twilio) keys(settings, given string) ([]string, func() hash.Hash, error) {
	if settings == "" {
		// A Shared Key's signature is longer.
		if len(t.AuthTokens) > 0 && len(given) <= base64.StdEncoding.EncodedLen(sha1.Size) || len(t.SharedKeys) == 0 {
			return t.AuthTokens, sha1.New, nil
		}
		return t.SharedKeys, sha256.New, nil
	}
	if algorithm := setting(settings, "algorithm"); algorithm != "HMAC_SHA256" {
		return nil, nil, errors.New("the header " + TwilioSettings + " names an algorithm that is not HMAC_SHA256")
	}
	if len(t.SharedKeys) == 0 {
		return nil, nil, errors.New("a Shared Key signed it, as the header " + TwilioSettings +
			" says, and none is configured: write `shared_key <sid> <secret>`")
	}
	return t.SharedKeys, sha256.New, nil
}

// setting is one of the settings key=…,algorithm=….
func setting(settings, name string) string {
	for part := range strings.SplitSeq(settings, ",") {
		if key, value, _ := strings.Cut(part, "="); strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// targets are the URLs that Twilio may have signed: with the port that is
// written, without any, and with the scheme's own. Twilio's own libraries try
// these, since its back ends differ.
// https://github.com/twilio/twilio-node/blob/main/src/webhooks/webhooks.ts
func (t *Twilio) targets(r *http.Request, uri string) []string {
	base := t.PublicURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	targets := []string{base + uri}
	u, err := url.Parse(base)
	if err != nil {
		return targets
	}
	bare := u.Host
	if port := u.Port(); port != "" {
		bare = strings.TrimSuffix(bare, ":"+port)
	}
	for _, port := range []string{"", ":" + map[string]string{"http": "80", "https": "443"}[u.Scheme]} {
		u.Host = bare + port
		if target := u.String() + uri; !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	return targets
}

// signedText is what is signed after the URL: the form's fields, sorted, each
// name with its value, and nothing in between.
func signedText(form url.Values) string {
	var b strings.Builder
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		// Like Twilio's own libraries: each different value once, sorted.
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			b.WriteString(name)
			b.WriteString(v)
		}
	}
	return b.String()
}

func sign(algorithm func() hash.Hash, secret, target, text string) string {
	mac := hmac.New(algorithm, []byte(secret))
	_, _ = mac.Write([]byte(target))
	_, _ = mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SignTwilio signs a form as Twilio does with an auth token, for the URL that r
// asks for. What is no form stays unsigned.
func SignTwilio(r *http.Request, body []byte, authToken string) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return // the edge will say that it is no form
	}
	r.Header.Set(TwilioSignature, sign(sha1.New, authToken, r.URL.String(), signedText(form)))
}
