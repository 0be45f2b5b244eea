package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/verify"
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

	app     *App
	logger  *zap.Logger
	secrets verify.Secrets
	meta    *mediaClient
}

const defaultMaxMedia = 100 << 20

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
	app, err := ctx.App("leadgate")
	if err != nil {
		return err
	}
	m.app = app.(*App)
	if err := m.app.survey(ctx); err != nil {
		return err
	}
	return m.app.sites.KnowsTenant("leadgate_media", m.Tenant, false)
}

func (m *Media) provision(repl *caddy.Replacer) error {
	if err := m.check(); err != nil {
		return err
	}
	where := "leadgate_media: tenant " + m.Tenant + ": "
	for _, t := range m.Tokens {
		token, err := replaceText(repl, where+"token", t)
		if err != nil {
			return err
		}
		m.secrets.Add(token)
	}
	accessToken, err := m.readAccessToken()
	if err != nil {
		return err
	}
	settings, err := m.settings(func(option, text string) (string, error) { return replaceText(repl, where+option, text) })
	if err != nil {
		return err
	}
	for _, warning := range settings.Warnings() {
		m.logger.Warn(warning, zap.String("tenant", m.Tenant))
	}
	if m.MaxSize == 0 {
		m.MaxSize = defaultMaxMedia
	}
	m.meta, err = newMediaClient(settings.Endpoint, settings.GraphVersion, accessToken)
	if err != nil {
		return fmt.Errorf("leadgate_media: tenant %s: endpoint: %w", m.Tenant, err)
	}
	m.meta.readToken = m.readAccessToken
	return nil
}

// settings reads endpoint and graph_version through get, which replaces
// placeholders. They follow the rules of a dataset's.
func (m *Media) settings(get func(option, text string) (string, error)) (capi.Settings, error) {
	s := capi.Settings{Dataset: "1", AccessToken: "looked at elsewhere", Endpoint: capi.DefaultEndpoint, GraphVersion: capi.DefaultGraphVersion}
	for _, o := range []struct {
		option, text string
		into         *string
	}{{"endpoint", m.Endpoint, &s.Endpoint}, {"graph_version", m.GraphVersion, &s.GraphVersion}} {
		if o.text == "" {
			continue
		}
		text, err := get(o.option, o.text)
		if err != nil {
			return s, err
		}
		if text != "" {
			*o.into = text
		}
	}
	if err := s.Validate(); err != nil {
		return s, fmt.Errorf("leadgate_media: %w", err)
	}
	return s, nil
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
	if m.meta != nil {
		m.meta.close()
	}
	return nil
}

// ServeHTTP answers one request for a file.
func (m *Media) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		metrics.Media(m.Tenant, "refused")
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	}
	if !m.secrets.Bearer(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return m.fail(w, "", &mediaFailure{status: http.StatusUnauthorized, outcome: "unauthorized", sentence: "the token is missing or wrong: send Authorization: Bearer <token>"})
	}
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if !validMediaID(id) {
		return m.fail(w, "", &mediaFailure{status: http.StatusBadRequest, outcome: "refused",
			sentence: "the path does not end with a media id: write message.mediaId of the unified event there, 1 to 128 letters, digits, dashes and underscores"})
	}
	failure := m.serve(w, r, id)
	if failure == nil {
		return nil
	}
	if r.Context().Err() != nil {
		failure.outcome = "canceled" // nobody is there any more to be answered
	}
	if failure.begun {
		metrics.Media(m.Tenant, failure.outcome)
		m.log(id, failure)
		// The only way left to tell the client that what it got is not the file.
		panic(http.ErrAbortHandler)
	}
	return m.fail(w, id, failure)
}

// mediaFailure is why a request gets no file.
type mediaFailure struct {
	status   int
	outcome  string // for the metric
	sentence string // what the client is told: no token, nothing that Meta wrote
	wait     time.Duration
	code     string // Meta's, as capi.Explanation.Name writes it
	trace    string // Meta's fbtrace_id
	err      error  // for the log
	begun    bool   // part of the file has been sent
}

// Error is the sentence.
func (f *mediaFailure) Error() string { return f.sentence }

// fail answers with a sentence, and logs what is somebody's to mend.
func (m *Media) fail(w http.ResponseWriter, id string, f *mediaFailure) error {
	metrics.Media(m.Tenant, f.outcome)
	m.log(id, f)
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", seconds(f.wait))
	}
	return answerJSON(w, f.status, map[string]string{"error": f.sentence})
}

// log writes down what is somebody's to mend.
func (m *Media) log(id string, f *mediaFailure) {
	if f.status < 500 || f.outcome == "canceled" {
		return
	}
	fields := []zap.Field{zap.Int("status", f.status), zap.String("tenant", m.Tenant), zap.String("media_id", id), zap.String("outcome", f.outcome)}
	if f.code != "" {
		fields = append(fields, zap.String("code", f.code), zap.String("trace", f.trace))
	}
	if f.err != nil {
		fields = append(fields, zap.Error(f.err))
	}
	m.logger.Error("media not delivered: "+f.sentence, fields...)
}

// validMediaID keeps everything that could change the path of a request to
// Meta out of it.
func validMediaID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

var (
	_ caddy.Provisioner           = (*Media)(nil)
	_ caddy.CleanerUpper          = (*Media)(nil)
	_ caddyhttp.MiddlewareHandler = (*Media)(nil)
)
