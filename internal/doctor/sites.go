package caddymodule

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// sites says what can be said of the blocks without asking anybody.
func (d *doctor) sites(s *sites) {
	for _, b := range s.blocks {
		d.provider(b)
		d.address(b)
	}
	for _, b := range append(slices.Clone(s.conversions), s.media...) {
		d.tenantBlock(b)
	}
	d.append(s.mistakes())
}

// mistakes are what is wrong with the order and the paths of the blocks, which
// Caddy takes without a word.
func (s *sites) mistakes() (list []finding) {
	for _, b := range s.shadowed {
		f := finding{levelFail, fmt.Sprintf("%s: %s is never reached: a catch-all handle, route or other directive of the site answers before it", b.url, b.directive),
			"put it into a handle of its own: `handle " + pathOf(b.url) + " { " + b.directive + " … }`"}
		if slices.ContainsFunc(s.blocks, func(other *block) bool { return other != b && other.url == b.url && other.path == b.path }) && b.directive == "leadgate" {
			f.what = b.url + ": leadgate stands twice for this path, and the second block gets no request"
			f.fix = "give each provider a path of its own; several tenants of one provider belong into one block, as `tenant <name> { match … }`"
		}
		list = append(list, f)
	}
	for _, b := range s.blocks {
		if b.provider["name"] == "whapi" && b.plain && !strings.HasSuffix(b.path, "*") {
			list = append(list, finding{levelFail, b.url + ": Whapi also posts to paths below this one, such as " + pathOf(b.url) + "/messages, which the block does not get",
				"write a star behind the path: `leadgate " + pathOf(b.url) + "* { … }`"})
		}
	}
	for _, b := range slices.Concat(s.media, s.dashboards) {
		if b.plain && !strings.HasSuffix(b.path, "*") {
			list = append(list, finding{levelFail, b.url + ": " + b.directive + " answers on paths below this one, which it does not get",
				"write a star behind the path: `" + b.directive + " " + strings.TrimSuffix(pathOf(b.url), "/") + "/*`"})
		}
	}
	for _, b := range slices.Concat(s.blocks, s.conversions, s.media, s.dashboards) {
		if path, _, found := strings.Cut(b.path, "?"); found {
			list = append(list, finding{levelFail, b.url + ": a matcher of paths never sees what stands behind a question mark, so " + b.directive + " gets no request",
				"write the path alone: `" + b.directive + " " + path + " { … }`"})
		}
	}
	list = append(list, s.withoutDestinations()...)
	for _, b := range s.blocks {
		if host := hostOf(b.url); !isLocal(host) && slices.ContainsFunc(b.secrets(), isDemo) {
			list = append(list, finding{levelFail, b.url + ": its secret is that of Caddyfile.example, which everybody knows: anybody can post events",
				"write a secret of your own, or delete the block if you don't use its provider"})
		}
	}
	for _, b := range s.open {
		list = append(list, finding{levelWarn, siteOf(b.url) + ": the site answers 200 to every path that nothing handles, so a provider with a wrong URL loses its webhooks without a word",
			"end the site in `respond 404`"})
	}
	return list
}

