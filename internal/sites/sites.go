// Package sites reads what a configuration's sites say of Leadgate: where its
// blocks stand, which of them no request reaches, and which tenants they name. It
// reads Caddy's JSON and knows no Caddy, so that a configuration that is being
// loaded and one that the doctor looks at are read alike.
//
// Begin with [Read], and with [Sites.Mistakes]. Beside the standard library it
// imports leaves alone.
package sites

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/leadgate/leadgate/internal/finding"
)

// Sites is what a configuration says of Leadgate.
type Sites struct {
	Blocks      []*Block // leadgate
	Conversions []*Block // leadgate_conversions
	Media       []*Block // leadgate_media
	Links       []*Block // leadgate_link
	APIs        []*Block // leadgate_api
	Traced      bool     // a site has Caddy's directive tracing

	dashboards []*Block
	shadowed   []*Block // behind something that answers first
	open       []*Block // of a site that answers 200 to what nothing handles; one for each site

	tenants Tenants
	facts   FactsOf
}

// Block is one of Leadgate's handlers, and where it is.
type Block struct {
	Directive string
	URL       string         // as far as the configuration tells it
	Tenants   []Tenant       // of leadgate, those that are written down
	Provider  map[string]any // of leadgate, the provider's own settings
	Facts     Facts          // of leadgate, what the provider says of its webhooks
	Tenant    string         // of leadgate_conversions, leadgate_media, leadgate_api and leadgate_link
	Tokens    []string       // of the first three
	Names     []string       // of leadgate_link, its links

	path  string // the pattern of the path in lower case, "*" for every path
	plain bool   // nothing but host and path decides whether it is asked
}

// Tenant is a tenant as one block has it.
type Tenant struct {
	Name         string
	Pages        []string // what its `match page_id` has, as written
	Destinations []Destination
}

// Destination is one of a tenant's destinations.
type Destination struct {
	Kind    string // "forward", "capi"
	Reports bool   // conversions are reported to it
	// Names says why conversions of a name are not, nil where they are.
	Names func(event string) error
	// OfLeads: it is told of lead ads' leads alone, and of nothing that is said in a chat.
	OfLeads bool
	// Key is the same for two that need to be looked at once.
	Key string
	// Check looks whether it takes what will be sent. It asks the destination
	// itself, and posts nothing.
	Check func(context.Context) finding.List
}

// Tenants reads the tenants of a leadgate handler's JSON: those that stand in it,
// with their names.
type Tenants func(handler []byte) ([]Tenant, error)

// Facts are what a provider says of its webhooks, and of a block's settings.
type Facts struct {
	Secrets []string // the options that hold what webhooks are verified by
	Below   string   // what it appends to the block's path, for example: /messages; "" for nothing
	Chats   bool     // it brings chats alone: no Page, and so no form of a lead ad
	// Check looks at the settings themselves, which have loaded; nil where nothing
	// can be wrong with them.
	Check func() finding.List
}

// FactsOf are the facts of a provider, by its name and a block's settings in JSON.
type FactsOf func(provider string, settings []byte) Facts

// Read finds Leadgate's blocks in Caddy's JSON.
func Read(config []byte, tenants Tenants, facts FactsOf) (*Sites, error) {
	var root struct {
		Apps struct {
			HTTP struct {
				HTTPPort  int `json:"http_port"`
				HTTPSPort int `json:"https_port"`
				Servers   map[string]*server
			}
		}
	}
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	s := &Sites{tenants: tenants, facts: facts}
	https, http := fmt.Sprint(cmp.Or(root.Apps.HTTP.HTTPSPort, 443)), fmt.Sprint(cmp.Or(root.Apps.HTTP.HTTPPort, 80))
	for _, name := range slices.Sorted(maps.Keys(root.Apps.HTTP.Servers)) {
		server := root.Apps.HTTP.Servers[name]
		at := server.place(http, https)
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

// server is one of Caddy's servers.
type server struct {
	Listen      []string
	Routes      []any
	NamedRoutes map[string]map[string]any `json:"named_routes"`
	TLS         []any                     `json:"tls_connection_policies"`
	Auto        struct {
		Disable bool
		Skip    []string
	} `json:"automatic_https"`
}

// place is where the walk through a server's routes begins. http and https are
// the ports of the two.
func (s *server) place(http, https string) place {
	at := place{scheme: "http", host: "localhost", plain: s.Auto.Skip}
	for _, listen := range s.Listen {
		host, port, err := net.SplitHostPort(listen)
		if err != nil {
			continue
		}
		if host != "" {
			at.host = host
		}
		if at.port = port; port == https || len(s.TLS) > 0 {
			at.scheme = "https"
		}
		at.auto = port != http && !s.Auto.Disable
		if port == https || port == http {
			at.port = ""
		}
	}
	return at
}

// server goes through a server's own routes, of which those that stand side by
// side are sites, and notes the sites that don't answer everything themselves.
func (s *Sites) server(routes []any, at place) error {
	for i, r := range routes {
		route, _ := r.(map[string]any)
		before := len(s.Blocks)
		if err := s.walk(routes[i:i+1], at); err != nil {
			return err
		}
		at.answer(route)
		if len(s.Blocks) > before && !endsIn404(route, routes[i+1:]) {
			s.open = append(s.open, s.Blocks[before])
		}
	}
	return nil
}

// endsIn404 reports whether a site's route, or one after it, answers whatever
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
