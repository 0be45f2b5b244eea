package sites

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// place is where the walk through the routes stands.
type place struct {
	scheme, port string
	host, path   string
	pattern      string // of the path, before it was stripped of prefix
	prefix       string // stripped of the path
	auto         bool   // Caddy adds TLS for hosts but these
	plain        []string
	answered     []string // patterns of paths for which an earlier route answers
	special      bool     // matchers other than host and path decide, too
}

// walk goes through a list of routes, in which one that answers hides what comes
// after it on the same paths.
func (s *Sites) walk(routes []any, at place) error {
	for _, r := range routes {
		route, _ := r.(map[string]any)
		here := at
		here.match(route["match"])
		handlers, _ := route["handle"].([]any)
		for _, h := range handlers {
			handler, _ := h.(map[string]any)
			if strip, _ := handler["strip_path_prefix"].(string); handler["handler"] == "rewrite" && strip != "" {
				at.prefix, at.pattern = at.prefix+strip, ""
				here.prefix, here.pattern = here.prefix+strip, ""
			}
			if err := s.handler(handler, here); err != nil {
				return err
			}
			if answersAll([]any{h}) { // those behind it in the same route are never asked
				here.answered = append(slices.Clip(here.answered), "*")
			}
		}
		at.answer(route)
	}
	return nil
}

// answer notes the paths that a route answers whatever the request.
func (p *place) answer(route map[string]any) {
	handlers, _ := route["handle"].([]any)
	if !answersAll(handlers) {
		return
	}
	for _, pattern := range onlyPaths(route["match"]) {
		p.answered = append(slices.Clip(p.answered), strings.ToLower(p.prefix+pattern))
	}
}

// hidden reports whether an earlier route answers on all of a block's paths.
func (p *place) hidden() bool {
	return slices.ContainsFunc(p.answered, func(pattern string) bool { return covers(pattern, p.pathPattern()) })
}

// pathPattern is the pattern that a request's path must fit.
func (p *place) pathPattern() string {
	if p.pattern == "" {
		return strings.ToLower(p.prefix) + "*"
	}
	return strings.ToLower(p.prefix + p.pattern)
}

func (s *Sites) handler(handler map[string]any, at place) error {
	name, _ := handler["handler"].(string)
	if nested, ok := handler["routes"].([]any); ok {
		return s.walk(nested, at)
	}
	b := &Block{Directive: name, URL: at.url(), path: at.pathPattern(), plain: !at.special}
	switch name {
	case "leadgate":
		if err := s.leadgate(b, handler); err != nil {
			return err
		}
		s.Blocks = append(s.Blocks, b)
	case "leadgate_conversions", "leadgate_media":
		b.Tenant, _ = handler["tenant"].(string)
		if err := decodeInto(handler["token"], &b.Tokens); err != nil {
			return err
		}
		if name == "leadgate_media" {
			if token, _ := handler["access_token"].(string); token != "" {
				b.Tokens = append(b.Tokens, token)
			}
			s.Media = append(s.Media, b)
			break
		}
		s.Conversions = append(s.Conversions, b)
	case "leadgate_api":
		b.Tenant, _ = handler["tenant"].(string)
		if token, _ := handler["token"].(string); token != "" {
			b.Tokens = append(b.Tokens, token)
		}
		s.APIs = append(s.APIs, b)
	case "leadgate_link":
		if err := b.readLinks(handler); err != nil {
			return err
		}
		s.Links = append(s.Links, b)
	case "tracing":
		s.Traced = true
		return nil
	case "leadgate_dashboard":
		s.dashboards = append(s.dashboards, b)
	default:
		return nil
	}
	if at.hidden() {
		s.shadowed = append(s.shadowed, b)
	}
	return nil
}

// readLinks reads whose links a leadgate_link has, and their names.
func (b *Block) readLinks(handler map[string]any) error {
	var links []struct{ Name string }
	if err := decodeInto(handler["links"], &links); err != nil {
		return err
	}
	for _, link := range links {
		b.Names = append(b.Names, strings.ToLower(link.Name))
	}
	b.Tenant, _ = handler["tenant"].(string)
	return nil
}

// leadgate reads the tenants and the provider of a leadgate block.
func (s *Sites) leadgate(b *Block, handler map[string]any) error {
	text, err := json.Marshal(handler)
	if err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	if b.Tenants, err = s.tenants(text); err != nil {
		return err
	}
	var block struct{ Provider json.RawMessage }
	if err := json.Unmarshal(text, &block); err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	if err := json.Unmarshal(block.Provider, &b.Provider); err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	name, _ := b.Provider["name"].(string)
	b.Facts = s.facts(name, block.Provider)
	return nil
}

// match takes the host and the path from a route's matchers, where they say.
func (p *place) match(matchers any) {
	sets, _ := matchers.([]any)
	if len(sets) == 0 {
		return
	}
	first, _ := sets[0].(map[string]any)
	for name := range first {
		p.special = p.special || name != "host" && name != "path"
	}
	p.special = p.special || len(sets) > 1
	if hosts, _ := first["host"].([]any); len(hosts) > 0 {
		p.host, _ = hosts[0].(string)
		if p.auto && !slices.Contains(p.plain, p.host) {
			p.scheme = "https"
		}
	}
	if paths, _ := first["path"].([]any); len(paths) > 0 {
		p.pattern, _ = paths[0].(string)
		p.path = p.prefix + strings.TrimSuffix(p.pattern, "*")
		p.special = p.special || len(paths) > 1
	}
}

func (p *place) url() string {
	url := p.scheme + "://" + p.host
	if p.port != "" {
		url += ":" + p.port
	}
	return url + cmp.Or(p.path, "/")
}

// decodeInto turns a part of the configuration that was read as any into what it
// is.
func decodeInto(from, into any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	return nil
}
