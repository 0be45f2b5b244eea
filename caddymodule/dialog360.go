package caddymodule

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/normalize"
)

// Dialog360 is the provider 360dialog, in Meta's format. Meta's signature is
// made with 360dialog's own app secret, which nobody else has: webhooks are
// verified by a token, by the signature that 360dialog makes for its partners,
// or by both.
type Dialog360 struct {
	// The partner's platform secret, from the Partner Hub, with which
	// 360dialog signs in x-360dialog-signature. Several may be given for a
	// rotation; any may match. Where a token is configured too, both must fit.
	SignatureSecret []string `json:"signature_secret,omitempty"`

	Tokens

	secrets verify.Keys
}

// dialog360Signature is the header of the partner's signature: 64 hex digits of
// HMAC-SHA256 over the raw body. docs.360dialog.com/partner/onboarding/
// webhook-events-and-setup/signature-validation; implementations differ on a
// prefix sha256=, so that both are taken.
const dialog360Signature = "X-360dialog-Signature"

// CaddyModule returns the Caddy module information.
func (Dialog360) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.360dialog", New: func() caddy.Module { return new(Dialog360) }}
}

// Provision reads the secrets.
func (p *Dialog360) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, s := range p.SignatureSecret {
		secret, err := replaceText(repl, "provider 360dialog: signature_secret", s)
		if err != nil {
			return err
		}
		p.secrets = append(p.secrets, verify.NewKey(secret))
	}
	return p.provision("360dialog")
}

// Validate refuses a configuration that would verify nothing.
func (p *Dialog360) Validate() error {
	if len(p.SignatureSecret) > 0 {
		return nil
	}
	return p.validate("360dialog")
}

// Verify checks the signature where secrets are configured, and the token where
// one is.
func (p *Dialog360) Verify(r *http.Request, body []byte) error {
	if p.InsecureSkipVerify {
		return nil
	}
	if len(p.secrets) > 0 {
		header := r.Header.Get(dialog360Signature)
		if header == "" {
			return verify.ErrNoSignature
		}
		given, ok := verify.ParseSum(strings.TrimPrefix(header, verify.SumPrefix))
		if !ok {
			return errors.New("the signature is not 64 hex digits")
		}
		if p.secrets.Find(body, given) == nil {
			return errors.New("the signature fits none of the signature secrets")
		}
	}
	if len(p.known) > 0 {
		return p.Tokens.Verify(r, body)
	}
	return nil
}

// SignatureHeaders is the partner's signature.
func (*Dialog360) SignatureHeaders() []string { return []string{dialog360Signature} }

// OmitsWABA names the webhooks of the on-premise product.
func (*Dialog360) OmitsWABA() string {
	return "360dialog's webhooks in the old form without an envelope"
}

// CanSign reports whether there is a signature secret.
func (p *Dialog360) CanSign() bool { return len(p.secrets) > 0 }

// SignPart signs a part with the secret that the whole was signed with.
func (p *Dialog360) SignPart(r *http.Request, body, part []byte) http.Header {
	signed := make(http.Header, 1)
	if sum, ok := p.secrets.SignPart(r, dialog360Signature, body, part); ok {
		signed.Set(dialog360Signature, sum.Hex())
	}
	return signed
}

// Normalize reads Meta's form and the old one without its envelope.
func (*Dialog360) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.Dialog360(into, body, now)
}

// SignRequest sends the secret as a token and signs with it.
func (*Dialog360) SignRequest(r *http.Request, body []byte, secret string) {
	verify.SignWithToken(r, secret)
	r.Header.Set(dialog360Signature, verify.NewKey(secret).Sign(body).Hex())
}

func dialog360Options() options[Dialog360] {
	tokens := tokenRows(func(p *Dialog360) *Tokens { return &p.Tokens })
	return slices.Insert(tokens, 1, option[Dialog360]{
		name: "signature_secret", args: "<secret>...", many: true, at: func(p *Dialog360) value { return listValue{&p.SignatureSecret, nil} },
	})
}

func (*Dialog360) optionNames() []string { return dialog360Options().names() }

// SecretOptions are those of the signature and the tokens.
func (*Dialog360) SecretOptions() []string { return []string{"signature_secret", "tokens"} }

// UnmarshalCaddyfile sets up the provider from `360dialog { … }`.
func (p *Dialog360) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	if err := dialog360Options().parse(p, d, "provider 360dialog", nil); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var (
	_ Provider              = (*Dialog360)(nil)
	_ caddy.Provisioner     = (*Dialog360)(nil)
	_ caddy.Validator       = (*Dialog360)(nil)
	_ caddyfile.Unmarshaler = (*Dialog360)(nil)
	_ HeaderSigner          = (*Dialog360)(nil)
	_ PartSigner            = (*Dialog360)(nil)
	_ RequestSigner         = (*Dialog360)(nil)
	_ WABAOmitter           = (*Dialog360)(nil)
)
