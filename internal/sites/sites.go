package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
)

// sites is what a configuration says of Leadgate.
type sites struct {
	app         App
	blocks      []*block
	conversions []*block
	media       []*block
	dashboards  []*block
	shadowed    []*block // behind something that answers first
	open        []*block // of a site that answers 200 to what nothing handles; one for each site
}

// block is one of Leadgate's handlers, and where it is.
type block struct {
	directive string
	url       string // as far as the configuration tells it
	path      string // the pattern of the path in lower case, "*" for every path
	plain     bool   // nothing but host and path decides whether it is asked
	handler   Handler
	provider  map[string]any // the provider's own settings
	tenant    string         // of leadgate_conversions and leadgate_media
	tokens    []string
}

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

// readSites finds Leadgate's blocks in Caddy's JSON.
func readSites(config []byte) (*sites, error) {
	var root struct {
		Apps struct {
			Leadgate json.RawMessage
			HTTP     struct {
				HTTPPort  int `json:"http_port"`
				HTTPSPort int `json:"https_port"`
				Servers   map[string]struct {
					Listen      []string
					Routes      []any
					NamedRoutes map[string]map[string]any `json:"named_routes"`
					TLS         []any                     `json:"tls_connection_policies"`
					Auto        struct {
						Disable bool
						Skip    []string
					} `json:"automatic_https"`
				}
			}
		}
	}
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	s := new(sites)
	if root.Apps.Leadgate != nil {
		if err := json.Unmarshal(root.Apps.Leadgate, &s.app); err != nil {
			return nil, fmt.Errorf("reading config: %w", err)
		}
	}
	https := cmp.Or(root.Apps.HTTP.HTTPSPort, 443)
	http := cmp.Or(root.Apps.HTTP.HTTPPort, 80)
	names := make([]string, 0, len(root.Apps.HTTP.Servers))
	for name := range root.Apps.HTTP.Servers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		server := root.Apps.HTTP.Servers[name]
		at := place{scheme: "http", host: "localhost", plain: server.Auto.Skip}
		for _, listen := range server.Listen {
			host, port, err := net.SplitHostPort(listen)
			if err != nil {
				continue
			}
			if host != "" {
				at.host = host
			}
			if at.port = port; port == fmt.Sprint(https) || len(server.TLS) > 0 {
				at.scheme = "https"
			}
			at.auto = port != fmt.Sprint(http) && !server.Auto.Disable
			if port == fmt.Sprint(https) || port == fmt.Sprint(http) {
				at.port = ""
			}
		}
		if err := s.server(server.Routes, at); err != nil {
			return nil, err
		}
		for _, route := range server.NamedRoutes {
			if err := s.walk([]any{route}, at); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// server goes through a server's own routes, of which those that stand side by
// side are sites, and notes the sites that don't answer everything themselves.
func (s *sites) server(routes []any, at place) error {
	for i, r := range routes {
		route, _ := r.(map[string]any)
		before := len(s.blocks)
		if err := s.walk(routes[i:i+1], at); err != nil {
			return err
		}
		at.answer(route)
		if len(s.blocks) > before && !endsIn404(route, routes[i+1:]) {
			s.open = append(s.open, s.blocks[before])
		}
	}
	return nil
}

// endsIn404 says whether a site's route, or one after it, answers whatever
// nothing else handles, with a 404 or otherwise: Caddy itself answers 200.
func endsIn404(site map[string]any, later []any) bool {
	handlers, _ := site["handle"].([]any)
	for _, h := range handlers {
		handler, _ := h.(map[string]any)
		nested, _ := handler["routes"].([]any)
		if slices.ContainsFunc(nested, answersEverything) {
			return true
		}
	}
	if terminal, _ := site["terminal"].(bool); terminal {
		return false
	}
	return slices.ContainsFunc(later, answersEverything)
}

func answersEverything(r any) bool {
	route, _ := r.(map[string]any)
	handlers, _ := route["handle"].([]any)
	return catchAll(route["match"]) && answersAll(handlers)
}

// walk goes through a list of routes, in which one that answers hides what comes
// after it on the same paths.
func (s *sites) walk(routes []any, at place) error {
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

// onlyPaths are the paths that are matched by nothing else than the path: "*" is
// every one.
func onlyPaths(matchers any) []string {
	sets, _ := matchers.([]any)
	if len(sets) == 0 {
		return []string{"*"}
	}
	var patterns []string
	for _, set := range sets {
		m, _ := set.(map[string]any)
		paths, isPath := m["path"].([]any)
		switch {
		case len(m) == 0:
			patterns = append(patterns, "*")
		case len(m) == 1 && isPath:
			for _, p := range paths {
				pattern, _ := p.(string)
				patterns = append(patterns, pattern)
			}
		}
	}
	return patterns
}

// hidden says whether an earlier route answers on all of a block's paths.
func (p *place) hidden() bool {
	return slices.ContainsFunc(p.answered, func(pattern string) bool { return covers(pattern, p.pathPattern()) })
}

// covers says whether a pattern of Caddy's path matcher takes all that another
// one does, as far as it shows: a star at the end of it is understood.
func covers(pattern, other string) bool {
	start, star := strings.CutSuffix(pattern, "*")
	if strings.Contains(start, "*") {
		return false
	}
	if start == "" || start == "/" && star {
		return true
	}
	if star {
		return strings.HasPrefix(strings.TrimSuffix(other, "*"), start)
	}
	return other == start
}

// pathPattern is the pattern that a request's path must fit.
func (p *place) pathPattern() string {
	if p.pattern == "" {
		return strings.ToLower(p.prefix) + "*"
	}
	return strings.ToLower(p.prefix + p.pattern)
}

func (s *sites) handler(handler map[string]any, at place) error {
	name, _ := handler["handler"].(string)
	if nested, ok := handler["routes"].([]any); ok {
		return s.walk(nested, at)
	}
	b := &block{directive: name, url: at.url(), path: at.pathPattern(), plain: !at.special}
	switch name {
	case "leadgate":
		if err := decodeInto(handler, &b.handler); err != nil {
			return err
		}
		if err := b.handler.nulls(); err != nil {
			return err
		}
		if err := json.Unmarshal(b.handler.ProviderRaw, &b.provider); err != nil {
			return fmt.Errorf("reading config: %w", err)
		}
		s.blocks = append(s.blocks, b)
	case "leadgate_conversions", "leadgate_media":
		b.tenant, _ = handler["tenant"].(string)
		if err := decodeInto(handler["token"], &b.tokens); err != nil {
			return err
		}
		if name == "leadgate_media" {
			if token, _ := handler["access_token"].(string); token != "" {
				b.tokens = append(b.tokens, token)
			}
			s.media = append(s.media, b)
			break
		}
		s.conversions = append(s.conversions, b)
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

// catchAll says whether a route takes every request.
func catchAll(matchers any) bool {
	return slices.ContainsFunc(onlyPaths(matchers), func(pattern string) bool { return pattern == "*" || pattern == "/*" })
}

// answersAll says whether any of the handlers answers, so that those after it
// are never asked. Of handlers that this Caddy may have beside the standard ones
// nothing is known.
func answersAll(handlers []any) bool {
	for _, h := range handlers {
		handler, _ := h.(map[string]any)
		switch handler["handler"] {
		case "reverse_proxy", "static_response", "error",
			"leadgate", "leadgate_conversions", "leadgate_media", "leadgate_dashboard":
			return true
		case "file_server":
			if handler["pass_thru"] != true {
				return true
			}
		case "subroute":
			routes, _ := handler["routes"].([]any)
			for _, r := range routes {
				route, _ := r.(map[string]any)
				nested, _ := route["handle"].([]any)
				if catchAll(route["match"]) && answersAll(nested) {
					return true
				}
			}
		}
	}
	return false
}
