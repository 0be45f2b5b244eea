package caddymodule

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/normalize"
)

// Twilio is the provider Twilio, for WhatsApp and SMS. Webhooks are verified by
// X-Twilio-Signature, by a token, or by both.
type Twilio struct {
	// The account's auth token. Several may be given for a rotation.
	AuthToken []string `json:"auth_token,omitempty"`

	// Where Twilio thinks it posts, as https://bots.example.com.
	// Default: the request's own scheme and host.
	PublicURL string `json:"public_url,omitempty"`

	Tokens

	secrets   []string
	publicURL string
}

// CaddyModule returns the Caddy module information.
func (Twilio) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.twilio", New: func() caddy.Module { return new(Twilio) }}
}

// Provision reads the secrets.
func (p *Twilio) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, s := range p.AuthToken {
		secret, err := replaceText(repl, "provider twilio: auth_token", s)
		if err != nil {
			return err
		}
		p.secrets = append(p.secrets, secret)
	}
	if p.PublicURL != "" {
		text, err := replaceText(repl, "provider twilio: public_url", p.PublicURL)
		if err != nil {
			return err
		}
		if err := checkURL(text); err != nil {
			return errorf("provider twilio: public_url %w", err)
		}
		p.publicURL = strings.TrimSuffix(text, "/")
	}
	return p.provision("twilio")
}

// Validate refuses a configuration that would verify nothing.
func (p *Twilio) Validate() error {
	if len(p.AuthToken) == 0 && len(p.Tokens.Tokens) == 0 && !p.InsecureSkipVerify {
		return errors.New("provider twilio needs an auth_token or a token: write `auth_token {env.TWILIO_AUTH_TOKEN}`")
	}
	return nil
}

// Verify checks the signature where auth tokens are configured, and the token
// where one is.
func (p *Twilio) Verify(r *http.Request, body []byte) error {
	if p.InsecureSkipVerify {
		return nil
	}
	if len(p.secrets) > 0 {
		given := r.Header.Get("X-Twilio-Signature")
		if given == "" {
			return errNoSignature
		}
		if !p.signed(r, body, given) {
			return errors.New("the signature fits none of the auth tokens; it covers the public URL, so that public_url must be what Twilio posts to")
		}
	}
	if len(p.known) > 0 {
		return p.verify(r)
	}
	return nil
}

// signed tries all auth tokens, and the URL with and without the default port,
// which Twilio sometimes adds.
// https://www.twilio.com/docs/usage/security#validating-requests
func (p *Twilio) signed(r *http.Request, body []byte, given string) bool {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return false
	}
	ok := false
	for _, target := range p.targets(r) {
		text := twilioText(target, form)
		for _, secret := range p.secrets {
			if hmac.Equal([]byte(twilioSignature(secret, text)), []byte(given)) {
				ok = true
			}
		}
	}
	return ok
}

// targets are the URLs that Twilio may have signed.
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
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	switch u.Port() {
	case "":
		u.Host += ":" + port
	case port:
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	default:
		return targets
	}
	return append(targets, u.String()+uri)
}

// twilioText is the URL and the form's fields, sorted, each name with its value.
func twilioText(target string, form url.Values) string {
	var b strings.Builder
	b.WriteString(target)
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

func twilioSignature(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = io.WriteString(mac, text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Answer is the empty TwiML: send no reply.
func (*Twilio) Answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, "<Response/>")
}

// Normalize reads a form.
func (*Twilio) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.Twilio(into, body, now)
}

// SignRequest signs a form as Twilio does.
func (p *Twilio) SignRequest(r *http.Request, body []byte, secret string) {
	signWithToken(r, secret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return // the edge will say that it is no form
	}
	r.Header.Set("X-Twilio-Signature", twilioSignature(secret, twilioText(r.URL.String(), form)))
}

// UnmarshalCaddyfile sets up the provider from tokens:
//
//	twilio {
//		auth_token <token>...
//		public_url <url>
//		token header|query <name> <value>...
//		insecure_skip_verify
//	}
func (p *Twilio) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "auth_token":
			values, err := literals(d)
			if err != nil {
				return err
			}
			p.AuthToken = append(p.AuthToken, values...)
		case "public_url":
			if p.PublicURL != "" {
				return d.Err("public_url is already specified")
			}
			text, err := literal(d)
			if err != nil {
				return err
			}
			if err := checkURL(text); err != nil && !strings.Contains(text, "{") {
				return d.Errf("public_url %s", err)
			}
			p.PublicURL = text
		default:
			ok, err := p.parseOption(d)
			if err != nil {
				return err
			}
			if !ok {
				return unknownOption(d, "provider twilio")
			}
		}
	}
	if err := p.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var (
	_ Provider              = (*Twilio)(nil)
	_ answerer              = (*Twilio)(nil)
	_ caddy.Provisioner     = (*Twilio)(nil)
	_ caddy.Validator       = (*Twilio)(nil)
	_ caddyfile.Unmarshaler = (*Twilio)(nil)
)
