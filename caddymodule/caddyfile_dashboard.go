package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func parseDashboard(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	d := new(Dashboard)
	if err := d.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return d, nil
}

// UnmarshalCaddyfile sets up the handler from tokens:
//
//	leadgate_dashboard [<matcher>] {
//		insecure_skip_auth
//	}
func (d *Dashboard) UnmarshalCaddyfile(disp *caddyfile.Dispenser) error {
	disp.Next()
	if err := noValue(disp); err != nil {
		return err
	}
	for nesting := disp.Nesting(); disp.NextBlock(nesting); {
		switch disp.Val() {
		case "insecure_skip_auth":
			if err := noValue(disp); err != nil {
				return err
			}
			d.InsecureSkipAuth = true
		default:
			return unknownOption(disp, "leadgate_dashboard")
		}
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Dashboard)(nil)
