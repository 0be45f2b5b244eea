package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// blockPlace is which leadgate block it is, over reloads and restarts: the one of
// this provider behind these matchers (host, path and all others) of a server
// that listens there. Another tenant, match, destination or secret makes it no
// other block; another address does, since what was posted to one address is not
// to be routed by the block of another.
type blockPlace struct {
	id    string // of 16 hex digits
	shown string // provider, host and path, as far as the matchers tell them
}

// place is which block h is.
func (a *App) place(h *Handler) blockPlace {
	if a.places != nil {
		if p, ok := a.places()[h]; ok {
			return p
		}
	}
	// Behind a handler of somebody else's, that we cannot look into. Two of a
	// provider are one then, and nothing is routed again by either.
	return newPlace(h, "", nil)
}

// findPlaces looks for the blocks in the sites of a configuration.
func findPlaces(ctx caddy.Context) map[*Handler]blockPlace {
	found := make(map[*Handler]blockPlace)
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
	found  map[*Handler]blockPlace
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
				w.found[h] = newPlace(h, w.server, here)
			case *caddyhttp.Subroute:
				w.routes(h.Routes, here)
				if h.Errors != nil {
					w.routes(h.Errors.Routes, append(slices.Clone(here), "errors"))
				}
			}
		}
	}
}

func newPlace(h *Handler, server string, through []string) blockPlace {
	sum := sha256.Sum256([]byte(h.providerName() + "\n" + server + "\n" + strings.Join(through, "\n")))
	return blockPlace{id: hex.EncodeToString(sum[:8]), shown: h.providerName() + " " + shownAddress(through)}
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

// shownAddress is the first host and the last path that matchers name.
func shownAddress(through []string) string {
	host, path := "", ""
	for _, text := range through {
		var set struct{ Host, Path []string }
		if json.Unmarshal([]byte(text), &set) != nil {
			continue
		}
		if len(set.Host) > 0 && host == "" {
			host = set.Host[0]
		}
		if len(set.Path) > 0 {
			path = set.Path[0]
		}
	}
	if host+path == "" {
		return "of no path"
	}
	return host + path
}
