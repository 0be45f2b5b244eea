package doctor

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/sites"
)

// blocks says what can be said of the blocks without asking anybody.
func (s *Subject) blocks() (found finding.List) {
	for _, b := range s.Sites.Blocks {
		found = append(found, provider(b)...)
		found = append(found, address(b)...)
	}
	for _, b := range slices.Concat(s.Sites.Conversions, s.Sites.Media, s.Sites.Links, s.Sites.APIs) {
		found = append(found, tenantBlock(b)...)
	}
	return append(found, s.Sites.Mistakes()...)
}

// provider looks at how a block's webhooks are verified. That no secret is empty
// has been found by loading the configuration.
func provider(b *sites.Block) (found finding.List) {
	name, _ := b.Provider["name"].(string)
	if skip, _ := b.Provider["insecure_skip_verify"].(bool); skip {
		found.Warn(b.URL+": provider "+name+" runs with insecure_skip_verify: anybody can post events",
			"write its secrets instead, and keep this for tests on one machine")
		return found
	}
	var set, literal []string
	for _, option := range b.Facts.Secrets {
		values := sites.SecretValues(b.Provider[option])
		if len(values) == 0 {
			continue
		}
		option = strings.TrimSuffix(option, "s")
		set = append(set, option)
		if slices.ContainsFunc(values, finding.IsLiteral) {
			literal = append(literal, option)
		}
	}
	found.OK(fmt.Sprintf("%s: provider %s, with %s", b.URL, name, strings.Join(set, " and ")))
	found.PlainText(b.URL, literal...)
	if b.Facts.Check != nil {
		for _, f := range b.Facts.Check() {
			f.What = b.URL + ": " + f.What
			found = append(found, f)
		}
	}
	return found
}

// address says what to type into the provider's dashboard, and what is wrong
// with it.
func address(b *sites.Block) (found finding.List) {
	u, err := url.Parse(b.URL)
	if err != nil {
		return nil
	}
	name, _ := b.Provider["name"].(string)
	more := ""
	if name == "meta" {
		more = "; `caddy leadgate setup meta` shows what else is to be set up there, and --apply does it"
	}
	switch {
	case hosts.Local(u.Hostname()):
		found.Warn(b.URL+": "+name+" cannot reach this address",
			"fine for a rehearsal; for webhooks of "+name+" give the site a public domain name")
	case u.Scheme == "http":
		found.Warn(b.URL+": the site takes no https, and providers post to https only",
			"write the site's address without http://, unless something in front of this Caddy does TLS")
	case u.Port() != "":
		found.Warn(b.URL+": providers mostly post to port 443 only", "let the site listen on 443, or forward that port here")
	default:
		found.OK(b.URL + " is the webhook URL to type into the dashboard of " + name + more)
	}
	return found
}

// tenantBlock looks at a block that speaks for a tenant. That there is one was
// found by loading the configuration.
func tenantBlock(b *sites.Block) (found finding.List) {
	found.OK(b.URL + ": " + b.Directive + " for tenant " + b.Tenant)
	if slices.ContainsFunc(b.Tokens, finding.IsLiteral) {
		found.PlainText(b.URL, "its token")
	}
	return found
}