// withoutDestinations finds tenants whose events go nowhere, and those whose
// destinations stand in another block and are not asked from this one.
func (s *sites) withoutDestinations() (list []finding) {
	count := make(map[string]int)
	for _, t := range s.tenants() {
		count[t.Name] += len(t.Forward) + len(t.CAPI)
	}
	for _, b := range s.blocks {
		tenants := slices.Clone(b.handler.Tenants)
		if b.handler.Tenant != nil {
			tenants = append(tenants, b.handler.Tenant)
		}
		inline := !slices.ContainsFunc(tenants, func(t *Tenant) bool { return len(t.Forward)+len(t.CAPI) > 0 })
		for _, t := range tenants {
			name := cmp.Or(t.Name, defaultTenant)
			switch {
			case inline && count[name] > 0:
				list = append(list, finding{levelWarn, b.url + ": tenant " + name + " has destinations in another block, and this block has none, so that its events go to the next handler alone",
					"write the tenant's destinations into this block, too, with `import` for example"})
			case !inline && count[name] == 0:
				list = append(list, finding{levelWarn, b.url + ": tenant " + name + " has no destination: its webhooks are answered 200, and go nowhere",
					"write `forward <url>` or a `capi` block into it"})
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

// secrets are the values by which a block's provider verifies webhooks.
func (b *block) secrets() (values []string) {
	for _, option := range providerSecrets {
		values = append(values, secretValues(b.provider[option])...)
	}
	return values
}

// isDemo is for the secrets of Caddyfile.example, alone or behind "Bearer ".
func isDemo(value string) bool {
	return strings.HasSuffix(value, "demo-secret") || strings.HasSuffix(value, "demo-token")
}

// providerSecrets are the options of the providers that verify webhooks.
var providerSecrets = []string{"app_secret", "verify_token", "auth_token", "shared_key", "signature_secret", "tokens"}

// provider looks at how a block's webhooks are verified. That no secret is empty
// has been found by loading the configuration.
func (d *doctor) provider(b *block) {
	name, _ := b.provider["name"].(string)
	if skip, _ := b.provider["insecure_skip_verify"].(bool); skip {
		d.warn(b.url+": provider "+name+" runs with insecure_skip_verify: anybody can post events", "write its secrets instead, and keep this for tests on one machine")
		return
	}
	var set, literal []string
	for _, option := range providerSecrets {
		values := secretValues(b.provider[option])
		if len(values) == 0 {
			continue
		}
		option = strings.TrimSuffix(option, "s")
		set = append(set, option)
		if slices.ContainsFunc(values, isLiteral) {
			literal = append(literal, option)
		}
	}
	d.ok(fmt.Sprintf("%s: provider %s, with %s", b.url, name, strings.Join(set, " and ")))
	d.literal(b.url, literal)
	if name == "meta" && !slices.ContainsFunc(secretValues(b.provider["app_secret"]), looksLikeAppSecret) {
		d.warn(b.url+": app_secret is not 32 hex digits, as Meta's are: webhooks of Meta would be refused with 401",
			"copy it from the app's dashboard, App settings, Basic")
	}
}

// literal warns of secrets that stand in the configuration.
func (d *doctor) literal(where string, options []string) {
	if len(options) > 0 {
		d.warn(where+": "+strings.Join(options, " and ")+" in plain text: Caddy shows and saves its configuration",
			"write {env.NAME} or {file./path} instead; {$NAME} ends up in the configuration, too")
	}
}

// secretValues are the texts of an option, of a token those that are right.
func secretValues(option any) []string {
	var values []string
	list, _ := option.([]any)
	for _, v := range list {
		switch v := v.(type) {
		case string:
			values = append(values, v)
		case map[string]any:
			values = append(values, secretValues(v["values"])...)
			if secret, ok := v["secret"].(string); ok { // of a Shared Key
				values = append(values, secret)
			}
		}
	}
	return values
}

var placeholder = regexp.MustCompile(`\{(env|file)\.[^}]+\}`)

func isLiteral(value string) bool { return !placeholder.MatchString(value) }

var appSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

// looksLikeAppSecret is for the secret itself, which is never shown.
func looksLikeAppSecret(value string) bool {
	secret, err := replaceText(caddy.NewReplacer(), "app_secret", value)
	return err == nil && appSecret.MatchString(secret)
}

// address says what to type into the provider's dashboard, and what is wrong
// with it.
func (d *doctor) address(b *block) {
	u, err := url.Parse(b.url)
	if err != nil {
		return
	}
	name, _ := b.provider["name"].(string)
	switch {
	case isLocal(u.Hostname()):
		d.warn(b.url+": "+name+" cannot reach this address", "fine for a rehearsal; for webhooks of "+name+" give the site a public domain name")
	case u.Scheme == "http":
		d.warn(b.url+": the site takes no https, and providers post to https only", "write the site's address without http://, unless something in front of this Caddy does TLS")
	case u.Port() != "":
		d.warn(b.url+": providers mostly post to port 443 only", "let the site listen on 443, or forward that port here")
	default:
		d.ok(b.url + " is the webhook URL to type into the dashboard of " + name)
	}
	if public, _ := b.provider["public_url"].(string); name == "twilio" && public == "" && (b.provider["auth_token"] != nil || b.provider["shared_key"] != nil) {
		d.warn(b.url+": Twilio's signatures are checked for the scheme and host that a request itself names, and a webhook signed for another host passes",
			"write `public_url https://…` into the provider block: the scheme and host that Twilio posts to")
	}
}

// isLocal says whether a host is of this machine or network.
func isLocal(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}

// tenantBlock looks at a block that speaks for a tenant. That there is one was
// found by loading the configuration.
func (d *doctor) tenantBlock(b *block) {
	d.ok(b.url + ": " + b.directive + " for tenant " + b.tenant)
	if slices.ContainsFunc(b.tokens, isLiteral) {
		d.literal(b.url, []string{"its token"})
	}
}

// tenants lists the tenants of all blocks, those that stand several times too.
func (s *sites) tenants() []*Tenant {
	var list []*Tenant
	for _, b := range s.blocks {
		list = append(list, b.handler.Tenants...)
		direct := b.handler.Tenant
		if direct == nil && len(b.handler.Tenants) == 0 {
			direct = new(Tenant)
		}
		if direct != nil {
			t := *direct
			t.Name = cmp.Or(t.Name, defaultTenant)
			list = append(list, &t)
		}
	}
	return list
}
