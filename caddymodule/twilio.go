package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/typo"
	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/normalize"
)

// Twilio is the provider Twilio, for WhatsApp and SMS. Webhooks are verified by
// X-Twilio-Signature, by a token, or by both.
type Twilio struct {
	// The account's auth token, with which Twilio signs by HMAC-SHA1. Several
	// may be given for a rotation.
	AuthToken []string `json:"auth_token,omitempty"`

	// Shared Keys, with which Twilio signs by HMAC-SHA256 where a Webhook Rule
	// says so. Several may be given for a rotation. Where there are auth tokens
	// too, the signature may be of either.
	SharedKey []SharedKey `json:"shared_key,omitempty"`

	// Where Twilio thinks it posts, as https://bots.example.com.
	// Default: the request's own scheme and host, which whoever posts can name.
	PublicURL string `json:"public_url,omitempty"`

	Tokens

	signed verify.Twilio
}

// SharedKey is a key of Twilio's that signs webhooks instead of the auth token.
type SharedKey struct {
	// The key's SID, as the Console shows it.
	SID string `json:"sid"`

	// Its secret.
	Secret string `json:"secret"`
}

// CaddyModule returns the Caddy module information.
func (Twilio) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.twilio", New: func() caddy.Module { return new(Twilio) }}
}

// Provision reads the secrets.
func (p *Twilio) Provision(ctx caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, s := range p.AuthToken {
		secret, err := replaceText(repl, "provider twilio: auth_token", s)
		if err != nil {
			return err
		}
		if accountSID.MatchString(secret) {
			return errors.New("provider twilio: auth_token is the account's SID: write the Auth Token, which Twilio's console shows below it")
		}
		p.signed.AuthTokens = append(p.signed.AuthTokens, secret)
	}
	for _, key := range p.SharedKey {
		if _, err := replaceText(repl, "provider twilio: the sid of shared_key", key.SID); err != nil {
			return err
		}
		secret, err := replaceText(repl, "provider twilio: shared_key", key.Secret)
		if err != nil {
			return err
		}
		p.signed.SharedKeys = append(p.signed.SharedKeys, secret)
	}
	if p.PublicURL != "" {
		text, err := replaceText(repl, "provider twilio: public_url", p.PublicURL)
		if err != nil {
			return err
		}
		if err := typo.URL(text); err != nil {
			return fmt.Errorf("provider twilio: public_url %w", err)
		}
		if strings.ContainsAny(text, "?#") {
			return errors.New("provider twilio: public_url has a query: write the scheme and host alone, the path and query of each request " +
				"follow by themselves")
		}
		p.signed.PublicURL = strings.TrimSuffix(text, "/")
	}
	if p.signatures() && p.signed.PublicURL == "" && !p.InsecureSkipVerify {
		logger(ctx).Warn("provider twilio has no public_url: the signature is checked for the scheme and host that the request itself names, " +
			"so that a webhook which Twilio signed for another host passes here; write `public_url https://…`, the address that Twilio posts to")
	}
	return p.provision("twilio")
}

var accountSID = regexp.MustCompile(`^AC[0-9a-f]{32}$`)

// Validate refuses a configuration that would verify nothing.
func (p *Twilio) Validate() error {
	if !p.signatures() && len(p.Tokens.Tokens) == 0 && !p.InsecureSkipVerify {
		return errors.New("provider twilio needs an auth_token, a shared_key or a token: write `auth_token {env.TWILIO_AUTH_TOKEN}`")
	}
	return nil
}

// Advise asks for public_url.
func (p *Twilio) Advise() []Advice {
	if !p.signatures() || p.PublicURL != "" {
		return nil
	}
	return []Advice{{
		Problem: "Twilio's signatures are checked for the scheme and host that a request itself names, " +
			"and a webhook signed for another host passes",
		Fix: "write `public_url https://…` into the provider block: the scheme and host that Twilio posts to",
	}}
}

// signatures reports whether webhooks must be signed.
func (p *Twilio) signatures() bool { return len(p.AuthToken)+len(p.SharedKey) > 0 }

