package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/alert"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/typo"
)

// alertGrace is how long the last alerts of a configuration may take.
const alertGrace = 2 * time.Second

// AlertWebhook is a handler of Caddy's events that posts them to a URL, as JSON that
// chats take: so an alert needs nothing else. It is tried a few times, and no event
// waits for it.
type AlertWebhook struct {
	// Where events are posted, such as a chat's incoming webhook. Placeholders are
	// replaced at load.
	URL string `json:"url"`

	// Headers added to each request.
	Header map[string][]string `json:"header,omitempty"`

	// A secret for Standard Webhooks signatures: whsec_ and base64, or any other text.
	Sign string `json:"sign,omitempty"`

	// How long one request may take. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	poster *alert.Poster
}

func alertOptions() options[AlertWebhook] {
	return options[AlertWebhook]{
		{
			name: "header", args: "<field> <value>", many: true, at: func(a *AlertWebhook) value { return headerValue{&a.Header} },
			help: "may stand several times",
		},
		{
			name: "sign", args: "<secret>", at: func(a *AlertWebhook) value { return textValue{&a.Sign} },
			help: "Standard Webhooks, as for a forward",
		},
		{
			name: "timeout", args: "<duration>", def: "5s", at: func(a *AlertWebhook) value { return timeValue{&a.Timeout} },
			help: "of one request; it is made four times at most",
		},
	}
}

// CaddyModule returns the Caddy module information.
func (AlertWebhook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.leadgate_webhook", New: func() caddy.Module { return new(AlertWebhook) }}
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	leadgate_webhook <url> {
//		header <field> <value>
//		sign <secret>
//		timeout <duration>
//	}
func (a *AlertWebhook) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := (textValue{&a.URL}).parse("leadgate_webhook", d.RemainingArgs()); err != nil {
		return d.WrapErr(err)
	}
	// A URL that is all placeholder is looked at when it has been replaced.
	if !strings.Contains(a.URL, "{") {
		if err := typo.URL(a.URL); err != nil {
			return d.Errf("leadgate_webhook %s", err)
		}
	}
	return alertOptions().parse(a, d, "leadgate_webhook", nil)
}

// Provision replaces the placeholders.
func (a *AlertWebhook) Provision(ctx caddy.Context) error {
	c, err := a.config(caddy.NewReplacer())
	if err != nil {
		return fmt.Errorf("leadgate_webhook: %w", err)
	}
	c.Logger = logger(ctx)
	if a.poster, err = alert.NewPoster(c); err != nil {
		return fmt.Errorf("leadgate_webhook: %w", err)
	}
	return nil
}

func (a *AlertWebhook) config(repl *caddy.Replacer) (c alert.Config, err error) {
	if a.URL == "" {
		return c, errors.New("it needs a url: write `leadgate_webhook https://chat.example.com/hooks/…`")
	}
	replace := func(option, text string) (string, error) { return replaceText(repl, option, text) }
	target, err := replace("url", a.URL)
	if err != nil {
		return c, err
	}
	// Not typo's error: what a placeholder stands for is a secret.
	if typo.URL(target) != nil {
		return c, errors.New("url: it is no URL that can be posted to: write one such as https://chat.example.com/hooks/…")
	}
	r := *a
	if err := alertOptions().resolve(&r, replace); err != nil {
		return c, err
	}
	c = alert.Config{
		Header: headerValue{&r.Header}.canonical(), Timeout: time.Duration(r.Timeout), Now: time.Now,
		UserAgent: strings.TrimSuffix("Leadgate/"+Version(), "/"), Dropped: alertDropped,
	}
	if c.URL, err = url.Parse(target); err != nil {
		return c, errors.New("url: it cannot be read")
	}
	c.Sign = r.Sign
	return c, nil
}

// alertDropped counts alerts that were not posted.
func alertDropped(a *alert.Alert, n int) {
	event := "other" // labels are words of ours
	if a != nil && slices.ContainsFunc(notice.Names, func(name notice.Name) bool { return caddyEvent(name) == a.Event }) {
		event = a.Event
	}
	metrics.NoticesDropped(event, n)
}

// Handle implements [caddyevents.Handler]. It takes any event of Caddy's.
func (a *AlertWebhook) Handle(_ context.Context, e caddy.Event) error {
	text := func(key string) string {
		s, _ := e.Data[key].(string)
		return s
	}
	count, _ := e.Data["count"].(int)
	a.poster.Post(alert.Alert{
		ID: e.ID().String(), Event: e.Name(), Destination: text("destination"), Tenant: text("tenant"), Reason: text("reason"),
		Count: count, At: e.Timestamp().UTC().Truncate(time.Millisecond),
	})
	return nil
}

// Cleanup posts what waits, for a moment.
func (a *AlertWebhook) Cleanup() error {
	if a.poster != nil {
		a.poster.Stop(alertGrace)
	}
	return nil
}

// MarshalLogObject has Caddy's debug log show nothing of the URL, whose path is a secret.
func (*AlertWebhook) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("handler", "leadgate_webhook")
	return nil
}

var (
	_ caddy.Provisioner       = (*AlertWebhook)(nil)
	_ caddy.CleanerUpper      = (*AlertWebhook)(nil)
	_ caddyfile.Unmarshaler   = (*AlertWebhook)(nil)
	_ caddyevents.Handler     = (*AlertWebhook)(nil)
	_ zapcore.ObjectMarshaler = (*AlertWebhook)(nil)
)
