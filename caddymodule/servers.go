package caddymodule

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// serverOf is the server that a handler belongs to, nil where Caddy does not say.
func serverOf(ctx caddy.Context) *caddyhttp.Server {
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return server
}

// servedBy remembers a server that takes bodies for us.
func (a *App) servedBy(server *caddyhttp.Server) {
	if server != nil && !slices.Contains(a.servers, server) {
		a.servers = append(a.servers, server)
	}
}

// warnWithoutTimeouts says, in one line for all servers, that clients may take
// any time for a body.
func (a *App) warnWithoutTimeouts() {
	var listen []string
	for _, server := range a.servers {
		if server.ReadTimeout <= 0 {
			listen = append(listen, server.Listen...)
		}
	}
	if len(listen) == 0 {
		return
	}
	slices.Sort(listen)
	a.logger.Warn("a server that takes webhooks has no read timeouts, so that slow clients can hold its connections for as long as they "+
		"like: write `servers { timeouts { read_body 10s read_header 5s } }` in the global options, with a new line behind each "+
		"brace and value",
		zap.Strings("listen", listen))
}

// credentials are the headers that Caddy's access logs hide by themselves.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

// warnOfLogs says which tokens would stand in the access log, and what to write
// so that they don't. Whether a filter has that already, Caddy does not tell.
func (h *Handler) warnOfLogs(server *caddyhttp.Server) {
	carrier, ok := h.provider.(TokenCarrier)
	if !ok || server == nil || server.Logs == nil {
		return
	}
	for _, t := range carrier.TokenPlaces() {
		name := http.CanonicalHeaderKey(t.Name)
		var line string
		switch {
		case t.Query:
			line = fmt.Sprintf("request>uri query { replace %s REDACTED }", t.Name)
		case !slices.Contains(credentials, name) || server.Logs.ShouldLogCredentials:
			line = fmt.Sprintf("request>headers>%s delete", name)
		default:
			continue
		}
		h.logger.Warn("the provider's token stands in the site's access log, unless a filter takes it out: write "+
			"`"+line+"` in `log { format filter { … } }`",
			zap.String("provider", h.providerName()), zap.String("token", t.Name))
	}
}
