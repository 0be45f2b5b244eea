// Package caddymodule plugs Leadgate into Caddy: it verifies the webhooks of
// chat providers, normalizes them into one unified JSON, forwards that to CRM
// and automation URLs, and reports ad clicks that became leads to Meta's
// Conversions API.
//
// Import it for its side effects to register the modules:
//
//	import _ "github.com/leadgate/leadgate/caddymodule"
package caddymodule

import (
	"runtime/debug"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	caddy.RegisterModule(App{})
	caddy.RegisterModule(Handler{})
	caddy.RegisterModule(Conversions{})
	caddy.RegisterModule(Media{})
	caddy.RegisterModule(Links{})
	caddy.RegisterModule(Dashboard{})
	caddy.RegisterModule(API{})
	caddy.RegisterModule(AlertWebhook{})
	caddy.RegisterModule(adminAPI{})
	for _, provider := range builtIn {
		caddy.RegisterModule(provider)
	}

	httpcaddyfile.RegisterGlobalOption("leadgate", parseGlobalOption)
	httpcaddyfile.RegisterHandlerDirective("leadgate", parseHandler)
	// Before respond, not before reverse_proxy: a catch-all respond in the same
	// site would otherwise answer the webhooks.
	httpcaddyfile.RegisterDirectiveOrder("leadgate", httpcaddyfile.Before, "respond")
	httpcaddyfile.RegisterHandlerDirective("leadgate_conversions", parseConversions)
	httpcaddyfile.RegisterDirectiveOrder("leadgate_conversions", httpcaddyfile.Before, "respond")
	httpcaddyfile.RegisterHandlerDirective("leadgate_media", parseMedia)
	httpcaddyfile.RegisterDirectiveOrder("leadgate_media", httpcaddyfile.Before, "respond")
	httpcaddyfile.RegisterHandlerDirective("leadgate_link", parseLinks)
	httpcaddyfile.RegisterDirectiveOrder("leadgate_link", httpcaddyfile.Before, "respond")
	httpcaddyfile.RegisterDirective("leadgate_dashboard", parseDashboard)
	httpcaddyfile.RegisterDirectiveOrder("leadgate_dashboard", httpcaddyfile.Before, "respond")
	httpcaddyfile.RegisterDirective("leadgate_api", parseAPI)
	httpcaddyfile.RegisterDirectiveOrder("leadgate_api", httpcaddyfile.Before, "respond")

	caddycmd.RegisterCommand(caddyCommand())
}

// modulePath is the Go module that carries this package.
const modulePath = "github.com/leadgate/leadgate"

// version is set by the linker: -X '<this package>.version=v1.2.3'. It is for
// builds from a checkout, for which Go records none.
var version string

// Version is Leadgate's version as the build recorded it, "devel" where it
// recorded none.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}