// Verify checks the signature where there are keys to check it with, and the
// token where one is.
func (p *Twilio) Verify(r *http.Request, body []byte) error {
	if p.InsecureSkipVerify {
		return nil
	}
	byToken := len(p.known) > 0
	if p.signatures() {
		uri := r.URL.RequestURI()
		if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
			uri = original.URL.RequestURI() // before any rewrite
		}
		if err := p.signed.Verify(r, uri, body, byToken); err != nil {
			return err
		}
	}
	if byToken {
		return p.Tokens.Verify(r, body)
	}
	return nil
}

// Seal is the signature: it covers names and values without what separates
// them, so that other fields can be cut out of the same text.
func (p *Twilio) Seal(r *http.Request) string {
	if !p.signatures() || p.InsecureSkipVerify {
		return ""
	}
	return r.Header.Get(verify.TwilioSignature)
}

// SignRequest signs a form as Twilio does with an auth token.
func (*Twilio) SignRequest(r *http.Request, body []byte, secret string) {
	verify.SignWithToken(r, secret)
	verify.SignTwilio(r, body, secret)
}

// ContentType is that of a form.
func (*Twilio) ContentType() string { return "application/x-www-form-urlencoded" }

// SignatureHeaders are the signature, and what says how it was made.
func (*Twilio) SignatureHeaders() []string {
	return []string{verify.TwilioSignature, verify.TwilioSettings}
}

// OneAccount is true: a webhook is one message's.
func (*Twilio) OneAccount() bool { return true }

// OmitsWABA names all of them.
func (*Twilio) OmitsWABA() string { return "Twilio's webhooks" }

// Answer is the empty TwiML: send no reply.
func (*Twilio) Answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, "<Response/>")
}

// Normalize reads a form.
func (*Twilio) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.Twilio(into, body, now)
}

func twilioOptions() options[Twilio] {
	return append(options[Twilio]{
		{name: "auth_token", args: "<token>...", many: true, at: func(p *Twilio) value { return listValue{&p.AuthToken, nil} }},
		{name: "shared_key", args: "<sid> <secret>", many: true, at: func(p *Twilio) value { return wordsValue(p.addKey) }},
		{name: "public_url", args: "<url>", at: func(p *Twilio) value { return wordValue{&p.PublicURL, testPublicURL} }},
	}, tokenRows(func(p *Twilio) *Tokens { return &p.Tokens })...)
}

func (p *Twilio) addKey(words []string) error {
	if len(words) != 2 {
		return errors.New("shared_key takes the key's SID and its secret: write `shared_key <sid> {env.TWILIO_SHARED_KEY}`, a line for each key")
	}
	p.SharedKey = append(p.SharedKey, SharedKey{SID: words[0], Secret: words[1]})
	return nil
}

func testPublicURL(option, text string) error {
	if err := typo.URL(text); err != nil && !strings.Contains(text, "{") {
		return fmt.Errorf("%s %w", option, err)
	}
	return nil
}

func (*Twilio) optionNames() []string { return twilioOptions().names() }

// SecretOptions are those of signatures and the tokens.
func (*Twilio) SecretOptions() []string { return []string{"auth_token", "shared_key", "tokens"} }

// UnmarshalCaddyfile sets up the provider from `twilio { … }`.
func (p *Twilio) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	if err := twilioOptions().parse(p, d, "provider twilio", nil); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var (
	_ Provider              = (*Twilio)(nil)
	_ Adviser               = (*Twilio)(nil)
	_ Answerer              = (*Twilio)(nil)
	_ ContentTyper          = (*Twilio)(nil)
	_ HeaderSigner          = (*Twilio)(nil)
	_ RequestSigner         = (*Twilio)(nil)
	_ Sealer                = (*Twilio)(nil)
	_ SingleAccount         = (*Twilio)(nil)
	_ WABAOmitter           = (*Twilio)(nil)
	_ caddy.Provisioner     = (*Twilio)(nil)
	_ caddy.Validator       = (*Twilio)(nil)
	_ caddyfile.Unmarshaler = (*Twilio)(nil)
)
