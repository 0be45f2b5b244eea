package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/wording"
)

// Conversions is the leadgate_conversions directive: a CRM posts what became of
// a contact, and the sale is reported to the ad platforms whose click brought it.
type Conversions struct {
	// The tenant whose clicks and datasets are used.
	Tenant string `json:"tenant"`

	// What the CRM sends as Authorization: Bearer <token>. Several may be given.
	Tokens []string `json:"token,omitempty"`

	// The CRM's own words for event names.
	Map map[string]string `json:"map,omitempty"`

	endpoint conversions.Endpoint
}

// CaddyModule returns the Caddy module information.
func (Conversions) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_conversions", New: func() caddy.Module { return new(Conversions) }}
}

// Provision reads the tokens, and fails if the tenant is in no leadgate block.
func (c *Conversions) Provision(ctx caddy.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	e := &c.endpoint
	repl := caddy.NewReplacer()
	for _, t := range c.Tokens {
		token, err := replaceText(repl, "leadgate_conversions: tenant "+c.Tenant+": token", t)
		if err != nil {
			return err
		}
		e.Secrets.Add(token)
	}
	app, err := ctx.App("leadgate")
	if err != nil {
		return err
	}
	a := app.(*App)
	a.servedBy(serverOf(ctx))
	if err := a.survey(ctx); err != nil {
		return err
	}
	e.Tenant, e.Map, e.Logger, e.Now, e.ReadStatus = c.Tenant, c.Map, logger(ctx), a.now, readStatus
	e.Remember, e.Dedupe, e.MaxInFlight = time.Duration(a.RememberClicks), time.Duration(a.Dedupe), a.MaxInflightBody
	e.AdNames = a.adNames(c.Tenant)
	e.Open, e.Notices = func(ctx context.Context) (conversions.Store, func(), error) { return a.openQueue(ctx) }, a.notices
	a.atStart = append(a.atStart, func() error {
		e.Destinations = a.tenants[c.Tenant].Destinations
		countStages(e.Destinations, slices.Collect(maps.Values(c.Map))...)
		return nil
	})
	if err := a.sites.KnowsTenant("leadgate_conversions", c.Tenant, true); err != nil {
		return err
	}
	for _, from := range slices.Sorted(maps.Keys(c.Map)) {
		if err := a.sites.TakesName(c.Tenant, c.Map[from], false); err != nil {
			return fmt.Errorf("leadgate_conversions: tenant %s: map %s: %w", c.Tenant, from, err)
		}
	}
	return nil
}

func (c *Conversions) check() error {
	switch {
	case c.Tenant == "":
		return errors.New("leadgate_conversions needs a tenant: write `tenant <name>`")
	case !wording.ValidName(c.Tenant):
		return fmt.Errorf("leadgate_conversions: tenant '%s' is not of letters, digits, dots, dashes and underscores, at most 64", c.Tenant)
	case len(c.Tokens) == 0:
		return errors.New("leadgate_conversions needs a token: write `token {env.CRM_TOKEN}`")
	}
	return nil
}

// ServeHTTP answers one post.
func (c *Conversions) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	c.endpoint.ServeHTTP(w, r)
	return nil
}

func parseConversions(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(Conversions)
	if err := c.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return c, nil
}

func conversionsOptions() options[Conversions] {
	return options[Conversions]{
		{name: "tenant", args: "<name>", at: func(c *Conversions) value { return nameValue{&c.Tenant} }},
		{name: "token", args: "<token>...", many: true, at: func(c *Conversions) value { return listValue{&c.Tokens, nil} }},
		{name: "map", args: "<the CRM's word> <event name>", many: true, at: func(c *Conversions) value { return wordsValue(c.addWord) }},
	}
}

func (c *Conversions) addWord(words []string) error {
	if len(words) != 2 {
		return errors.New("map needs the CRM's word and an event name: write `map won Purchase`")
	}
	if _, taken := c.Map[words[0]]; taken {
		return fmt.Errorf("map %s is already specified", words[0])
	}
	if c.Map == nil {
		c.Map = make(map[string]string)
	}
	c.Map[words[0]] = words[1]
	return nil
}

// UnmarshalCaddyfile sets up the handler from `leadgate_conversions [<matcher>] { … }`.
func (c *Conversions) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	if err := conversionsOptions().parse(c, d, "leadgate_conversions", nil); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var (
	_ caddy.Provisioner           = (*Conversions)(nil)
	_ caddyhttp.MiddlewareHandler = (*Conversions)(nil)
	_ caddyfile.Unmarshaler       = (*Conversions)(nil)
)
