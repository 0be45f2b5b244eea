package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/destination"
	ledger "github.com/leadgate/leadgate/internal/destination/google"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// settings are those of package google; g must be resolved.
func (g *Google) settings() (google.Settings, error) {
	consent, err := parseConsent(g.Consent)
	if err == nil && g.WithoutClick == "on" && g.MatchKeys == "none" {
		err = errors.New("without_click on reports by phone or e-mail alone, and match_keys none sends neither: leave out one of them")
	}
	return google.Settings{
		Account: g.Account, LoginAccount: g.LoginAccount, Endpoint: g.Endpoint, EventSource: g.EventSource,
		NoMatchKeys: g.MatchKeys == "none", WithoutClick: g.WithoutClick == "on", Consent: consent, UserAgent: "Leadgate/" + Version(),
	}, err
}

// actions are the conversion actions. LeadSubmitted is Lead.
func (g *Google) actions() ledger.Actions {
	a := make(ledger.Actions, len(g.Convert))
	for name, action := range g.Convert {
		if name == "LeadSubmitted" {
			name = "Lead"
		}
		a[name] = action
	}
	return a
}

func (g *Google) provision(a *App, tenant string, repl *caddy.Replacer) (*destination.Destination, error) {
	where := "tenant " + tenant + ": destination " + cmp.Or(g.Name, tenant+"-google-"+digitsOf(g.Account)) + ": "
	r, settings, key, err := g.load(repl)
	if err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	if r.Name = cmp.Or(g.Name, tenant+"-google-"+settings.Account); !wording.ValidName(r.Name) {
		return nil, fmt.Errorf("%s%w", where, badDestinationName(r.Name))
	}
	d := ledger.New(&ledger.Settings{
		Dest: queue.Dest{Tenant: tenant, Name: r.Name}, Dedupe: time.Duration(a.Dedupe),
		RetryFor: time.Duration(r.RetryFor), Batch: r.Batch, Linger: time.Duration(*r.Linger),
		Config: ledger.Config{
			Settings: settings, Actions: r.actions(), Key: key, Hold: time.Duration(*r.Hold), AskAfter: time.Duration(r.AskAfter),
			Credentials: g.credentials, OnEvents: metrics.GoogleConversions(r.Name), Logger: a.logger.Named("google"),
		},
	})
	d.Options = googleOptions().settings(r)
	return d, nil
}

// load is all that there is to know before the first request, checked.
func (g *Google) load(repl *caddy.Replacer) (*Google, google.Settings, *google.Key, error) {
	if err := g.missing(); err != nil {
		return nil, google.Settings{}, nil, err
	}
	r, err := g.resolve(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		return nil, google.Settings{}, nil, err
	}
	settings, err := r.settings()
	if err == nil {
		err = settings.Validate()
	}
	var key *google.Key
	if err == nil {
		key, err = google.ParseKey([]byte(r.Credentials))
	}
	if err == nil {
		err = settings.Check(key)
	}
	return r, settings, key, err
}

func (g *Google) reports() bool { return true }

func (g *Google) names(event string) error {
	if g.actions().Of(event) == "" {
		return fmt.Errorf("%s has no conversion action: add `convert %s <conversion action>` to the google block", event, event)
	}
	return nil
}

func (g *Google) isNamed() bool { return g.Name != "" }

// credentials reads the key anew, for when Google has refused the last one.
func (g *Google) credentials() (*google.Key, error) {
	text, err := replaceText(caddy.NewReplacer(), "credentials", g.Credentials)
	if err != nil {
		return nil, err
	}
	return google.ParseKey([]byte(text))
}

func (g *Google) key() string {
	return g.Account + " " + g.LoginAccount + " " + g.Credentials + " " + g.Endpoint
}

// examine is what the doctor says of an account of a tenant.
func (g *Google) examine(ctx context.Context, tenant string) (found finding.List) {
	where := "tenant " + tenant + ": google " + digitsOf(g.Account)
	_, settings, key, err := g.load(caddy.NewReplacer())
	if err != nil {
		found.Warn(where+": "+err.Error(), "")
		return found
	}
	found = ledger.Check(ctx, where, &settings, key, g.actions())
	if finding.IsLiteral(g.Credentials) {
		found.PlainText(where, "credentials")
	}
	return found
}
