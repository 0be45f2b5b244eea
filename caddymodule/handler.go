package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/deadline"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// retryAfter is what a 503 asks for, in seconds.
const retryAfter = "10"

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.leadgate", New: func() caddy.Module { return new(Handler) }}
}

// Provision loads the provider, replaces the placeholders and makes the block's
// tenants known to the app.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = logger(ctx)
	if h.ProviderRaw == nil {
		return errors.New("leadgate needs a provider: write `provider meta { … }`")
	}
	if err := h.nulls(); err != nil {
		return err
	}
	mod, err := ctx.LoadModule(h, "ProviderRaw")
	if err != nil {
		return fmt.Errorf("loading the provider: %w", err)
	}
	provider, ok := mod.(Provider)
	if !ok {
		return fmt.Errorf("module %T is no provider", mod)
	}
	h.provider = provider
	h.requests = metrics.NewWebhooks(h.providerName())
	// Alerts watch these; a counter that begins with its first 401 would
	// hide that one from them.
	for _, outcome := range []string{"unauthorized", "unavailable", "busy"} {
		h.requests.Add("", outcome, 0)
	}
	metrics.UnknownWords(h.providerName(), 0)
	h.methods = []string{http.MethodPost}
	if m, ok := provider.(MethodLister); ok {
		h.methods = m.Methods()
	}
	h.signatures = signatureHeaders
	if s, ok := provider.(HeaderSigner); ok {
		h.signatures = append(slices.Clone(signatureHeaders), s.SignatureHeaders()...)
	}
	h.sealer, _ = provider.(Sealer)
	if s, ok := provider.(VerificationSkipper); ok && s.SkipsVerification() {
		h.logger.Warn("insecure_skip_verify: webhooks are not verified, so that anybody can post events",
			zap.String("provider", h.providerName()))
	}
	if h.MaxBody < 0 {
		return fmt.Errorf("max_body %d is no size: write one in bytes, such as %d, or nothing at all", h.MaxBody, defaultMaxBody)
	}
	if h.MaxBody == 0 {
		h.MaxBody = defaultMaxBody
	}
	if h.MaxEvents < 0 {
		return fmt.Errorf("max_events %d is no number of events: write one from 1, or nothing at all", h.MaxEvents)
	}
	if h.MaxEvents == 0 {
		h.MaxEvents = defaultMaxEvents
	}
	app, err := ctx.App("leadgate")
	if err != nil {
		return err
	}
	h.app = app.(*App)
	h.events = h.app.events
	if err := h.app.survey(ctx); err != nil {
		return err
	}
	server := serverOf(ctx)
	h.app.servedBy(server)
	h.warnOfLogs(server)
	return h.provisionTenants()
}

func (h *Handler) provisionTenants() error {
	repl := caddy.NewReplacer()
	queued := false
	names := make(map[string]bool, len(h.Tenants))
	for _, t := range h.Tenants {
		if names[t.Name] {
			return errors.New(twiceInBlock(t.Name))
		}
		names[t.Name] = true
		if !wording.ValidName(t.Name) {
			return fmt.Errorf("tenant '%s': a name is of letters, digits, dots, dashes and underscores, at most 64", t.Name)
		}
		if len(t.Match) == 0 {
			return fmt.Errorf("tenant %s has no match, so nothing would reach it", t.Name)
		}
		match := make(map[string][]string, len(t.Match))
		for key, values := range t.Match {
			if len(values) == 0 {
				return fmt.Errorf("tenant %s: match %s has no value, so nothing would reach it", t.Name, key)
			}
			if !slices.Contains(matchKeys, key) {
				return fmt.Errorf("tenant %s: match '%s' is unknown: write one of %s", t.Name, key, strings.Join(matchKeys, ", "))
			}
			for _, v := range values {
				v, err := replaceText(repl, "tenant "+t.Name+": match "+key, v)
				if err != nil {
					return err
				}
				match[key] = append(match[key], v)
			}
		}
		shared := h.app.tenantNamed(t.Name)
		if err := h.routes.add(shared, match); err != nil {
			return err
		}
		if err := h.provisionDestinations(shared, t, repl); err != nil {
			return err
		}
		queued = queued || len(t.Forward)+len(t.CAPI) > 0
	}
	direct := h.Tenant
	if direct == nil {
		direct = new(Tenant)
	}
	if direct.Name == "" {
		direct.Name = defaultTenant
	}
	if !wording.ValidName(direct.Name) || len(direct.Match) > 0 {
		return fmt.Errorf("tenant '%s' directly in the block: a name is of letters, digits, dots, dashes and underscores, at most 64, and it takes no match", direct.Name)
	}
	if h.Tenant != nil && names[direct.Name] {
		return errors.New(twiceInBlock(direct.Name))
	}
	queued = queued || len(direct.Forward)+len(direct.CAPI) > 0
	h.inline = !queued
	if queued {
		h.app.blocks = append(h.app.blocks, h)
		h.app.atStart = append(h.app.atStart, h.warnWithoutWaba, h.warnUnsignedParts)
	}
	if h.inline || h.Tenant != nil || len(h.Tenants) == 0 {
		h.routes.direct = h.app.tenantNamed(direct.Name)
		return h.provisionDestinations(h.routes.direct, direct, repl)
	}
	return nil
}

