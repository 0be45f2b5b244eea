package sites

import (
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/hosts"
)

// Mistakes are what is wrong with the order and the paths of the blocks, which
// Caddy takes without a word.
func (s *Sites) Mistakes() (list finding.List) {
	for _, b := range s.shadowed {
		list = append(list, s.neverReached(b))
	}
	for _, b := range s.Blocks {
		if b.Facts.Below != "" && b.lacksStar() {
			name, _ := b.Provider["name"].(string)
			list.Fail(b.URL+": "+capital(name)+" also posts to paths below this one, such as "+pathOf(b.URL)+b.Facts.Below+", which the block does "+
				"not get",
				"write a star behind the path: `leadgate "+pathOf(b.URL)+"* { … }`")
		}
	}
	for _, b := range slices.Concat(s.Media, s.Links, s.APIs, s.dashboards) {
		if b.lacksStar() {
			list = append(list, b.withoutStar())
		}
	}
	for _, b := range slices.Concat(s.Blocks, s.Conversions, s.Media, s.Links, s.APIs, s.dashboards) {
		if b.hasQuery() {
			list = append(list, b.withQuery())
		}
	}
	list = append(list, s.withoutDestinations()...)
	for _, b := range s.Blocks {
		if host := hostOf(b.URL); !hosts.Local(host) && slices.ContainsFunc(b.secrets(), isDemo) {
			list.Fail(b.URL+": its secret is that of Caddyfile.example, which everybody knows: anybody can post events",
				"write a secret of your own, or delete the block if you don't use its provider")
		}
	}
	for _, b := range s.open {
		list.Warn(siteOf(b.URL)+": the site answers 200 to every path that nothing handles, "+
			"so a provider with a wrong URL loses its webhooks without a word", "end the site in `respond 404`")
	}
	return list
}

// Unreached is why no request comes to the paths below a block's, nil where they do. The
// block is of another directive than leadgate.
func (s *Sites) Unreached(b *Block) *finding.Finding {
	var found finding.Finding
	switch {
	case slices.Contains(s.shadowed, b):
		found = s.neverReached(b)
	case b.hasQuery():
		found = b.withQuery()
	case b.lacksStar():
		found = b.withoutStar()
	default:
		return nil
	}
	return &found
}

// neverReached is of a block behind something that answers first.
func (s *Sites) neverReached(b *Block) finding.Finding {
	twin := func(other *Block) bool {
		return other != b && other.Directive == b.Directive && other.URL == b.URL && other.path == b.path
	}
	if slices.ContainsFunc(slices.Concat(s.Blocks, s.Conversions, s.Media, s.Links, s.APIs, s.dashboards), twin) {
		return finding.Finding{Level: finding.Fail, What: b.URL + ": " + b.Directive + " stands twice for this path, and the second block gets " +
			"no request", Fix: b.apart()}
	}
	path := pathOf(b.URL)
	if strings.HasSuffix(b.path, "*") {
		path += "*"
	}
	return finding.Finding{Level: finding.Fail, What: b.URL + ": " + b.Directive + " is never reached: a catch-all handle, route or other " +
		"directive of the site answers before it",
		Fix: "put it into a handle of its own: `handle " + path + " { " + b.Directive + " … }`"}
}

// apart says what to do with a block that stands on another's path.
func (b *Block) apart() string {
	switch b.Directive {
	case "leadgate":
		return "give each provider a path of its own; several tenants of one provider belong into one block, as `tenant <name> { match … }`"
	case "leadgate_link":
		return "give each tenant a path of its own; the links of one belong into one block"
	}
	return "give each block a path of its own"
}

// lacksStar reports whether a block does not get the paths below its own.
func (b *Block) lacksStar() bool { return b.plain && !strings.HasSuffix(b.path, "*") }

func (b *Block) withoutStar() finding.Finding {
	return finding.Finding{Level: finding.Fail, What: b.URL + ": " + b.Directive + " answers on paths below this one, which it does not get",
		Fix: "write a star behind the path: `" + b.Directive + " " + strings.TrimSuffix(pathOf(b.URL), "/") + "/*`"}
}

// hasQuery reports whether a block's matcher of paths has a query.
func (b *Block) hasQuery() bool { return strings.Contains(b.path, "?") }

func (b *Block) withQuery() finding.Finding {
	path, _, _ := strings.Cut(b.path, "?")
	return finding.Finding{Level: finding.Fail, What: b.URL + ": a matcher of paths never sees what stands behind a question mark, so " +
		b.Directive + " gets no request",
		Fix: "write the path alone: `" + b.Directive + " " + path + " { … }`"}
}

// withoutDestinations finds tenants whose events go nowhere, and those whose
// destinations stand in another block and are not asked from this one.
func (s *Sites) withoutDestinations() (list finding.List) {
	count := make(map[string]int)
	for _, t := range s.AllTenants() {
		count[t.Name] += len(t.Destinations)
	}
	for _, b := range s.Blocks {
		inline := !slices.ContainsFunc(b.Tenants, func(t Tenant) bool { return len(t.Destinations) > 0 })
		for _, t := range b.Tenants {
			where := b.URL + ": tenant " + t.Name
			switch {
			case inline && count[t.Name] > 0:
				list.Warn(where+" has destinations in another block, and this block has none, so that its events go to the next handler alone",
					"write the tenant's destinations into this block, too, with `import` for example")
			case !inline && count[t.Name] == 0:
				list.Warn(where+" has no destination: its webhooks are answered 200, and go nowhere",
					"write `forward <url>` or a `capi` block into it")
			}
		}
	}
	return list
}

// siteOf is a URL without its path.
func siteOf(text string) string {
	if u, err := url.Parse(text); err == nil {
		u.Path = ""
		return u.String()
	}
	return text
}

func pathOf(text string) string {
	if u, err := url.Parse(text); err == nil && u.Path != "" {
		return u.Path
	}
	return "/"
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// capital is a provider's name as a sentence begins: Whapi.
func capital(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
