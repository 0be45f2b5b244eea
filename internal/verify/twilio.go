package caddymodule

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

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const (
	twilioHeader = "X-Twilio-Signature"

	// twilioSettings comes with what a Shared Key signed:
	// key=<its SID>,algorithm=HMAC_SHA256.
	// https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys
	twilioSettings = "X-Twilio-Webhooks-Signature-Settings"

	// twilioFields is how many fields a form may have before it is known to be
	// Twilio's, which sends about 30.
	twilioFields = 1000
)

// Verify checks the signature where there are keys to check it with, and the
// token where one is.
func (p *Twilio) Verify(r *http.Request, body []byte) error {
	if p.InsecureSkipVerify {
		return nil
	}
	if p.signatures() {
		form, text, err := p.verifySignature(r, body)
		if err != nil {
			return err
		}
		if len(p.known) == 0 {
			// The signature is the only proof, and it does not say where a
			// field ends.
			return checkTwilioIDs(form, text)
		}
	}
	if len(p.known) > 0 {
		return p.verify(r)
	}
	return nil
}

// verifySignature returns the form and what of it is signed.
func (p *Twilio) verifySignature(r *http.Request, body []byte) (url.Values, string, error) {
	given := r.Header.Get(twilioHeader)
	if given == "" {
		return nil, "", errNoSignature
	}
	secrets, algorithm, err := p.keys(r.Header.Get(twilioSettings), given)
	if err != nil {
		return nil, "", err
	}
	if bytes.Count(body, []byte("&")) >= twilioFields {
		return nil, "", errors.New("the form has more fields than a webhook of Twilio's")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, "", errors.New("the body is no form, so that nothing of it can be signed")
	}
	text := twilioText(form)
	ok := false
	for _, target := range p.targets(r) {
		for _, secret := range secrets {
			if hmac.Equal([]byte(twilioSignature(algorithm, secret, target, text)), []byte(given)) {
				ok = true
			}
		}
	}
	if !ok {
		return nil, "", errors.New("the signature fits none of the keys; it covers the public URL, so that public_url must be what Twilio posts to")
	}
	return form, text, nil
}

// keys are those that may have signed, and how. A key and its algorithm belong
// together: the header does not choose another for it.
func (p *Twilio) keys(settings, given string) ([][]byte, func() hash.Hash, error) {
	if settings == "" {
		// A Shared Key's signature is longer.
		if len(p.secrets) > 0 && len(given) <= base64.StdEncoding.EncodedLen(sha1.Size) || len(p.shared) == 0 {
			return p.secrets, sha1.New, nil
		}
		return p.shared, sha256.New, nil
	}
	if algorithm := twilioSetting(settings, "algorithm"); algorithm != "HMAC_SHA256" {
		return nil, nil, errors.New("the header " + twilioSettings + " names an algorithm that is not HMAC_SHA256")
	}
	if len(p.shared) == 0 {
		return nil, nil, errors.New("a Shared Key signed it, as the header " + twilioSettings + " says, and none is configured: write `shared_key <sid> <secret>`")
	}
	return p.shared, sha256.New, nil
}

// twilioSetting is one of the settings key=…,algorithm=….
func twilioSetting(settings, name string) string {
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
func (p *Twilio) targets(r *http.Request) []string {
	original := r
	if o, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		original = &o // before any rewrite
	}
	base := p.publicURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	uri := original.URL.RequestURI()
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

// twilioText is what is signed after the URL: the form's fields, sorted, each
// name with its value, and nothing in between.
func twilioText(form url.Values) string {
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

func twilioSignature(algorithm func() hash.Hash, secret []byte, target, text string) string {
	mac := hmac.New(algorithm, secret)
	_, _ = mac.Write([]byte(target))
	_, _ = mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Seal is the signature: it covers names and values without what separates
// them, so that other fields can be cut out of the same text.
func (p *Twilio) Seal(r *http.Request) string {
	if !p.signatures() || p.InsecureSkipVerify {
		return ""
	}
	return r.Header.Get(twilioHeader)
}

// SignRequest signs a form as Twilio does with an auth token.
func (p *Twilio) SignRequest(r *http.Request, body []byte, secret string) {
	signWithToken(r, secret)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return // the edge will say that it is no form
	}
	r.Header.Set(twilioHeader, twilioSignature(sha1.New, []byte(secret), r.URL.String(), twilioText(form)))
}
