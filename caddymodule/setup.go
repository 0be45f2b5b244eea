package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/setup"
	"github.com/leadgate/leadgate/internal/sites"
)

// replacement replaces the placeholders of an option, as replaceText does.
type replacement func(option, text string) (string, error)

// configuredMeta are the blocks of provider meta of a configuration file, with what their
// placeholders hold.
func configuredMeta(file, adapter string) (list []setup.Block, err error) {
	config, err := readConfig(file, adapter)
	if err != nil {
		return nil, err
	}
	var handlers []*Handler
	read := func(handler []byte) ([]sites.Tenant, error) {
		h := new(Handler)
		if err := json.Unmarshal(handler, h); err != nil {
			return nil, fmt.Errorf("reading config: %w", err)
		}
		handlers = append(handlers, h)
		return nil, h.nulls()
	}
	found, err := sites.Read(config, read, providerFacts)
	if err != nil {
		return nil, err
	}
	repl := caddy.NewReplacer()
	for i, h := range handlers { // each is a block
		b, is, err := h.setUp(func(option, text string) (string, error) { return replaceText(repl, option, text) })
		if err != nil {
			return nil, err
		}
		if is {
			b.URL = found.Blocks[i].URL
			list = append(list, b)
		}
	}
	return list, nil
}

// setUp is a block of provider meta; of another one, is is false.
func (h *Handler) setUp(replace replacement) (b setup.Block, is bool, err error) {
	var provider struct {
		Name string
		Meta
	}
	if err := json.Unmarshal(h.ProviderRaw, &provider); err != nil {
		return b, false, fmt.Errorf("reading provider: %w", err)
	}
	if provider.Name != "meta" {
		return b, false, nil
	}
	if b.AppSecrets, err = replaceAll(replace, "provider meta: app_secret", provider.AppSecret); err != nil {
		return b, false, err
	}
	tokens, err := replaceAll(replace, "provider meta: verify_token", provider.VerifyToken)
	if err != nil {
		return b, false, err
	}
	if len(tokens) > 0 {
		b.VerifyToken = tokens[0]
	}
	tenants := h.Tenants
	if h.Tenant != nil {
		direct := *h.Tenant
		direct.Name = cmp.Or(direct.Name, sites.DefaultTenant)
		tenants = append(tenants, &direct)
	}
	for _, t := range tenants {
		of, err := t.setUp(replace)
		if err != nil {
			return b, false, fmt.Errorf("tenant %s: %w", t.Name, err)
		}
		b.Tenants = append(b.Tenants, of)
	}
	return b, true, nil
}

func replaceAll(replace replacement, option string, texts []string) (all []string, err error) {
	for _, text := range texts {
		value, err := replace(option, text)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

// setUp is what a tenant needs at Meta.
func (t *Tenant) setUp(replace replacement) (of setup.Tenant, err error) {
	of.Name = t.Name
	for key, into := range map[string]*[]string{
		"waba_id": &of.WABAs, "phone_number_id": &of.Numbers, "page_id": &of.Pages, "instagram_id": &of.Instagrams,
	} {
		if *into, err = replaceAll(replace, "match "+key, t.Match[key]); err != nil {
			return of, err
		}
	}
	for _, c := range t.CAPI {
		r, err := c.resolve(replace)
		if err != nil {
			return of, fmt.Errorf("capi %s: %w", c.Dataset, err)
		}
		of.Datasets = append(of.Datasets, setup.Dataset{
			Channels: c.Channels, ID: r.Dataset, WabaID: r.WabaID, Automatic: r.AutomaticEvents != "off",
			Access: setup.Access{
				Name: "capi " + r.Dataset, Endpoint: r.Endpoint, Version: r.GraphVersion,
				Credentials: graph.Credentials{Token: r.AccessToken, AppSecret: r.AppSecret},
			},
		})
	}
	for _, l := range t.Leads {
		r, err := l.resolve(replace)
		if err != nil {
			return of, fmt.Errorf("leads: %w", err)
		}
		config := r.config()
		of.Leads = &setup.Access{Name: "leads", Credentials: config.Credentials, Endpoint: config.Endpoint, Version: config.GraphVersion}
	}
	return of, nil
}
