package doctor

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/sites"
)

// blocks says what can be said of the blocks without asking anybody.
func (s *Subject) blocks() (found finding.List) {
	for _, b := range s.Sites.Blocks {
		found = append(found, s.provider(b)...)
		found = append(found, address(b)...)
	}
	for _, b := range slices.Concat(s.Sites.Conversions, s.Sites.Media) {
		found = append(found, tenantBlock(b)...)
	}
	return append(found, s.Sites.Mistakes()...)
}

// provider looks at how a block's webhooks are verified. That no secret is empty
// has been found by loading the configuration.
func (s *Subject) provider(b *sites.Block) (found finding.List) {
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
	if name == "meta" && !slices.ContainsFunc(sites.SecretValues(b.Provider["app_secret"]), s.looksLikeAppSecret) {
		found.Warn(b.URL+": app_secret is not 32 hex digits, as Meta's are: webhooks of Meta would be refused with 401",
			"copy it from the app's dashboard, App settings, Basic")
	}
	return found
}

var appSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

// looksLikeAppSecret is for the secret itself, which is never shown.
func (s *Subject) looksLikeAppSecret(value string) bool {
	secret, err := s.Resolve("app_secret", value)
	return err == nil && appSecret.MatchString(secret)
}

// address says what to type into the provider's dashboard, and what is wrong
// with it.
func address(b *sites.Block) (found finding.List) {
	u, err := url.Parse(b.URL)
	if err != nil {
		return nil
	}
	name, _ := b.Provider["name"].(string)
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
		found.OK(b.URL + " is the webhook URL to type into the dashboard of " + name)
	}
	signed := b.Provider["auth_token"] != nil || b.Provider["shared_key"] != nil
	if public, _ := b.Provider["public_url"].(string); name == "twilio" && public == "" && signed {
		found.Warn(b.URL+": Twilio's signatures are checked for the scheme and host that a request itself names, "+
			"and a webhook signed for another host passes",
			"write `public_url https://…` into the provider block: the scheme and host that Twilio posts to")
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
