package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/api"
	"github.com/leadgate/leadgate/internal/wording"
)

// API is the leadgate_api directive: what one tenant's programs may ask of the edge
// and have it do, by a token: destinations, dead letters, figures of ads, contacts.
// It is the admin API narrowed to that tenant, and describes itself in openapi.json.
type API struct {
	// Whose destinations, dead letters, ads and contacts these are; a tenant of a
	// leadgate block. Others', and what matched no tenant, cannot be asked about.
	Tenant string `json:"tenant"`

	// What programs send as Authorization: Bearer <token>.
	Token string `json:"token"`

	// How much they may do: read, to ask; replay, to replay dead letters, too; all,
	// to drop them, erase contacts, pause and resume destinations, too. Default: read.
	Allow string `json:"allow,omitempty"`

	// The paths that the routes lie below, without a slash at the end. The Caddyfile
	// has those of the directive's matcher. Default: a route is what a path ends in.
	Below []string `json:"below,omitempty"`

	server api.Server
}

// CaddyModule returns the Caddy module information.
func (API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_api", New: func() caddy.Module { return new(API) }}
}

// Provision reads the token, and fails if the tenant is in no leadgate block.
func (p *API) Provision(ctx caddy.Context) error {
	if err := p.check(); err != nil {
		return err
	}
	read := *p
	where := "leadgate_api: tenant " + p.Tenant + ": "
	repl := caddy.NewReplacer()
	err := apiOptions().resolve(&read, func(option, text string) (string, error) { return replaceText(repl, where+option, text) })
	if err != nil {
		return err
	}
	a, err := surveyedApp(ctx)
	if err != nil {
		return err
	}
	a.servedBy(serverOf(ctx))
	p.server = api.Server{
		Tenant: p.Tenant, Edge: adminEdge.Of(p.Tenant), Level: api.Level(slices.Index(api.Levels, read.Allow)), Await: awaitStart,
		Below: p.Below, MaxInFlight: a.MaxInflightBody, ReadStatus: readStatus, Logger: logger(ctx),
	}
	p.server.Secrets.Add(read.Token)
	return a.sites.KnowsTenant("leadgate_api", p.Tenant, false)
}

func (p *API) check() error {
	switch {
	case p.Tenant == "":
		return errors.New("leadgate_api needs a tenant: write `tenant <name>`")
	case !wording.ValidName(p.Tenant):
		return fmt.Errorf("leadgate_api: tenant '%s' is not of letters, digits, dots, dashes and underscores, at most 64", p.Tenant)
	case p.Token == "":
		return errors.New("leadgate_api needs a token: write `token {env.LEADGATE_API_TOKEN}`")
	}
	return nil
}

// ServeHTTP answers one request.
func (p *API) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	p.server.ServeHTTP(w, r)
	return nil
}

// parseAPI makes the route: as for every handler, but that the routes lie below the
// paths of its matcher.
func parseAPI(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matchers, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	p := new(API)
	if err := p.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	if p.Below, err = pathsBelow(matchers); err != nil {
		return nil, err
	}
	return h.NewRoute(matchers, p), nil
}

// pathsBelow are the paths of a matcher that end in a star, without it.
func pathsBelow(matchers caddy.ModuleMap) (below []string, err error) {
	raw, ok := matchers["path"]
	if !ok {
		return nil, nil
	}
	var paths caddyhttp.MatchPath
	if err := json.Unmarshal(raw, &paths); err != nil {
		return nil, fmt.Errorf("reading path matcher: %w", err)
	}
	for _, path := range paths {
		start, star := strings.CutSuffix(path, "*")
		if !star || strings.Contains(start, "*") {
			return nil, fmt.Errorf("leadgate_api: its routes lie below %s: write a path that ends in /*, such as /api/*", path)
		}
		below = append(below, strings.TrimSuffix(start, "/"))
	}
	return below, nil
}

func apiOptions() options[API] {
	return options[API]{
		{name: "tenant", args: "<name>", at: func(p *API) value { return nameValue{&p.Tenant} }},
		{name: "token", args: "<token>", at: func(p *API) value { return textValue{&p.Token} }},
		{name: "allow", args: "read|replay|all", def: "read", at: func(p *API) value { return wordValue{&p.Allow, oneOf(api.Levels...)} }},
	}
}

// UnmarshalCaddyfile sets up the handler from `leadgate_api [<matcher>] { … }`.
func (p *API) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	if err := apiOptions().parse(p, d, "leadgate_api", nil); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var (
	_ caddy.Provisioner           = (*API)(nil)
	_ caddyhttp.MiddlewareHandler = (*API)(nil)
	_ caddyfile.Unmarshaler       = (*API)(nil)
)