func (h *Handler) provisionDestinations(shared *tenant, t *Tenant, repl *caddy.Replacer) error {
	for _, f := range t.Forward {
		d, named, err := f.provision(shared, repl)
		if err != nil {
			return err
		}
		if err := h.app.addDestination(shared, d, named); err != nil {
			return err
		}
	}
	for _, c := range t.CAPI {
		d, named, err := c.provision(h.app, shared, repl)
		if err != nil {
			return err
		}
		if err := h.app.addDestination(shared, d, named); err != nil {
			return err
		}
	}
	return nil
}

// warnWithoutWaba says, when all blocks are known, that Meta will refuse
// conversions for want of the account's id.
func (h *Handler) warnWithoutWaba() error {
	omitter, ok := h.provider.(WABAOmitter)
	if !ok {
		return nil
	}
	which := omitter.OmitsWABA()
	for _, t := range h.allTenants() {
		for _, d := range t.destinations {
			if d.capi != nil && d.capi.settings.WabaID == "" && d.capi.takes(normalize.ChannelWhatsApp, t.destinations) {
				h.logger.Warn(which+" carry no WhatsApp Business Account id, and Meta refuses conversions without it: write `waba_id <id>` in the capi block",
					zap.String("tenant", t.name), zap.String("destination", d.Dest.Name))
			}
		}
	}
	return nil
}

// allTenants are the block's tenants, the one of what nothing matches included.
func (h *Handler) allTenants() []*tenant {
	if h.routes.direct == nil {
		return h.routes.tenants
	}
	return append(slices.Clone(h.routes.tenants), h.routes.direct)
}

func (h *Handler) providerName() string {
	return h.provider.(caddy.Module).CaddyModule().ID.Name()
}

