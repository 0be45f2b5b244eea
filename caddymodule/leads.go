package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/sites"
)

// Leads fetches the answers of lead ads' forms, before the tenant's other destinations get
// the leads.
type Leads struct {
	// The destination's name. Default: <tenant>-leads.
	Name string `json:"name,omitempty"`

	// A token that may read the Pages' leads. With {file.*} it is read again when
	// Meta refuses it.
	AccessToken string `json:"access_token"`

	// The app's secret, for appsecret_proof. Default: none.
	AppSecret string `json:"app_secret,omitempty"`

	// The Graph API's version. Default: v27.0.
	GraphVersion string `json:"graph_version,omitempty"`

	// The Graph API. Default: https://graph.facebook.com.
	Endpoint string `json:"endpoint,omitempty"`

	// As what each lead is reported, as it comes, to the tenant's capi lead_ads: Lead,
	// say. Default: not at all.
	Report string `json:"report,omitempty"`

	// For how long a lead is tried again. Default: 168h (7d).
	RetryFor caddy.Duration `json:"retry_for,omitempty"`

	// How often the active forms of the tenant's Pages are read for leads that no
	// webhook brought. Default: 0, never.
	Reconcile caddy.Duration `json:"reconcile,omitempty"`
}

var _ kind = (*Leads)(nil)

func leadsOptions() options[Leads] {
	return options[Leads]{
		{
			name: "name", args: "<name>", shown: "`<tenant>-leads`", at: func(l *Leads) value { return nameValue{&l.Name} },
			help: "the queue's identity",
		},
		{
			name: "access_token", args: "<token>", shown: "required", at: func(l *Leads) value { return textValue{&l.AccessToken} },
			help: "with `{file.*}` it is read again when Meta refuses it",
		},
		{
			name: "app_secret", args: "<secret>", at: func(l *Leads) value { return textValue{&l.AppSecret} },
			help: "adds `appsecret_proof`",
		},
		{
			name: "graph_version", args: "<version>", def: capi.DefaultGraphVersion,
			at: func(l *Leads) value { return textValue{&l.GraphVersion} },
		},
		{
			name: "endpoint", args: "<url>", def: capi.DefaultEndpoint, at: func(l *Leads) value { return textValue{&l.Endpoint} },
		},
		{
			name: "report", args: "<event name>", at: func(l *Leads) value { return textValue{&l.Report} },
			help: "reports each lead, as it comes, to `capi lead_ads` under this name, such as `Lead`: the stage before all others",
		},
		{
			name: "retry_for", args: "<duration>", def: "7d", at: func(l *Leads) value { return timeValue{&l.RetryFor} },
			help: "after the first attempt; Meta keeps a lead for 90 days. What it does not know is asked for during 6 hours",
		},
		{
			name: "reconcile", args: "<duration>", shown: "off", at: func(l *Leads) value { return timeValue{&l.Reconcile} },
			help: "how often the active forms of the tenant's `match page_id` are read for leads that webhooks missed, such as `15m`",
		},
	}
}

func (*Leads) optionNames() []string { return leadsOptions().names() }

// parse reads `leads { … }`.
func (l *Leads) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf("leads takes no '%s' on its line: write its options into a block, `leads { access_token … }`", d.Val())
	}
	if err := leadsOptions().parse(l, d, "leads", (*Leads).checkText); err != nil {
		return err
	}
	if l.AccessToken == "" {
		return d.Err("leads needs an access_token: write `access_token {file./run/secrets/page_token}`, " +
			"of a token that may read the Page's leads")
	}
	return nil
}

// checkText looks at what stands in the text; placeholders are looked at when they
// have been replaced.
func (l *Leads) checkText() error {
	r, err := l.resolve(withoutPlaceholders)
	if err != nil {
		return err
	}
	r.AccessToken = cmp.Or(r.AccessToken, "a placeholder")
	return r.check()
}

// check is of the settings resolved. What the Graph API wants of them is as of a dataset's.
func (l *Leads) check() error {
	if l.Report != "" {
		if err := capi.CheckStage(l.Report); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	s := capi.Settings{AccessToken: l.AccessToken, AppSecret: l.AppSecret, Endpoint: l.Endpoint, GraphVersion: l.GraphVersion}
	return s.ValidateAccess()
}

// resolve is the settings with defaults, their placeholders replaced.
func (l *Leads) resolve(replace func(option, text string) (string, error)) (*Leads, error) {
	r := *l
	if err := leadsOptions().resolve(&r, replace); err != nil {
		return nil, err
	}
	return &r, nil
}

// config is that of what reads leads; l must be resolved.
func (l *Leads) config() leads.Config {
	return leads.Config{
		Endpoint: l.Endpoint, GraphVersion: l.GraphVersion, UserAgent: "Leadgate/" + Version(),
		Credentials: graph.Credentials{Token: l.AccessToken, AppSecret: l.AppSecret},
	}
}

// checkBeside refuses what comes to nothing for want of something else of the tenant's, in
// whichever block that would stand.
func (l *Leads) checkBeside(s *sites.Sites, tenant string) error {
	switch {
	case !s.BringsForms(tenant):
		return errors.New("forms of lead ads come by `provider meta` alone, and the tenant is in no such block: write `leads` into one")
	case l.Reconcile > 0 && !s.HasPages(tenant):
		return errors.New("reconcile reads the forms of the tenant's Pages, and it has none: write `match page_id <id>`")
	case l.Report != "" && !s.ReportsLeads(tenant):
		return fmt.Errorf("report %s: there is no `capi lead_ads` to report leads to: add one to the tenant, or leave report out", l.Report)
	}
	return nil
}

func (l *Leads) reports() bool { return false }

func (*Leads) names(string) error {
	return errors.New("conversions are reported to capi and google")
}

func (l *Leads) isNamed() bool { return l.Name != "" }

// credentials reads the secrets anew, for when Meta has refused the last ones.
func (l *Leads) credentials() (c graph.Credentials, err error) {
	repl := caddy.NewReplacer()
	if c.Token, err = replaceText(repl, "access_token", l.AccessToken); err != nil {
		return c, err
	}
	if l.AppSecret != "" {
		c.AppSecret, err = replaceText(repl, "app_secret", l.AppSecret)
	}
	return c, err
}

func (l *Leads) key() string { return "leads " + l.Endpoint + " " + l.AccessToken }

// examine is what the doctor says of a tenant's leads where its Pages are not known.
func (l *Leads) examine(ctx context.Context, tenant string) finding.List {
	return l.examinePages(ctx, tenant, nil)
}

// examinePages is what the doctor says of the leads of a tenant's Pages.
func (l *Leads) examinePages(ctx context.Context, tenant string, pages []string) (found finding.List) {
	where := "tenant " + tenant + ": leads"
	repl := caddy.NewReplacer()
	replace := func(option, text string) (string, error) { return replaceText(repl, option, text) }
	r, err := l.resolve(replace)
	if err != nil {
		found.Warn(where+": "+err.Error(), "")
		return found
	}
	for i, page := range pages {
		if pages[i], err = replace("match page_id", page); err != nil {
			found.Warn(where+": "+err.Error(), "")
			return found
		}
	}
	config := r.config()
	found = leads.Check(ctx, where, &config, pages)
	if finding.IsLiteral(l.AccessToken) {
		found.PlainText(where, "access_token")
	}
	return found
}
