package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/deadline"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/internal/wording"
)

// Conversions is the leadgate_conversions directive: a CRM posts what became of
// a contact, and the sale is reported to Meta with the ad click that brought it.
type Conversions struct {
	// The tenant whose clicks and datasets are used.
	Tenant string `json:"tenant"`

	// What the CRM sends as Authorization: Bearer <token>. Several may be given.
	Tokens []string `json:"token,omitempty"`

	// The CRM's own words for Meta's event names.
	Map map[string]string `json:"map,omitempty"`

	app     *App
	tenant  *tenant
	secrets verify.Secrets
	logger  *zap.Logger
}

// The limits of one post.
const (
	maxConversions     = 1000
	maxConversionsBody = 3 << 20
)

// CaddyModule returns the Caddy module information.
func (Conversions) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate_conversions", New: func() caddy.Module { return new(Conversions) }}
}

// Provision reads the tokens, and fails if the tenant is in no leadgate block.
func (c *Conversions) Provision(ctx caddy.Context) error {
	c.logger = logger(ctx)
	repl := caddy.NewReplacer()
	if err := c.check(); err != nil {
		return err
	}
	for _, t := range c.Tokens {
		token, err := replaceText(repl, "leadgate_conversions: tenant "+c.Tenant+": token", t)
		if err != nil {
			return err
		}
		c.secrets.Add(token)
	}
	app, err := ctx.App("leadgate")
	if err != nil {
		return err
	}
	c.app = app.(*App)
	c.app.servedBy(serverOf(ctx))
	if err := c.app.survey(ctx); err != nil {
		return err
	}
	c.app.atStart = append(c.app.atStart, func() error {
		c.tenant = c.app.tenants[c.Tenant]
		return nil
	})
	return c.app.sites.KnowsTenant("leadgate_conversions", c.Tenant, true)
}

func (c *Conversions) check() error {
	switch {
	case c.Tenant == "":
		return errors.New("leadgate_conversions needs a tenant: write `tenant <name>`")
	case !wording.ValidName(c.Tenant):
		return fmt.Errorf("leadgate_conversions: tenant '%s' is not of letters, digits, dots, dashes and underscores, at most 64", c.Tenant)
	case len(c.Tokens) == 0:
		return errors.New("leadgate_conversions needs a token: write `token {env.CRM_TOKEN}`")
	}
	for from, to := range c.Map {
		if err := capi.CheckName(to); err != nil {
			return fmt.Errorf("leadgate_conversions: map %s: %w", from, err)
		}
	}
	return nil
}

// ServeHTTP answers one post.
func (c *Conversions) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	}
	if !c.secrets.Bearer(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return c.fail(w, http.StatusUnauthorized, "the token is missing or wrong: send Authorization: Bearer <token>", nil)
	}
	b, err := body.Read(r, maxConversionsBody, c.app.MaxInflightBody)
	switch {
	case errors.Is(err, body.ErrBusy):
		body.Abandon(w, r)
		w.Header().Set("Retry-After", retryAfter)
		return c.fail(w, http.StatusServiceUnavailable, "too many bytes of other requests are being read; post it again", err)
	case errors.Is(err, body.ErrTooLarge):
		return c.fail(w, http.StatusRequestEntityTooLarge, "the body is over 3 MiB: post fewer items at once", nil)
	case err != nil && readStatus(err) == http.StatusRequestEntityTooLarge:
		return c.fail(w, http.StatusRequestEntityTooLarge, "the body is over a limit of the site's request_body: post fewer items at once", nil)
	case err != nil:
		return c.fail(w, readStatus(err), "the body cannot be read", err)
	}
	defer func() {
		body.Landed(len(b.Data))
		b.Release()
	}()
	var doc jsondoc.Doc
	if err := doc.Parse(b.Data); err != nil {
		return c.fail(w, http.StatusBadRequest, err.Error(), nil)
	}
	var items []jsondoc.Node
	switch root := doc.Root(); root.Kind() {
	case '{':
		items = append(items, root)
	case '[':
		for n := root.First(); n.Exists() && len(items) <= maxConversions; n = n.Next() {
			items = append(items, n)
		}
	default:
		return c.fail(w, http.StatusBadRequest, "the body is neither an object nor an array: post one item, or an array of items", nil)
	}
	if len(items) > maxConversions {
		return c.fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("there are more than %d items: post fewer at once", maxConversions), nil)
	}
	results, err := c.accept(items)
	if err != nil {
		w.Header().Set("Retry-After", retryAfter)
		return c.fail(w, http.StatusServiceUnavailable, "the queue cannot take it; post it again", err)
	}
	status := http.StatusOK
	if len(results) > 0 && allInvalid(results) {
		status = http.StatusUnprocessableEntity
	}
	return answerJSON(w, status, map[string]any{"results": results})
}

func allInvalid(results []conversionResult) bool {
	for i := range results {
		if results[i].Status != "invalid" {
			return false
		}
	}
	return true
}

// fail answers with a sentence, and logs what must not be shown.
func (c *Conversions) fail(w http.ResponseWriter, status int, sentence string, why error) error {
	if why != nil {
		c.logger.Error("conversions refused", zap.Int("status", status), zap.String("tenant", c.Tenant), zap.Error(why))
	}
	return answerJSON(w, status, map[string]string{"error": sentence})
}

func answerJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
	return nil
}

// conversionResult is what became of an item.
type conversionResult struct {
	Status  string          `json:"status"` // queued, duplicate, no_click or invalid
	EventID *string         `json:"eventId"`
	Click   json.RawMessage `json:"click"`
	Error   *string         `json:"error"`
	Fix     *string         `json:"fix"`
}

func (r *conversionResult) refuse(status, sentence, fix string) {
	r.Status, r.Error = status, &sentence
	if fix != "" {
		r.Fix = &fix
	}
}

// accept queues the items that can be reported, all in one durable step.
func (c *Conversions) accept(items []jsondoc.Node) ([]conversionResult, error) {
	engine, counted, err := c.app.enter()
	if err != nil {
		return nil, err
	}
	defer c.app.leave(counted)
	q, err := engine.open(c.app)
	if err != nil {
		return nil, err
	}
	ctx := deadline.Of(time.Now())
	p := conversionPlan{c: c, now: c.app.now(), results: make([]conversionResult, len(items)), group: queue.Group{Tenant: c.Tenant}}
	if err := p.read(ctx, q, items); err != nil {
		return nil, err
	}
	for i := range p.items {
		p.plan(i)
	}
	if len(p.group.Jobs) == 0 {
		return p.results, nil
	}
	result := q.Append(ctx, []queue.Group{p.group})[0]
	if result.Err != nil {
		return nil, result.Err
	}
	p.report(&result)
	return p.results, nil
}

var (
	_ caddy.Provisioner           = (*Conversions)(nil)
	_ caddyhttp.MiddlewareHandler = (*Conversions)(nil)
)
