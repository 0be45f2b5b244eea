package caddymodule

import (
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
	shadowed    []*block // behind a catch-all
}

// block is one of Leadgate's handlers, and where it is.
type block struct {
	directive string
	url       string // as far as the configuration tells it
	handler   Handler
	provider  map[string]any // the provider's own settings
	tenant    string         // of leadgate_conversions and leadgate_media
	tokens    []string
}

// place is where the walk through the routes stands.
type place struct {
	scheme, port string
	host, path   string
	prefix       string // stripped of the path
	auto         bool   // Caddy adds TLS for hosts but these
	plain        []string
	shadowed     bool
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
	https := orDefault(root.Apps.HTTP.HTTPSPort, 443)
	http := orDefault(root.Apps.HTTP.HTTPPort, 80)
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
		if err := s.walk(server.Routes, at); err != nil {
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

// walk goes through a list of routes, in which a catch-all that answers hides
// what comes after it.
func (s *sites) walk(routes []any, at place) error {
	for _, r := range routes {
		route, _ := r.(map[string]any)
		here := at
		here.match(route["match"])
		handlers, _ := route["handle"].([]any)
		for _, h := range handlers {
			handler, _ := h.(map[string]any)
			if strip, _ := handler["strip_path_prefix"].(string); handler["handler"] == "rewrite" && strip != "" {
				at.prefix += strip
				here.prefix += strip
			}
			if err := s.handler(handler, here); err != nil {
				return err
			}
		}
		at.shadowed = at.shadowed || catchAll(route["match"]) && answersAll(handlers)
	}
	return nil
}

func (s *sites) handler(handler map[string]any, at place) error {
	name, _ := handler["handler"].(string)
	if nested, ok := handler["routes"].([]any); ok {
		return s.walk(nested, at)
	}
	b := &block{directive: name, url: at.url()}
	switch name {
	case "leadgate":
		if err := decodeInto(handler, &b.handler); err != nil {
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
	default:
		return nil
	}
	if at.shadowed {
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
	if hosts, _ := first["host"].([]any); len(hosts) > 0 {
		p.host, _ = hosts[0].(string)
		if p.auto && !slices.Contains(p.plain, p.host) {
			p.scheme = "https"
		}
	}
	if paths, _ := first["path"].([]any); len(paths) > 0 {
		path, _ := paths[0].(string)
		p.path = p.prefix + strings.TrimSuffix(path, "*")
	}
}

func (p *place) url() string {
	url := p.scheme + "://" + p.host
	if p.port != "" {
		url += ":" + p.port
	}
	return url + orDefault(p.path, "/")
}

// catchAll says whether a route takes every request.
func catchAll(matchers any) bool {
	sets, _ := matchers.([]any)
	if len(sets) == 0 {
		return true
	}
	return slices.ContainsFunc(sets, func(set any) bool {
		m, _ := set.(map[string]any)
		paths, _ := m["path"].([]any)
		return len(m) == 0 || len(m) == 1 && (slices.Contains(paths, any("*")) || slices.Contains(paths, any("/*")))
	})
}

// answersAll says whether any of the handlers answers, so that those after it
// are never asked. Of handlers that this Caddy may have beside the standard ones
// nothing is known.
func answersAll(handlers []any) bool {
	for _, h := range handlers {
		handler, _ := h.(map[string]any)
		switch handler["handler"] {
		case "reverse_proxy", "static_response", "error":
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
