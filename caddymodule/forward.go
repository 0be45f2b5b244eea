package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/typo"
	"github.com/leadgate/leadgate/internal/wording"
)

// Forward is a destination that gets events by POST.
type Forward struct {
	// Where events are posted. Placeholders are replaced at load.
	URL string `json:"url"`

	// The destination's name, and so its queue's identity.
	// Default: <tenant>-<host>[-<port>].
	Name string `json:"name,omitempty"`

	// The kinds of events wanted: messages, statuses, echoes,
	// automatic_events, leads, account, conversions, standby (what is said while
	// another app or agent answers), all; ads narrows them to ad clicks.
	// Default: messages, statuses, automatic_events and leads.
	Only []string `json:"only,omitempty"`

	// Headers added to each request.
	Header map[string][]string `json:"header,omitempty"`

	// A secret for Standard Webhooks signatures: whsec_ and base64, or any other text.
	Sign string `json:"sign,omitempty"`

	// Post the provider's own bytes and signature headers instead of the unified JSON.
	Raw bool `json:"raw,omitempty"`

	// How long one request may take. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many requests may be under way at once. Default: 8.
	Concurrency int `json:"concurrency,omitempty"`

	// Requests a second, with bursts of one second's worth. Default: 0, unlimited.
	Rate float64 `json:"rate,omitempty"`

	// For how long after its first attempt an event is tried again. Default: 72h.
	RetryFor caddy.Duration `json:"retry_for,omitempty"`

	// How long a failing event holds back its contact's later ones: a
	// duration, or forever. Default: 5m.
	Hold string `json:"hold,omitempty"`
}

func forwardOptions() options[Forward] {
	return options[Forward]{
		{
			name: "name", args: "<name>", shown: "`<tenant>-<host>[-<port>]`", at: func(f *Forward) value { return nameValue{&f.Name} },
			help: "the queue's identity: keep it, and a changed URL takes the queue along",
		},
		{
			name: "only", args: "<kind>...", def: "messages statuses automatic_events leads", many: true,
			at: func(f *Forward) value { return onlyValue{&f.Only} },
			help: "also echoes, account, conversions, standby (while another app or agent answers: not to be answered), all; " +
				"`ads` narrows to ad clicks",
		},
		{
			name: "header", args: "<field> <value>", many: true, at: func(f *Forward) value { return headerValue{&f.Header} },
			help: "may stand several times",
		},
		{
			name: "sign", args: "<secret>", at: func(f *Forward) value { return textValue{&f.Sign} },
			help: "Standard Webhooks",
		},
		{
			name: "raw", at: func(f *Forward) value { return flagValue{&f.Raw} },
			help: "the provider's own bytes and signature headers; [of a webhook of several " +
				"tenants](docs/tenants.md#raw-bytes-of-several-tenants) its own elements",
		},
		{
			name: "timeout", args: "<duration>", def: "10s", at: func(f *Forward) value { return timeValue{&f.Timeout} },
			help: "of one request",
		},
		{
			name: "concurrency", args: "<n>", def: "8", at: func(f *Forward) value { return numberValue{&f.Concurrency} },
			help: "requests at once",
		},
		{
			name: "rate", args: "<n>", shown: "unlimited", at: func(f *Forward) value { return rateValue{&f.Rate} },
			help: "requests a second, with bursts of one second's worth",
		},
		{
			name: "retry_for", args: "<duration>", def: "72h", at: func(f *Forward) value { return timeValue{&f.RetryFor} },
			help: "after the first attempt",
		},
		{
			name: "hold", args: "<duration>|forever", def: "5m", at: func(f *Forward) value { return holdValue{&f.Hold} },
			help: "how long a failing event holds back its contact's later ones",
		},
	}
}

func (*Forward) optionNames() []string { return forwardOptions().names() }

// parse reads `forward <url> { … }`.
func (f *Forward) parse(d *caddyfile.Dispenser) error {
	if err := (textValue{&f.URL}).parse("forward", d.RemainingArgs()); err != nil {
		return d.WrapErr(err)
	}
	// A URL that is all placeholder is looked at when it has been replaced.
	if !strings.Contains(f.URL, "{") {
		if err := typo.URL(f.URL); err != nil {
			return d.Errf("forward %s", err)
		}
	}
	return forwardOptions().parse(f, d, "forward", nil)
}

func (f *Forward) provision(a *App, tenant string, repl *caddy.Replacer) (*destination.Destination, error) {
	where := "tenant " + tenant + ": destination " + cmp.Or(f.Name, printable.URL(f.URL)) + ": "
	target, err := replaceText(repl, where+"url", f.URL)
	if err != nil {
		return nil, err
	}
	if err := typo.URL(target); err != nil {
		return nil, fmt.Errorf("%surl: %w", where, err)
	}
	r := *f // resolved
	r.URL, r.Name = target, cmp.Or(f.Name, defaultForwardName(tenant, target))
	where = "tenant " + tenant + ": destination " + r.Name + ": "
	if !wording.ValidName(r.Name) {
		return nil, fmt.Errorf("%sname: %w", where, badDestinationName(r.Name))
	}
	err = forwardOptions().resolve(&r, func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	wants, _ := destination.ParseWants(r.Only...)
	hold, _ := parseHold(r.Hold)
	d, err := forward.New(&forward.Settings{
		Dest:  queue.Dest{Tenant: tenant, Name: r.Name},
		Wants: wants, Rate: r.Rate, RetryFor: time.Duration(r.RetryFor), Hold: hold,
		Config: forward.Config{
			URL: target, Tenant: tenant, Header: headerValue{&r.Header}.canonical(), Sign: r.Sign, Raw: r.Raw,
			Timeout: time.Duration(r.Timeout), Concurrency: r.Concurrency, Version: Version(), Names: a.adNames(tenant),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	d.Options = forwardOptions().settings(&r)
	d.Options["url"] = target
	return d, nil
}

func (f *Forward) reports() bool { return false }

func (f *Forward) names(string) error {
	return errors.New("conversions are reported to capi and google")
}

func (f *Forward) isNamed() bool { return f.Name != "" }

// defaultForwardName is <tenant>-<host>[-<port>]; an IPv6 address keeps its
// digits, with dashes for colons.
func defaultForwardName(tenant, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return tenant
	}
	name := tenant + "-" + strings.ReplaceAll(u.Hostname(), ":", "-")
	if port := u.Port(); port != "" {
		name += "-" + port
	}
	return name
}

func (f *Forward) key() string { return f.URL }

// examine is what the doctor says of a forward of a tenant.
func (f *Forward) examine(ctx context.Context, tenant string) (found finding.List) {
	shown := printable.URL(f.URL)
	if strings.Contains(f.URL, "{") { // what it stands for may be a secret
		shown, _, _ = strings.Cut(f.URL, "?")
	}
	where := "tenant " + tenant + ": forward " + printable.HidePhones(shown)
	target, err := replaceText(caddy.NewReplacer(), "url", f.URL)
	if err != nil {
		found.Warn(where+": "+err.Error(), "")
		return found
	}
	found = forward.Check(ctx, where, target)
	if f.Sign != "" && finding.IsLiteral(f.Sign) {
		found.PlainText(where, "its signing secret")
	}
	return found
}