// ServeHTTP answers one request of the provider: read, verify, normalize, and
// either store what came of it and say 200, or hand it to the next handler.
//
// The statuses are written here and not returned as errors: a handle_errors
// with a reverse_proxy in it would turn a 503 into somebody else's 200, and the
// provider would not send the webhook again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	started := time.Now()
	// A handshake is answered by the provider, so that what comes of it is said first.
	outcomeHandshake.say(w)
	if h.provider.Handshake(w, r) {
		h.requests.Add("", "handshake", 1)
		return nil
	}
	if r.Method == http.MethodGet || !slices.Contains(h.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(h.methods, ", "))
		return h.refuse(w, http.StatusMethodNotAllowed, "method", nil)
	}
	b, err := body.Read(r, h.MaxBody, h.app.MaxInflightBody)
	switch {
	case errors.Is(err, body.ErrBusy):
		body.Abandon(w, r)
		w.Header().Set("Retry-After", retryAfter)
		return h.refuse(w, http.StatusServiceUnavailable, "busy", err)
	case err != nil && readStatus(err) == http.StatusRequestEntityTooLarge:
		return h.refuse(w, http.StatusRequestEntityTooLarge, "too_large", nil)
	case err != nil:
		return h.refuse(w, readStatus(err), "unreadable", err)
	}
	// However this ends, also by a panic: what is not taken off would be taken for
	// in flight for ever.
	flying := len(b.Data)
	defer func() { body.Landed(flying) }()
	if err := h.provider.Verify(r, b.Data); err != nil {
		b.Release()
		return h.refuse(w, http.StatusUnauthorized, "unauthorized", err)
	}
	s := scratches.Get().(*scratch)
	s.body = b
	turn, err := s.takeTurn(started)
	if err != nil {
		s.release()
		w.Header().Set("Retry-After", retryAfter)
		return h.refuse(w, http.StatusServiceUnavailable, "unavailable", err)
	}
	defer turn.end() // also of what panics; else it has ended by then
	now := h.app.now()
	s.batch.Limit(h.MaxEvents, maxMultiple*int(h.MaxBody))
	if err := h.provider.Normalize(r, b.Data, now.UnixMilli(), &s.batch); err != nil {
		s.release()
		return h.refuse(w, http.StatusBadRequest, "malformed", err)
	}
	h.noteWords(s.batch.Unknown(), now)
	bound := s.bound(h)
	if len(s.batch.Events) == 0 && bound == "" {
		s.release()
		h.requests.Add("", outcomeEmpty.String(), 1)
		return h.accept(w, outcomeEmpty)
	}
	if bound != "" {
		s.keepWhole(h, r, bound)
	} else {
		s.route(&h.routes)
	}
	s.hear(now)
	if h.inline {
		body.Landed(flying)
		flying = 0
		return h.serveNext(w, r, next, s)
	}
	outcome, err := h.store(r, s, started)
	if err != nil {
		// The store may still be reading what it was given, so s is left to the collector.
		w.Header().Set("Retry-After", retryAfter)
		return h.refuse(w, http.StatusServiceUnavailable, "unavailable", err)
	}
	s.release()
	err = h.accept(w, outcome)
	metrics.Ack(time.Since(started))
	return err
}

// refuse answers with a status and no body, and logs why.
func (h *Handler) refuse(w http.ResponseWriter, status int, outcome string, why error) error {
	outcomeRefused.say(w)
	h.requests.Add("", outcome, 1)
	level := zapcore.WarnLevel
	switch status {
	case http.StatusServiceUnavailable:
		level = zapcore.ErrorLevel
	case http.StatusMethodNotAllowed:
		level = zapcore.DebugLevel
	}
	if c := h.logger.Check(level, "webhook refused"); c != nil {
		fields := []zap.Field{zap.String("provider", h.providerName()), zap.Int("status", status), zap.String("outcome", outcome)}
		if why != nil {
			fields = append(fields, zap.Error(why))
		}
		if syntax, ok := errors.AsType[*normalize.SyntaxError](why); ok {
			fields = append(fields, zap.Int64("position", syntax.Offset))
		}
		c.Write(fields...)
	}
	w.WriteHeader(status)
	return nil
}

// accept says that the provider need not send this again.
func (h *Handler) accept(w http.ResponseWriter, o outcome) error {
	o.say(w)
	if a, ok := h.provider.(Answerer); ok {
		a.Answer(w)
		return nil
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// store queues the events: durable when it returns no error. It says what became
// of them.
func (h *Handler) store(r *http.Request, s *scratch, started time.Time) (outcome, error) {
	engine, counted, err := h.app.enter()
	if err != nil {
		return outcomeRefused, err
	}
	defer h.app.leave(counted)
	q, err := engine.open(h.app)
	if err != nil {
		return outcomeRefused, err
	}
	ctx := deadline.Of(started)
	s.lookUpAds(ctx, h, q)
	s.plan(h, r)
	if len(s.groups) == 0 {
		h.requests.Add("", outcomeEmpty.String(), 1)
		return outcomeEmpty, nil // nobody wants these
	}
	results := q.Append(ctx, s.groups)
	return h.report(s, results)
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
