package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/normalize"
)

// Gupshup is the provider Gupshup, in its own format (V2) and in Meta's (V3).
// It signs nothing: webhooks are verified by a token.
type Gupshup struct{ Tokens }

// CaddyModule returns the Caddy module information.
func (Gupshup) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.gupshup", New: func() caddy.Module { return new(Gupshup) }}
}

// Normalize reads V2, V3 and the forms in between, told apart by shape.
func (*Gupshup) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	return normalize.Gupshup(into, body, now)
}

// OmitsWABA names those of its own format.
func (*Gupshup) OmitsWABA() string { return "Gupshup's webhooks in its own format (V2)" }

var (
	_ Provider    = (*Gupshup)(nil)
	_ WABAOmitter = (*Gupshup)(nil)
)
