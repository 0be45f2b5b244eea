package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/media"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/wording"
)

// Media is the leadgate_media directive: GET or HEAD …/<MEDIA_ID> with the
// tenant's token is answered with the file of a WhatsApp message, which is
// fetched from Meta as it is sent. So nothing downstream holds Meta's token.
type Media struct {
	// Whose media these are, in metrics and logs; a tenant of a leadgate block.
	Tenant string `json:"tenant"`

	// What a CRM sends as Authorization: Bearer <token>. Several may be given.
	Tokens []string `json:"token,omitempty"`

	// A token of Meta's that may read the tenant's media (the permission
	// whatsapp_business_messaging). With {file.*} it is read again when Meta
	// refuses it.
	AccessToken string `json:"access_token"`

	// Where the Graph API is. Default: https://graph.facebook.com.
	Endpoint string `json:"endpoint,omitempty"`

	// The version of the Graph API. Default: v27.0.
	GraphVersion string `json:"graph_version,omitempty"`

	// The largest file that is passed on, in bytes. Default: 100 MiB, the most
	// that WhatsApp takes.
	MaxSize int64 `json:"max_size,omitempty"`

	logger *zap.Logger
	server *media.Server
}

// CaddyModule returns the Caddy module information.
func (Media) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_media", New: func() caddy.Module { return new(Media) }}
}

// Provision reads the tokens and opens nothing. It fails if the tenant is in no
// leadgate block.
func (m *Media) Provision(ctx caddy.Context) error {
	m.logger = logger(ctx)
	if err := m.provision(caddy.NewReplacer()); err != nil {
		return err
	}
	metrics.RegisterMedia(ctx.GetMetricsRegistry())
	a, err := surveyedApp(ctx)
	if err != nil {
		return err
	}
	return a.sites.KnowsTenant("leadgate_media", m.Tenant, false)
}

func (m *Media) provision(repl *caddy.Replacer) error {
	if err := m.check(); err != nil {
		return err
	}
	c := media.Config{Tenant: m.Tenant, ReadToken: m.readAccessToken, UserAgent: "Leadgate/" + Version(), Logger: m.logger}
	where := "leadgate_media: tenant " + m.Tenant + ": "
	for _, t := range m.Tokens {
		token, err := replaceText(repl, where+"token", t)
		if err != nil {
			return err
		}
		c.Secrets.Add(token)
	}
	var err error
	if c.AccessToken, err = m.readAccessToken(); err != nil {
		return err
	}
	r, settings, err := m.settings(func(option, text string) (string, error) { return replaceText(repl, where+option, text) })
	if err != nil {
		return err
	}
	for _, warning := range settings.Warnings() {
		m.logger.Warn(warning.String(), zap.String("tenant", m.Tenant))
	}
	c.Endpoint, c.GraphVersion, c.MaxSize = settings.Endpoint, settings.GraphVersion, r.MaxSize
	if m.server, err = media.New(c); err != nil {
		return fmt.Errorf("leadgate_media: tenant %s: %w", m.Tenant, err)
	}
	return nil
}

// settings are the resolved settings, and what they are for package capi: endpoint
// and graph_version follow the rules of a dataset's.
func (m *Media) settings(replace func(option, text string) (string, error)) (*Media, capi.Settings, error) {
	r := &Media{AccessToken: m.AccessToken, Endpoint: m.Endpoint, GraphVersion: m.GraphVersion, MaxSize: m.MaxSize}
	if err := mediaOptions().resolve(r, replace); err != nil {
		return nil, capi.Settings{}, err
	}
	s := capi.Settings{AccessToken: "looked at elsewhere", Endpoint: r.Endpoint, GraphVersion: r.GraphVersion}
	if err := s.ValidateAccess(); err != nil {
		return nil, s, fmt.Errorf("leadgate_media: %w", err)
	}
	return r, s, nil
}

func (m *Media) check() error {
	switch {
	case m.Tenant == "":
		return errors.New("leadgate_media needs a tenant: write `tenant <name>`")
	case !wording.ValidName(m.Tenant):
		return fmt.Errorf("leadgate_media: tenant '%s' is not of letters, digits, dots, dashes and underscores, at most 64", m.Tenant)
	case len(m.Tokens) == 0:
		return errors.New("leadgate_media needs a token: write `token {env.CRM_TOKEN}`")
	case m.AccessToken == "":
		return errors.New("leadgate_media needs an access_token: write `access_token {env.META_WHATSAPP_TOKEN}`")
	case m.MaxSize < 0:
		return fmt.Errorf("leadgate_media: tenant %s: max_size %d is no size: write one such as 100MiB", m.Tenant, m.MaxSize)
	}
	return nil
}

// readAccessToken reads Meta's token, anew where it stands in a file.
func (m *Media) readAccessToken() (string, error) {
	option := "leadgate_media: tenant " + m.Tenant + ": access_token"
	token, err := replaceText(caddy.NewReplacer(), option, m.AccessToken)
	if err != nil {
		return "", err
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: it is empty, or has white space or other characters that no token has", option)
	}
	return token, nil
}

// Cleanup ends the connections that no request uses.
func (m *Media) Cleanup() error {
	if m.server != nil {
		m.server.Close()
	}
	return nil
}

// ServeHTTP answers one request for a file.
func (m *Media) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	m.server.ServeHTTP(w, r)
	return nil
}

func parseMedia(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Media)
	if err := m.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return m, nil
}

func mediaOptions() options[Media] {
	return options[Media]{
		{name: "tenant", args: "<name>", at: func(m *Media) value { return nameValue{&m.Tenant} }},
		{name: "token", args: "<token>...", many: true, at: func(m *Media) value { return listValue{&m.Tokens, nil} }},
		{name: "access_token", args: "<token>", at: func(m *Media) value { return textValue{&m.AccessToken} }},
		{name: "endpoint", args: "<url>", def: capi.DefaultEndpoint, at: func(m *Media) value { return textValue{&m.Endpoint} }},
		{name: "graph_version", args: "<version>", def: capi.DefaultGraphVersion, at: func(m *Media) value { return textValue{&m.GraphVersion} }},
		{name: "max_size", args: "<size>", def: "100MiB", at: func(m *Media) value { return sizeValue{&m.MaxSize, 1 << 62, "100MiB"} }},
	}
}

// UnmarshalCaddyfile sets up the handler from `leadgate_media [<matcher>] { … }`.
func (m *Media) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	if err := mediaOptions().parse(m, d, "leadgate_media", (*Media).checkText); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// checkText looks at what stands in the text, so that a mistake has its line;
// placeholders are looked at when they have been replaced.
func (m *Media) checkText() error {
	_, _, err := m.settings(withoutPlaceholders)
	return err
}

var (
	_ caddy.Provisioner           = (*Media)(nil)
	_ caddy.CleanerUpper          = (*Media)(nil)
	_ caddyhttp.MiddlewareHandler = (*Media)(nil)
	_ caddyfile.Unmarshaler       = (*Media)(nil)
)
