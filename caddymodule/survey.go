package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/sites"
)

// survey looks over all sites when the first of Leadgate's handlers is
// provisioned, so that what is wrong between blocks shows in caddy validate, and
// before anything starts. What cannot be right fails the block that says it;
// what may be meant is logged.
func (a *App) survey(ctx caddy.Context) error {
	if a.sites != nil {
		return nil
	}
	app, err := ctx.App("http")
	if err != nil {
		return fmt.Errorf("looking over the sites: %w", err)
	}
	config, err := describeHTTP(app.(*caddyhttp.App))
	if err != nil {
		return fmt.Errorf("looking over the sites: %w", err)
	}
	if a.sites, err = sites.Read(config, readTenants, providerFacts); err != nil {
		return err
	}
	if a.sites.Traced {
		if a.tracing, err = beginTracing(ctx); err != nil {
			return fmt.Errorf("tracing: %w", err)
		}
	}
	for _, m := range a.sites.Mistakes() {
		a.logger.Warn(m.What, zap.String("fix", m.Fix))
	}
	return nil
}

// surveyedApp is the configuration's app for a directive that needs to know its blocks.
func surveyedApp(ctx caddy.Context) (*App, error) {
	app, err := ctx.App("leadgate")
	if err != nil {
		return nil, err
	}
	a := app.(*App)
	return a, a.survey(ctx)
}

// readTenants is how sites reads the tenants of a leadgate block.
func readTenants(handler []byte) (list []sites.Tenant, err error) {
	var h Handler
	if err := json.Unmarshal(handler, &h); err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	if err := h.nulls(); err != nil {
		return nil, err
	}
	for _, t := range h.Tenants {
		list = append(list, t.site(t.Name))
	}
	if h.Tenant != nil {
		list = append(list, h.Tenant.site(cmp.Or(h.Tenant.Name, sites.DefaultTenant)))
	}
	return list, nil
}

// describeHTTP writes the sites as Caddy's JSON. While they are being provisioned,
// what has been loaded is no JSON any more, and is written again.
func describeHTTP(app *caddyhttp.App) ([]byte, error) {
	servers := make(map[string]any, len(app.Servers))
	for name, server := range app.Servers {
		described := map[string]any{
			"listen": server.Listen, "routes": describeRoutes(server.Routes),
			"tls_connection_policies": server.TLSConnPolicies, "automatic_https": server.AutoHTTPS,
		}
		named := map[string]any{}
		for name, route := range server.NamedRoutes {
			named[name] = describeRoute(route)
		}
		described["named_routes"] = named
		servers[name] = described
	}
	return json.Marshal(map[string]any{"apps": map[string]any{"http": map[string]any{
		"http_port": app.HTTPPort, "https_port": app.HTTPSPort, "servers": servers,
	}}})
}

func describeRoutes(routes caddyhttp.RouteList) []any {
	list := make([]any, 0, len(routes))
	for i := range routes {
		list = append(list, describeRoute(&routes[i]))
	}
	return list
}

func describeRoute(r *caddyhttp.Route) map[string]any {
	out := map[string]any{"terminal": r.Terminal}
	var sets []any
	for _, set := range r.MatcherSetsRaw {
		sets = append(sets, set)
	}
	if len(r.MatcherSetsRaw) == 0 {
		for _, set := range r.MatcherSets {
			described := map[string]any{}
			for _, matcher := range set {
				if m, ok := matcher.(caddy.Module); ok {
					described[m.CaddyModule().ID.Name()] = matcher
				}
			}
			sets = append(sets, described)
		}
	}
	if len(sets) > 0 {
		out["match"] = sets
	}
	var handlers []any
	for _, raw := range r.HandlersRaw {
		handlers = append(handlers, raw)
	}
	if len(r.HandlersRaw) == 0 {
		for _, handler := range r.Handlers {
			handlers = append(handlers, describeHandler(handler))
		}
	}
	out["handle"] = handlers
	return out
}

// describeHandler writes a handler again, as far as it lets itself be written.
func describeHandler(handler caddyhttp.MiddlewareHandler) map[string]any {
	out := map[string]any{}
	if b, err := json.Marshal(handler); err == nil {
		_ = json.Unmarshal(b, &out) // one that is no object has nothing that is asked for
	}
	if m, ok := handler.(caddy.Module); ok {
		out["handler"] = m.CaddyModule().ID.Name()
	}
	if sub, ok := handler.(*caddyhttp.Subroute); ok {
		out["routes"] = describeRoutes(sub.Routes)
	}
	return out
}
