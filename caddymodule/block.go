package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/intake"
)

// place is which block h is.
func (a *App) place(h *Handler) intake.Place {
	if a.places != nil {
		if p, ok := a.places()[h]; ok {
			return p
		}
	}
	// Behind a handler of somebody else's, that we cannot look into. Two of a
	// provider are one then, and nothing is routed again by either.
	return intake.NewPlace(h.providerName(), "", nil)
}

// findPlaces looks for the blocks in the sites of a configuration.
func findPlaces(ctx caddy.Context) map[*Handler]intake.Place {
	found := make(map[*Handler]intake.Place)
	value, err := ctx.AppIfConfigured("http")
	if err != nil {
		return found
	}
	app, ok := value.(*caddyhttp.App)
	if !ok {
		return found
	}
	for _, server := range app.Servers {
		listen := slices.Sorted(slices.Values(server.Listen))
		w := placeWalk{found: found, server: strings.Join(listen, " ")}
		w.routes(server.Routes, nil)
		if server.Errors != nil {
			w.routes(server.Errors.Routes, []string{"errors"})
		}
		for name, route := range server.NamedRoutes {
			w.routes(caddyhttp.RouteList{*route}, []string{"named " + name})
		}
	}
	return found
}

type placeWalk struct {
	found  map[*Handler]intake.Place
	server string
}

// routes goes through routes that are reached through these matchers.
func (w *placeWalk) routes(list caddyhttp.RouteList, through []string) {
	for i := range list {
		route := &list[i]
		here := through
		if text := matchersText(route.MatcherSets); text != "" {
			here = append(slices.Clone(through), text)
		}
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *Handler:
				w.found[h] = intake.NewPlace(h.providerName(), w.server, here)
			case *caddyhttp.Subroute:
				w.routes(h.Routes, here)
				if h.Errors != nil {
					w.routes(h.Errors.Routes, append(slices.Clone(here), "errors"))
				}
			}
		}
	}
}

// matchersText is a route's matchers as JSON, always in the same order; "" for
// none.
func matchersText(sets caddyhttp.MatcherSets) string {
	var all []string
	for _, set := range sets {
		matchers := make([]string, 0, len(set))
		for _, m := range set {
			name := fmt.Sprintf("%T", m)
			if mod, ok := m.(caddy.Module); ok {
				name = mod.CaddyModule().ID.Name()
			}
			text, err := json.Marshal(m)
			if err != nil {
				text = []byte(`"?"`)
			}
			matchers = append(matchers, fmt.Sprintf("%q:%s", name, text))
		}
		slices.Sort(matchers)
		all = append(all, "{"+strings.Join(matchers, ",")+"}")
	}
	return strings.Join(all, " or ")
}
