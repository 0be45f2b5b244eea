package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/normalize"
)

// Gupshup is the provider Gupshup, in its own format (V2) and in Meta's (V3).
// It signs nothing: webhooks are verified by a token.
type Gupshup struct{ Tokens }

// Whapi is the provider Whapi.Cloud, in all its modes: it may also PUT, PATCH
// and DELETE, and append paths, so that the matcher wants a star:
// /webhooks/whapi*. It signs nothing: webhooks are verified by a token.
type Whapi struct{ Tokens }

// CaddyModule returns the Caddy module information.
func (Gupshup) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.gupshup", New: func() caddy.Module { return new(Gupshup) }}
}

// CaddyModule returns the Caddy module information.
func (Whapi) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.whapi", New: func() caddy.Module { return new(Whapi) }}
}

// Handshake has nothing to answer: these providers have none.
func (*Tokens) Handshake(http.ResponseWriter, *http.Request) bool { return false }

// Verify looks for a right token.
func (t *Tokens) Verify(r *http.Request, _ []byte) error { return t.verify(r) }

// SignRequest sends the token as a header and in the query.
func (*Tokens) SignRequest(r *http.Request, _ []byte, token string) { signWithToken(r, token) }

// Normalize reads V2, V3 and the forms in between, told apart by shape.
func (*Gupshup) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.Gupshup(into, body, now)
}

// Normalize reads all of Whapi's webhooks. In the modes path and method only
// the request says what happened.
func (*Whapi) Normalize(r *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.WhapiAs(into, body, normalize.WhapiEvent(r.Method, r.URL.Path), now)
}

// Methods are those of the mode "method".
func (*Whapi) Methods() []string {
	return []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// OneAccount is true: a webhook is of one channel, which is one number.
func (*Whapi) OneAccount() bool { return true }

// OmitsWABA names all of them.
func (*Whapi) OmitsWABA() string { return "Whapi's webhooks" }

// OmitsWABA names those of its own format.
func (*Gupshup) OmitsWABA() string { return "Gupshup's webhooks in its own format (V2)" }

var (
	_ Provider              = (*Gupshup)(nil)
	_ Provider              = (*Whapi)(nil)
	_ MethodLister          = (*Whapi)(nil)
	_ SingleAccount         = (*Whapi)(nil)
	_ WABAOmitter           = (*Whapi)(nil)
	_ WABAOmitter           = (*Gupshup)(nil)
	_ caddy.Provisioner     = (*Tokens)(nil)
	_ RequestSigner         = (*Tokens)(nil)
	_ TokenCarrier          = (*Tokens)(nil)
	_ VerificationSkipper   = (*Tokens)(nil)
	_ caddyfile.Unmarshaler = (*Tokens)(nil)
)
