package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/command"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/sites"
)

// configuredChats are the leadgate blocks of a configuration file: whose their events are,
// and what conversions are said by.
func configuredChats(file, adapter string) (list []command.Chats, err error) {
	config, err := readConfig(file, adapter)
	if err != nil {
		return nil, err
	}
	read := func(handler []byte) ([]sites.Tenant, error) {
		var h Handler
		if err := json.Unmarshal(handler, &h); err != nil {
			return nil, fmt.Errorf("reading config: %w", err)
		}
		chats, err := h.chats()
		list = append(list, chats)
		return nil, err
	}
	if _, err := sites.Read(config, read, providerFacts); err != nil {
		return nil, err
	}
	return list, nil
}

// chats are a block's, which is not loaded.
func (h *Handler) chats() (c command.Chats, err error) {
	var provider struct{ Name string }
	if err := json.Unmarshal(h.ProviderRaw, &provider); err != nil {
		return c, fmt.Errorf("reading provider: %w", err)
	}
	if err := h.nulls(); err != nil {
		return c, err
	}
	c.Provider, c.Router = provider.Name, new(intake.Router)
	repl := caddy.NewReplacer()
	for _, t := range h.Tenants {
		rules, err := t.rules()
		if err != nil {
			return c, fmt.Errorf("tenant %s: %w", t.Name, err)
		}
		match := make(map[string][]string, len(t.Match))
		for key, values := range t.Match {
			for _, v := range values {
				match[key] = append(match[key], repl.ReplaceAll(v, ""))
			}
		}
		if err := c.Router.Add(&intake.Tenant{Name: t.Name, Rules: rules}, match); err != nil {
			return c, err
		}
	}
	if h.Tenant != nil {
		direct := &intake.Tenant{Name: cmp.Or(h.Tenant.Name, sites.DefaultTenant)}
		if direct.Rules, err = h.Tenant.rules(); err != nil {
			return c, fmt.Errorf("tenant %s: %w", direct.Name, err)
		}
		c.Router.Direct = direct
	}
	return c, nil
}
