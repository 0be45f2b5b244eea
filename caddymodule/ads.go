package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/adsync"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/sites"
)

// Ads has Meta asked what a tenant's ads are called, and what they cost.
type Ads struct {
	// A token with ads_read. With {file.*} it is read again when Meta refuses it.
	AccessToken string `json:"access_token"`

	// The ad accounts whose spend is read, such as act_1029384756. Names are those of all
	// ads that the token may see.
	Account []string `json:"account,omitempty"`

	// How often spend is read. Default: 6h.
	Refresh caddy.Duration `json:"refresh,omitempty"`

	// The app's secret, for appsecret_proof. Default: none.
	AppSecret string `json:"app_secret,omitempty"`

	// The Graph API's version. Default: v27.0.
	GraphVersion string `json:"graph_version,omitempty"`

	// The Graph API. Default: https://graph.facebook.com.
	Endpoint string `json:"endpoint,omitempty"`
}

func adsOptions() options[Ads] {
	return options[Ads]{
		{
			name: "access_token", args: "<token>", shown: "required", at: func(a *Ads) value { return textValue{&a.AccessToken} },
			help: "with `ads_read`; with `{file.*}` it is read again when Meta refuses it",
		},
		{
			name: "account", args: "<act_…>...", many: true, at: func(a *Ads) value { return listValue{&a.Account, areAccounts} },
			help: "the ad accounts whose spend is read; without one names alone are",
		},
		{
			name: "refresh", args: "<duration>", def: "6h", at: func(a *Ads) value { return timeValue{&a.Refresh} },
			help: "how often spend is read: of today and yesterday, once a day of 7 days, once a week of 28",
		},
		{
			name: "app_secret", args: "<secret>", at: func(a *Ads) value { return textValue{&a.AppSecret} },
			help: "adds `appsecret_proof`",
		},
		{
			name: "graph_version", args: "<version>", def: capi.DefaultGraphVersion,
			at: func(a *Ads) value { return textValue{&a.GraphVersion} },
		},
		{
			name: "endpoint", args: "<url>", def: capi.DefaultEndpoint, at: func(a *Ads) value { return textValue{&a.Endpoint} },
		},
	}
}

var accountID = regexp.MustCompile(`^act_[0-9]{1,20}$`)

func areAccounts(words []string) error {
	for _, word := range words {
		if !accountID.MatchString(word) {
			return fmt.Errorf("account '%s' is no ad account's id: write act_ and its digits, as the address of the Ads Manager has them", word)
		}
	}
	return nil
}

// adsOption is the directive; of is the tenant that it is of.
func adsOption[T any](of func(*T) *Tenant) option[T] {
	return option[T]{name: "ads", parse: func(t *T, d *caddyfile.Dispenser) error {
		a := new(Ads)
		if err := a.parse(d); err != nil {
			return err
		}
		of(t).Ads = a
		return nil
	}}
}

// parse reads `ads { … }`.
func (a *Ads) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf("ads takes no '%s' on its line: write its options into a block, `ads { access_token … }`", d.Val())
	}
	if err := adsOptions().parse(a, d, "ads", (*Ads).checkText); err != nil {
		return err
	}
	if a.AccessToken == "" {
		return d.Err("ads needs an access_token: write `access_token {file./run/secrets/ads_token}`, of a token with ads_read")
	}
	return nil
}

// checkText looks at what stands in the text; placeholders are looked at when they have
// been replaced.
func (a *Ads) checkText() error {
	r, err := a.resolve(withoutPlaceholders)
	if err != nil {
		return err
	}
	r.AccessToken = cmp.Or(r.AccessToken, "a placeholder")
	return r.check()
}

// check is of the settings resolved. What the Graph API wants of them is as of a dataset's.
func (a *Ads) check() error {
	if err := areAccounts(a.Account); err != nil {
		return err
	}
	s := capi.Settings{AccessToken: a.AccessToken, AppSecret: a.AppSecret, Endpoint: a.Endpoint, GraphVersion: a.GraphVersion}
	return s.ValidateAccess()
}

func (a *Ads) resolve(replace func(option, text string) (string, error)) (*Ads, error) {
	r := *a
	if err := adsOptions().resolve(&r, replace); err != nil {
		return nil, err
	}
	return &r, nil
}

// config is that of what asks; a must be resolved.
func (a *Ads) config(tenant string) adsync.Config {
	accounts := make([]string, len(a.Account))
	for i, id := range a.Account {
		accounts[i] = strings.TrimPrefix(id, "act_")
	}
	slices.Sort(accounts)
	return adsync.Config{
		Tenant: tenant, Endpoint: a.Endpoint, GraphVersion: a.GraphVersion, UserAgent: "Leadgate/" + Version(),
		Credentials: graph.Credentials{Token: strings.TrimSpace(a.AccessToken), AppSecret: strings.TrimSpace(a.AppSecret)},
		Accounts:    slices.Compact(accounts), Refresh: time.Duration(a.Refresh),
	}
}

