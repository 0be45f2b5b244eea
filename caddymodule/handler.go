package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/sites"
	"github.com/leadgate/leadgate/internal/wording"
)

// Handler is the leadgate directive: it answers the webhooks of one provider,
// and either queues their events for the tenants' destinations or, where the
// block has none, hands them to the next handler (inline).
type Handler struct {
	// Who posts here.
	ProviderRaw json.RawMessage `json:"provider,omitempty" caddy:"namespace=leadgate.providers inline_key=name"`

	// The largest body, in bytes. Default: 3 MiB, the most that Meta sends.
	MaxBody int64 `json:"max_body,omitempty"`

	// How many events one webhook may bring. One with more, or with over 16
	// times max_body of unified JSON, becomes one event of kind account with
	// the whole body as raw. Default: 1000, the most that Meta sends.
	MaxEvents int `json:"max_events,omitempty"`

	// Tenants that are told apart by the ids in the webhook.
	Tenants []*Tenant `json:"tenants,omitempty"`

	// The tenant of everything that no other one matches. Its match is empty.
	Tenant *Tenant `json:"tenant,omitempty"`

	provider Provider
	methods  []string // of webhooks, and GET where the provider has a handshake
	app      *App
	block    *intake.Block
	logger   *zap.Logger
}

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
	h.methods = []string{http.MethodPost}
	if m, ok := provider.(MethodLister); ok {
		h.methods = m.Methods()
	}
	if s, ok := provider.(VerificationSkipper); ok && s.SkipsVerification() {
		h.logger.Warn("insecure_skip_verify: webhooks are not verified, so that anybody can post events",
			zap.String("provider", h.providerName()))
	}
	if err := handlerOptions().resolve(&handlerBlock{Handler: h}, nil); err != nil {
		return err
	}
	app, err := ctx.App("leadgate")
	if err != nil {
		return err
	}
	h.app = app.(*App)
	h.block = h.newBlock()
	if err := h.app.survey(ctx); err != nil {
		return err
	}
	h.block.Tracer = h.app.tracing.get()
	server := serverOf(ctx)
	h.app.servedBy(server)
	h.warnOfLogs(server)
	return h.provisionTenants()
}

// newBlock is what intake must know of the block, but for its tenants.
func (h *Handler) newBlock() *intake.Block {
	b := &intake.Block{
		Provider: h.providerName(), Place: func() intake.Place { return h.app.place(h) },
		MaxBody: h.MaxBody, Limit: h.MaxEvents,
		Remember: time.Duration(h.app.RememberClicks), Dedupe: time.Duration(h.app.Dedupe),
		Normalize: h.provider.Normalize, SignatureHeaders: signatureHeaders(h.provider),
		Now: h.app.now, Requests: metrics.NewWebhooks(h.providerName()), OnEvent: dashboard.RecordEvent,
		Notices: h.app.notices,
		Logger:  h.logger, Clicks: h.app.events, Seen: &h.app.engine.clicks,
	}
	if s, ok := h.provider.(PartSigner); ok {
		b.SignPart = s.SignPart
	}
	if s, ok := h.provider.(Sealer); ok {
		b.Seal = s.Seal
	}
	// Alerts watch these; a counter that begins with its first 401 would
	// hide that one from them.
	for _, outcome := range []string{"unauthorized", "unavailable", "busy"} {
		b.Requests.Add("", outcome, 0)
	}
	metrics.UnknownWords(b.Provider, 0)
	return b
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
			if !slices.Contains(intake.MatchKeys, key) {
				return fmt.Errorf("tenant %s: match '%s' is unknown: write one of %s", t.Name, key, strings.Join(intake.MatchKeys, ", "))
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
		if err := h.block.Router.Add(shared, match); err != nil {
			return err
		}
		if err := h.provisionDestinations(shared, t, repl); err != nil {
			return err
		}
		if err := h.provisionRules(shared, t); err != nil {
			return err
		}
		if err := h.provisionAds(shared.Name, t.Ads, repl); err != nil {
			return err
		}
		queued = queued || len(t.destinations()) > 0
	}
	direct := h.Tenant
	if direct == nil {
		direct = new(Tenant)
	}
	if direct.Name == "" {
		direct.Name = sites.DefaultTenant
	}
	if !wording.ValidName(direct.Name) || len(direct.Match) > 0 {
		return fmt.Errorf("tenant '%s' directly in the block: a name is of letters, digits, dots, dashes and underscores, at most 64, "+
			"and it takes no match", direct.Name)
	}
	if h.Tenant != nil && names[direct.Name] {
		return errors.New(twiceInBlock(direct.Name))
	}
	queued = queued || len(direct.destinations()) > 0
	h.block.Inline = !queued
	if err := h.listens(); err != nil {
		return err
	}
	if queued {
		h.app.blocks = append(h.app.blocks, h)
		h.app.atStart = append(h.app.atStart, h.warnWithoutWaba, h.warnUnsignedParts)
	}
	if h.block.Inline || h.Tenant != nil || len(h.Tenants) == 0 {
		h.block.Router.Direct = h.app.tenantNamed(direct.Name)
		if err := h.provisionRules(h.block.Router.Direct, direct); err != nil {
			return err
		}
		if err := h.provisionAds(direct.Name, direct.Ads, repl); err != nil {
			return err
		}
		return h.provisionDestinations(h.block.Router.Direct, direct, repl)
	}
	return nil
}

func (h *Handler) provisionDestinations(shared *intake.Tenant, t *Tenant, repl *caddy.Replacer) error {
	here := make(map[string]bool)
	for _, c := range t.destinations() {
		d, err := c.provision(h.app, shared.Name, repl)
		if err != nil {
			return err
		}
		if err := h.app.addDestination(shared, d, c.isNamed()); err != nil {
			return err
		}
		name := d.Dest.Name
		if here[name] { // in another block the same one is welcome
			return fmt.Errorf("tenant %s: destination %s stands twice, and gets each event once: leave one of them out, "+
				"or write what tells them apart and a `name <name>`", shared.Name, name)
		}
		here[name] = true
	}
	return nil
}

// warnUnsignedParts says, when all blocks are known, that a raw destination may
// get what nobody can verify.
func (h *Handler) warnUnsignedParts() error {
	if s, ok := h.provider.(PartSigner); ok && s.CanSign() {
		return nil
	}
	if s, ok := h.provider.(SingleAccount); ok && s.OneAccount() {
		return nil // never cut
	}
	tenants := h.block.Router.Tenants()
	if len(tenants) < 2 {
		return nil
	}
	for _, t := range tenants {
		for _, d := range t.Destinations {
			if d.Raw {
				h.logger.Warn("a webhook that carries several tenants' events is cut for raw destinations, "+
					"and there is no key to sign the parts with: they go without the provider's signature",
					zap.String("provider", h.providerName()), zap.String("destination", d.Dest.Name))
				return nil // once a block
			}
		}
	}
	return nil
}

func (h *Handler) providerName() string {
	return h.provider.(caddy.Module).CaddyModule().ID.Name()
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
