package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/links"
	"github.com/leadgate/leadgate/internal/metrics"
)

// Links is the leadgate_link directive: GET …/<name> leads to a chat, with a code in
// the text that the visitor sends, by which the message is known to come from the
// visit, and so from its campaign or its ad.
type Links struct {
	// Whose links these are; a tenant of a leadgate block, if this edge has any.
	Tenant string `json:"tenant"`

	// The links. Their names are unique in a tenant.
	Links []*Link `json:"links,omitempty"`

	// Query parameters to keep beside the campaign's and the networks' own, up to
	// 10.
	Params []string `json:"params,omitempty"`

	// How long a click's code waits for the first contact that sends it.
	// Default: 7d.
	Claim caddy.Duration `json:"claim,omitempty"`

	server *links.Server
}

// Link is one link.
type Link struct {
	// Its name, the end of the path: a-z, 0-9 and hyphens, at most 40. It is found
	// in any case.
	Name string `json:"name"`

	// The kind of chat that it leads to: whatsapp, messenger, instagram or
	// telegram.
	To string `json:"to"`

	// The number as +15550783881; the page's name or id; the user's or the bot's
	// name.
	Address string `json:"address"`

	// What the visitor sends, with {code} where the code goes. Of WhatsApp alone:
	// the others take the code beside the text.
	Text string `json:"text,omitempty"`

	// redirect, or page: a page with one button, since on iOS a redirect often
	// stays in the browser. Default: redirect.
	Mode string `json:"mode,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Links) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_link", New: func() caddy.Module { return new(Links) }}
}

// linkage is what the configuration knows of all links.
type linkage struct {
	limits *links.Limits // nil where there is no link
	visits *ads.Visits   // likewise
	names  map[string]namedLink
}

// namedLink is a link, and whose server answers it.
type namedLink struct {
	links.Link
	server *caddyhttp.Server
}

// Provision reads the links. It fails if the tenant is in no leadgate block while there
// are some, or if another block has a link of the name.
func (l *Links) Provision(ctx caddy.Context) error {
	repl := caddy.NewReplacer()
	read, err := l.read(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		return err
	}
	if err := read.checkWhole(); err != nil {
		return err
	}
	a, err := surveyedApp(ctx)
	if err != nil {
		return err
	}
	// Webhooks may come in at another edge, which shares the store.
	if len(a.sites.Blocks) > 0 {
		if err := a.sites.KnowsTenant("leadgate_link", l.Tenant, false); err != nil {
			return err
		}
	}
	metrics.RegisterLinks(ctx.GetMetricsRegistry())
	if a.links.limits == nil {
		a.links = linkage{limits: links.NewLimits(a.now), names: make(map[string]namedLink)}
		open := func(ctx context.Context) (ads.Appender, func(), error) { return a.openQueue(ctx) }
		a.links.visits = ads.NewVisits(open, a.now, a.logger)
	}
	s := new(links.Server)
	l.server = s
	s.Tenant, s.Params, s.Claim = l.Tenant, read.Params, max(time.Duration(read.Claim).Truncate(time.Millisecond), time.Millisecond)
	s.Limits, s.Client, s.Origin, s.Now, s.Logger = a.links.limits, clientOf, originOf, a.now, logger(ctx)
	s.Open = func(ctx context.Context) (links.Store, func(), error) { return a.openQueue(ctx) }
	s.Visited = func(link string) { a.links.visits.Add(l.Tenant, link) }
	s.Links = make(map[string]*links.Link, len(read.Links))
	for _, link := range read.Links {
		s.Links[link.Name] = link.made()
		for _, warning := range s.Links[link.Name].Warnings() {
			s.Logger.Warn(warning, zap.String("tenant", l.Tenant), zap.String("link", link.Name))
		}
	}
	s.Prepare()
	a.atStart = append(a.atStart, l.warnUnmatched(a))
	return a.links.add(l.Tenant, s.Links, serverOf(ctx))
}

// add makes the links of a block known. A block that stands in several servers, for
// http and https say, is read once for each.
func (all *linkage) add(tenant string, more map[string]*links.Link, server *caddyhttp.Server) error {
	for name, link := range more {
		key := tenant + "\n" + name
		other, taken := all.names[key]
		if taken && (other.server == server || other.Link != *link) {
			return fmt.Errorf("leadgate_link: tenant %s: link %s stands twice: give one of them another name", tenant, name)
		}
		all.names[key] = namedLink{*link, server}
	}
	return nil
}

// warnUnmatched says that nobody would find the codes in messages.
func (l *Links) warnUnmatched(a *App) func() error {
	return func() error {
		if t := a.tenants[l.Tenant]; t != nil && len(t.Destinations) == 0 {
			l.server.Logger.Warn("leadgate_link: the tenant has no destination, so that its webhooks are not stored and codes are not "+
				"found in its messages: add a `forward` or a `capi` to its leadgate block", zap.String("tenant", l.Tenant))
		}
		return nil
	}
}

// clientOf is the visitor's address, as Caddy knows it: with trusted_proxies that which
// a proxy names.
func clientOf(r *http.Request) string {
	address, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return address
}

// originOf is what the visitor's browser takes the site for. A proxy in front may have
// taken the TLS off; one that is trusted says so.
func originOf(r *http.Request) (scheme, host string) {
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); !trusted {
		return scheme, host
	}
	first := func(field, otherwise string) string {
		value, _, _ := strings.Cut(r.Header.Get(field), ",")
		if value = strings.TrimSpace(value); value == "" {
			return otherwise
		}
		return value
	}
	return first("X-Forwarded-Proto", scheme), first("X-Forwarded-Host", host)
}

// ServeHTTP leads one visitor to the chat.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	l.server.ServeHTTP(w, r)
	return nil
}

// made is a link as it is served.
func (l *Link) made() *links.Link {
	return &links.Link{Name: l.Name, To: l.target(), Text: l.Text, Page: l.Mode == "page"}
}

func (l *Link) target() links.Target { return links.Target{Kind: l.To, Address: l.Address} }

var (
	_ caddy.Provisioner           = (*Links)(nil)
	_ caddyhttp.MiddlewareHandler = (*Links)(nil)
)
