package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// parseDashboard makes the route: as for every handler, but that a path such as
// /leadgate/* also matches /leadgate, which people type, and which is answered
// with a redirect.
func parseDashboard(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matchers, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	if matchers, err = withoutSlash(matchers); err != nil {
		return nil, err
	}
	d := new(Dashboard)
	if err := d.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(matchers, d), nil
}

// withoutSlash adds to a matcher's paths those without the slash at their end. A
// named matcher is other directives' too, and stays as it is.
func withoutSlash(matchers caddy.ModuleMap) (caddy.ModuleMap, error) {
	raw, ok := matchers["path"]
	if !ok {
		return matchers, nil
	}
	var paths caddyhttp.MatchPath
	if err := json.Unmarshal(raw, &paths); err != nil {
		return nil, fmt.Errorf("reading path matcher: %w", err)
	}
	for _, path := range slices.Clip(paths) {
		bare, ok := strings.CutSuffix(path, "/*")
		if ok && bare != "" && !strings.Contains(bare, "*") && !slices.Contains(paths, bare) {
			paths = append(paths, bare)
		}
	}
	matchers = maps.Clone(matchers)
	matchers["path"] = caddyconfig.JSON(paths, nil)
	return matchers, nil
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