// credentials reads the secrets anew, for when Meta has refused the last ones.
func (a *Ads) credentials() (c graph.Credentials, err error) {
	repl := caddy.NewReplacer()
	if c.Token, err = replaceText(repl, "access_token", a.AccessToken); err != nil {
		return c, err
	}
	if a.AppSecret != "" {
		c.AppSecret, err = replaceText(repl, "app_secret", a.AppSecret)
	}
	c.Token, c.AppSecret = strings.TrimSpace(c.Token), strings.TrimSpace(c.AppSecret)
	return c, err
}

// adsAsking is what asks Meta of the tenants' ads.
type adsAsking struct {
	settings map[string]*Ads // resolved, by tenant
	syncers  map[string]*adsync.Syncer
	stop     context.CancelFunc // nil: it does not run
	running  *sync.WaitGroup
}

// provisionAds checks the settings of a tenant, which may stand in several blocks if they
// are the same.
func (h *Handler) provisionAds(tenant string, a *Ads, repl *caddy.Replacer) error {
	if a == nil {
		return nil
	}
	where := "tenant " + tenant + ": ads: "
	r, err := a.resolve(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return fmt.Errorf("%s%w", where, err)
	}
	all := &h.app.asking
	if other := all.settings[tenant]; other != nil {
		if !reflect.DeepEqual(other, r) {
			return errors.New(where + "it stands in two blocks with other settings: a tenant has one `ads`, of all its accounts")
		}
		return nil
	}
	if all.settings == nil {
		all.settings, all.syncers = make(map[string]*Ads), make(map[string]*adsync.Syncer)
	}
	config := r.config(tenant)
	config.Renew, config.Logger, config.Now = a.credentials, h.app.logger.Named("ads"), h.app.now
	all.settings[tenant], all.syncers[tenant] = r, adsync.New(config)
	return nil
}

// startAds begins to ask.
func (a *App) startAds() {
	ctx, cancel := context.WithCancel(context.Background())
	a.asking.stop, a.asking.running = cancel, new(sync.WaitGroup)
	for _, s := range a.asking.syncers {
		a.asking.running.Go(func() { s.Run(ctx, a.openQueue) })
	}
}

// stopAds breaks off what is asked; what was kept stays.
func (a *App) stopAds() {
	if a.asking.stop != nil {
		a.asking.stop()
		a.asking.running.Wait()
		a.asking.stop = nil
	}
}

// adNames says what a tenant's ads are called, as far as that is known in memory.
func (a *App) adNames(tenant string) clicks.Names {
	return func(ad string) (name, adset, campaign string) {
		if s := a.asking.syncers[tenant]; s != nil {
			n, _ := s.Name(ad)
			return n.Ad, n.Adset, n.Campaign
		}
		return "", "", ""
	}
}

// adsProblem is why a tenant's names and spend are missing or old.
func (a *App) adsProblem(tenant string) string {
	if s := a.asking.syncers[tenant]; s != nil {
		return s.Status().Problem
	}
	return ""
}

// adsZones are those of the days of a tenant's ad accounts, as far as they are known.
func (a *App) adsZones(tenant string) []*time.Location {
	if s := a.asking.syncers[tenant]; s != nil {
		return s.Status().Zones
	}
	return nil
}

// adsRead is what metrics show of it.
func (a *App) adsRead() (list []metrics.AdsRead) {
	for tenant, s := range a.asking.syncers {
		st := s.Status()
		list = append(list, metrics.AdsRead{Tenant: tenant, Reasons: st.Reasons, Names: st.Names, Spend: st.Spend})
	}
	return list
}

// adsSite is what the doctor looks at.
func (a *Ads) adsSite(tenant string) sites.Destination {
	return sites.Destination{
		Kind: "ads", Key: a.Endpoint + " " + a.AccessToken + " " + strings.Join(a.Account, " "),
		Names: func(string) error { return errors.New("ads reports nothing") },
		Check: func(ctx context.Context) finding.List { return a.examine(ctx, tenant) },
	}
}

// examine is what the doctor says of it.
func (a *Ads) examine(ctx context.Context, tenant string) (found finding.List) {
	where := "tenant " + tenant + ": ads"
	repl := caddy.NewReplacer()
	r, err := a.resolve(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		found.Warn(where+": "+err.Error(), "")
		return found
	}
	found = adsync.Check(ctx, where, r.config(tenant))
	if finding.IsLiteral(a.AccessToken) {
		found.PlainText(where, "access_token")
	}
	return found
}
