package caddymodule

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/normalize"
)

// Meta is the provider of the WhatsApp Cloud API, Messenger and Instagram. It
// answers the handshake and verifies X-Hub-Signature-256 over the raw bytes.
type Meta struct {
	// The app's secret. Several may be given, for a rotation or for the
	// Instagram app's own; any may match.
	AppSecret []string `json:"app_secret,omitempty"`

	// The verify token that was typed into Meta's dashboard. Several may be given.
	VerifyToken []string `json:"verify_token,omitempty"`

	// Take every request for Meta's. Anybody can then post events.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`

	secrets verify.Keys
	tokens  []string
}

// CaddyModule returns the Caddy module information.
func (Meta) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.meta", New: func() caddy.Module { return new(Meta) }}
}

// Provision reads the secrets.
func (m *Meta) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, s := range m.AppSecret {
		secret, err := replaceText(repl, "provider meta: app_secret", s)
		if err != nil {
			return err
		}
		m.secrets = append(m.secrets, verify.NewKey(secret))
	}
	for _, t := range m.VerifyToken {
		token, err := replaceText(repl, "provider meta: verify_token", t)
		if err != nil {
			return err
		}
		m.tokens = append(m.tokens, token)
	}
	return nil
}

// Validate refuses a configuration that would verify nothing.
func (m *Meta) Validate() error {
	if len(m.secrets) == 0 && !m.InsecureSkipVerify {
		return errors.New("provider meta: app_secret is missing: write `app_secret {env.META_APP_SECRET}`; it is in the app's dashboard " +
			"under App settings, Basic")
	}
	if len(m.tokens) == 0 && !m.InsecureSkipVerify {
		return errors.New("provider meta: verify_token is missing: write `verify_token {env.META_VERIFY_TOKEN}`, any word that you also type " +
			"into Meta's dashboard")
	}
	return nil
}

var appSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Advise looks for an app secret that can be one of Meta's.
func (m *Meta) Advise() []Advice {
	repl := caddy.NewReplacer()
	if slices.ContainsFunc(m.AppSecret, func(text string) bool {
		secret, err := replaceText(repl, "app_secret", text)
		return err == nil && appSecret.MatchString(secret)
	}) {
		return nil
	}
	return []Advice{{
		Problem: "app_secret is not 32 hex digits, as Meta's are: webhooks of Meta would be refused with 401",
		Fix:     "copy it from the app's dashboard, App settings, Basic",
	}}
}

// SkipsVerification reports insecure_skip_verify.
func (m *Meta) SkipsVerification() bool { return m.InsecureSkipVerify }

// Handshake answers GET with hub.mode: the challenge for the right token, 403
// for any other.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started
func (m *Meta) Handshake(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	query := r.URL.Query()
	if !query.Has("hub.mode") {
		return false
	}
	token := query.Get("hub.verify_token")
	ok := m.InsecureSkipVerify && len(m.tokens) == 0
	for _, t := range m.tokens {
		if subtle.ConstantTimeCompare([]byte(token), []byte(t)) == 1 {
			ok = true
		}
	}
	// Plain text, and no guessing of another type: the challenge is the
	// caller's own text.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !ok || query.Get("hub.mode") != "subscribe" {
		intake.Refused.Say(w)
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	_, _ = io.WriteString(w, query.Get("hub.challenge"))
	return true
}

// Verify checks X-Hub-Signature-256; sha1 alone counts as missing.
func (m *Meta) Verify(r *http.Request, body []byte) error {
	if m.InsecureSkipVerify {
		return nil
	}
	header := r.Header.Get("X-Hub-Signature-256")
	if header == "" {
		if r.Header.Get("X-Hub-Signature") != "" {
			return errors.New("the request carries only a sha1 signature, which is not accepted")
		}
		return verify.ErrNoSignature
	}
	digits, ok := strings.CutPrefix(header, verify.SumPrefix)
	given, isSum := verify.ParseSum(digits)
	if !ok || !isSum {
		return errors.New("the signature is not sha256= and 64 hex digits")
	}
	if m.secrets.Find(body, given) == nil {
		return errors.New("the signature fits none of the app secrets: is app_secret that of the app that posts (App settings, Basic)?")
	}
	return nil
}

// SignatureHeaders are Meta's, the old one of SHA-1 included.
func (*Meta) SignatureHeaders() []string { return []string{"X-Hub-Signature", "X-Hub-Signature-256"} }

// CanSign reports whether there is an app secret.
func (m *Meta) CanSign() bool { return len(m.secrets) > 0 }

// SignPart signs a part with the app secret that the whole was signed with.
func (m *Meta) SignPart(r *http.Request, body, part []byte) http.Header {
	signed := make(http.Header, 1)
	if sum, ok := m.secrets.SignPart(r, "X-Hub-Signature-256", body, part); ok {
		signed.Set("X-Hub-Signature-256", verify.SumPrefix+sum.Hex())
	}
	return signed
}

// SignRequest signs a body as Meta does.
func (*Meta) SignRequest(r *http.Request, body []byte, secret string) {
	r.Header.Set("X-Hub-Signature-256", verify.SumPrefix+verify.NewKey(secret).Sign(body).Hex())
}

// Methods names GET for the handshake.
func (*Meta) Methods() []string { return []string{http.MethodGet, http.MethodPost} }

// Normalize reads all of Meta's webhooks; the object tells them apart.
func (*Meta) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.Meta(into, body, now)
}

func metaOptions() options[Meta] {
	return options[Meta]{
		{name: "app_secret", args: "<secret>...", many: true, at: func(m *Meta) value { return listValue{&m.AppSecret, nil} }},
		{name: "verify_token", args: "<token>...", many: true, at: func(m *Meta) value { return listValue{&m.VerifyToken, nil} }},
		{name: "insecure_skip_verify", many: true, at: func(m *Meta) value { return flagValue{&m.InsecureSkipVerify} }},
	}
}

func (*Meta) optionNames() []string { return metaOptions().names() }

// SecretOptions are both.
func (*Meta) SecretOptions() []string { return []string{"app_secret", "verify_token"} }

// UnmarshalCaddyfile sets up the provider from `meta { … }`.
func (m *Meta) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the provider's name
	if err := noValue(d); err != nil {
		return err
	}
	if err := metaOptions().parse(m, d, "provider meta", nil); err != nil {
		return err
	}
	// What stands in the text is checked here too, where file and line are known.
	if len(m.AppSecret) == 0 && !m.InsecureSkipVerify {
		return d.Err("provider meta needs an app_secret: write `app_secret {env.META_APP_SECRET}`")
	}
	if len(m.VerifyToken) == 0 && !m.InsecureSkipVerify {
		return d.Err("provider meta needs a verify_token: write `verify_token {env.META_VERIFY_TOKEN}`")
	}
	return nil
}

var (
	_ Provider              = (*Meta)(nil)
	_ Adviser               = (*Meta)(nil)
	_ HeaderSigner          = (*Meta)(nil)
	_ MethodLister          = (*Meta)(nil)
	_ PartSigner            = (*Meta)(nil)
	_ RequestSigner         = (*Meta)(nil)
	_ SecretHolder          = (*Meta)(nil)
	_ VerificationSkipper   = (*Meta)(nil)
	_ caddy.Provisioner     = (*Meta)(nil)
	_ caddy.Validator       = (*Meta)(nil)
	_ caddyfile.Unmarshaler = (*Meta)(nil)
)
