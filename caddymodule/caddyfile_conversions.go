package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/capi"
)

func parseConversions(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(Conversions)
	if err := c.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return c, nil
}

// UnmarshalCaddyfile sets up the handler from tokens:
//
//	leadgate_conversions [<matcher>] {
//		tenant <name>
//		token  <token>...
//		map    <the CRM's word> <event name>
//	}
func (c *Conversions) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "tenant":
			if c.Tenant != "" {
				return d.Err("tenant is already specified")
			}
			name, err := nameArg(d, "tenant")
			if err != nil {
				return err
			}
			c.Tenant = name
		case "token":
			tokens, err := literals(d)
			if err != nil {
				return err
			}
			c.Tokens = append(c.Tokens, tokens...)
		case "map":
			args, err := literals(d)
			if err != nil {
				return err
			}
			if len(args) != 2 {
				return d.Err("map needs the CRM's word and an event name: write `map won Purchase`")
			}
			if _, taken := c.Map[args[0]]; taken {
				return d.Errf("map %s is already specified", args[0])
			}
			if err := capi.CheckName(args[1]); err != nil {
				return d.WrapErr(err)
			}
			if c.Map == nil {
				c.Map = make(map[string]string)
			}
			c.Map[args[0]] = args[1]
		default:
			return unknownOption(d, "leadgate_conversions")
		}
	}
	if err := c.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Conversions)(nil)
