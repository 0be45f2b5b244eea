package sites

import (
	"slices"
	"strings"
)

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

// covers reports whether a pattern of Caddy's path matcher takes all that another
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

// catchAll reports whether a route takes every request.
func catchAll(matchers any) bool {
	return slices.ContainsFunc(onlyPaths(matchers), func(pattern string) bool { return pattern == "*" || pattern == "/*" })
}

// answersAll reports whether any of the handlers answers, so that those after it
// are never asked. Of handlers that this Caddy may have beside the standard ones
// nothing is known.
func answersAll(handlers []any) bool {
	for _, h := range handlers {
		handler, _ := h.(map[string]any)
		switch handler["handler"] {
		case "reverse_proxy", "static_response", "error",
			"leadgate", "leadgate_conversions", "leadgate_media", "leadgate_link", "leadgate_dashboard", "leadgate_api":
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
