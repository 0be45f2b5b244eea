package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/normalize"
)

// Whapi is the provider Whapi.Cloud, in all its modes: it may also PUT, PATCH
// and DELETE, and append paths, so that the matcher wants a star:
// /webhooks/whapi*. It signs nothing: webhooks are verified by a token.
type Whapi struct{ Tokens }

// CaddyModule returns the Caddy module information.
func (Whapi) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.whapi", New: func() caddy.Module { return new(Whapi) }}
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

// PostsBelow is of the modes "path" and "method".
func (*Whapi) PostsBelow() string { return "/messages" }

// OmitsWABA names all of them.
func (*Whapi) OmitsWABA() string { return "Whapi's webhooks" }

var (
	_ Provider      = (*Whapi)(nil)
	_ MethodLister  = (*Whapi)(nil)
	_ PathExtender  = (*Whapi)(nil)
	_ SingleAccount = (*Whapi)(nil)
	_ WABAOmitter   = (*Whapi)(nil)
)
