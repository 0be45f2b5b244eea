package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/sites"
)

// handlerBlock is a leadgate block that is being read.
type handlerBlock struct {
	*Handler
	direct Tenant  // of the settings that stand directly in it
	taken  matches // by its tenants
}

func handlerOptions() options[handlerBlock] {
	rows := options[handlerBlock]{
		{name: "provider", args: "<name>", many: true, parse: (*handlerBlock).parseProvider},
		{
			name: "max_body", args: "<size>", def: "3MiB", at: func(b *handlerBlock) value { return sizeValue{&b.MaxBody, 1 << 31, "3MiB"} },
			help: "the largest body",
		},
		{
			name: "max_events", args: "<n>", def: "1000",
			at:    func(b *handlerBlock) value { return numberValue{&b.MaxEvents} },
			check: (*handlerBlock).checkEvents,
			help:  "a webhook with more is kept as one event of kind account, whole",
		},
		{name: "tenant", args: "<name>", many: true, parse: (*handlerBlock).parseTenant},
		convertOption(func(b *handlerBlock) *Tenant { return &b.direct }), adsOption(func(b *handlerBlock) *Tenant { return &b.direct }),
		{name: "match", misplaced: true, parse: func(_ *handlerBlock, d *caddyfile.Dispenser) error {
			return d.Err("match stands inside a `tenant <name> { }`")
		}},
	}
	return append(rows, kindOptions(func(b *handlerBlock) *Tenant { return &b.direct })...)
}

func (b *handlerBlock) checkEvents() error {
	if b.MaxEvents < 0 {
		return fmt.Errorf("max_events %d is no number of events: write one from 1, or nothing at all", b.MaxEvents)
	}
	return nil
}

func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

// UnmarshalCaddyfile sets up the handler from tokens:
//
//	leadgate [<matcher>] {
//		provider <name> {
//			…
//		}
//		max_body <size>
//		max_events <n>
//		tenant <name> {
//			match <key> <value>...
//			forward <url> {
//				…
//			}
//			capi [<channel>...] {
//				…
//			}
//			convert <event name> {
//				…
//			}
//			ads {
//				…
//			}
//		}
//		tenant <name>   # of the settings that stand directly in the block
//		forward <url> { … }
//		capi [<channel>...] { … }
//		convert <event name> { … }
//		ads { … }
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	b := handlerBlock{Handler: h, taken: make(matches)}
	if err := handlerOptions().parse(&b, d, "leadgate", nil); err != nil {
		return err
	}
	if h.ProviderRaw == nil {
		return d.Err("leadgate needs a provider: write `provider meta { … }`")
	}
	if b.direct.Name == "" && len(b.direct.destinations()) == 0 && len(b.direct.Convert) == 0 && b.direct.Ads == nil {
		return nil
	}
	h.Tenant = &b.direct
	if b.direct.Name == "" && b.has(sites.DefaultTenant) {
		return d.Err(twiceInBlock(sites.DefaultTenant) + "; `" + sites.DefaultTenant +
			"` is the name of the settings that stand directly in the block, " +
			"unless a line `tenant <name>` gives them another")
	}
	return nil
}

func (b *handlerBlock) parseProvider(d *caddyfile.Dispenser) error {
	if b.ProviderRaw != nil {
		return d.Err("provider is already specified: a leadgate block has one provider; write another block for another one")
	}
	known := providerNames()
	if !d.NextArg() {
		return d.Errf("provider needs a name, one of %s", strings.Join(known, ", "))
	}
	name := d.Val()
	if !slices.Contains(known, name) {
		return d.Errf("provider '%s' is unknown: write one of %s", name, strings.Join(known, ", "))
	}
	provider, err := caddyfile.UnmarshalModule(d, "leadgate.providers."+name)
	if err != nil {
		return err
	}
	b.ProviderRaw = caddyconfig.JSONModuleObject(provider, "name", name, nil)
	return nil
}

// parseTenant reads a tenant with a block of its own, or the name of the one whose
// settings stand directly in this one.
func (b *handlerBlock) parseTenant(d *caddyfile.Dispenser) error {
	t := new(Tenant)
	if err := (nameValue{&t.Name}).parse("tenant", d.RemainingArgs()); err != nil {
		return d.WrapErr(err)
	}
	if t.Name == b.direct.Name || b.has(t.Name) {
		return d.Err(twiceInBlock(t.Name))
	}
	if err := tenantOptions(b.taken).parse(t, d, "tenant "+t.Name, nil); err != nil {
		return err
	}
	switch empty := len(t.Match) == 0 && len(t.destinations()) == 0 && len(t.Convert) == 0 && t.Ads == nil; {
	case empty && b.direct.Name != "":
		return d.Errf("tenant is already specified: %s", b.direct.Name)
	case empty:
		b.direct.Name = t.Name
		return nil
	case len(t.Match) == 0:
		return d.Errf("tenant %s has no match, so nothing would reach it: write `match phone_number_id <id>`, "+
			"or `tenant %s` alone on a line and its settings directly in the block", t.Name, t.Name)
	}
	b.Tenants = append(b.Tenants, t)
	return nil
}

// has reports whether a tenant with a block of its own is called so.
func (b *handlerBlock) has(name string) bool {
	return slices.ContainsFunc(b.Tenants, func(t *Tenant) bool { return t.Name == name })
}

// twiceInBlock is the error about a tenant that stands twice in one block: most
// often copied and not renamed, and then one customer would get another's events.
func twiceInBlock(name string) string {
	return "tenant " + name + " stands twice in this block: give one of them another name, or write its match and destinations into one"
}

var _ caddyfile.Unmarshaler = (*Handler)(nil)
