package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"
)

func parseMedia(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Media)
	if err := m.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return m, nil
}

// UnmarshalCaddyfile sets up the handler from tokens:
//
//	leadgate_media [<matcher>] {
//		tenant        <name>
//		token         <token>...
//		access_token  <token>
//		endpoint      <url>
//		graph_version <version>
//		max_size      <size>
//	}
func (m *Media) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	seen := make(once)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		// Lines of tokens are alternatives.
		if d.Val() != "token" {
			if err := seen.check(d); err != nil {
				return err
			}
		}
		if err := m.parseOption(d); err != nil {
			return err
		}
	}
	if err := m.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (m *Media) parseOption(d *caddyfile.Dispenser) (err error) {
	switch d.Val() {
	case "tenant":
		m.Tenant, err = nameArg(d, "tenant")
	case "token":
		var tokens []string
		tokens, err = literals(d)
		m.Tokens = append(m.Tokens, tokens...)
	case "access_token":
		m.AccessToken, err = literal(d)
	case "endpoint":
		m.Endpoint, err = literal(d)
	case "graph_version":
		m.GraphVersion, err = literal(d)
	case "max_size":
		var text string
		if text, err = literal(d); err != nil {
			return err
		}
		size, err := humanize.ParseBytes(text)
		if err != nil || size == 0 || size > 1<<62 {
			return d.Errf("max_size '%s' is no size: write one such as 100MiB", text)
		}
		m.MaxSize = int64(size)
	default:
		return unknownOption(d, "leadgate_media")
	}
	if err != nil {
		return err
	}
	// What stands in the text is looked at here, so that the mistake has its
	// line; placeholders are when they have been replaced.
	_, err = m.settings(func(_, text string) (string, error) {
		if strings.Contains(text, "{") {
			return "", nil
		}
		return text, nil
	})
	if err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Media)(nil)
