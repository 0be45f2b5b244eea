package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/metrics"
)

// ofLeads reports whether the dataset is told of leads of lead ads, and of no chat.
func (c *CAPI) ofLeads() bool { return slices.Contains(c.Channels, dataset.LeadAds) }

// chatOptions are the options that say something of chats.
func (c *CAPI) chatOptions() map[string]bool {
	return map[string]bool{
		"event_name": c.EventName != "", "lead_on": c.LeadOn != "", "automatic_events": c.AutomaticEvents != "",
		"automatic_value_divisor": c.AutomaticValueDivisor != 0, "instagram_id_field": c.InstagramIDField != "", "waba_id": c.WabaID != "",
	}
}

// checkStages refuses what says nothing of the kind of dataset that it is. It is of the
// settings as they were written.
func (c *CAPI) checkStages() error {
	if !c.ofLeads() {
		if c.LeadEventSource != "" {
			return errors.New("lead_event_source is of `capi lead_ads` alone: write it there, or leave it out")
		}
		return nil
	}
	written := c.chatOptions()
	for _, name := range slices.Sorted(maps.Keys(written)) {
		if written[name] {
			return fmt.Errorf("capi lead_ads has no %s, which is of chats: leave it out", name)
		}
	}
	return nil
}

// onEvents counts what becomes of events for the dataset.
func (c *CAPI) onEvents(destinationName string) func(eventName, outcome string, n int) {
	if c.ofLeads() {
		return metrics.Stages(destinationName)
	}
	return metrics.Conversions(destinationName)
}

// mixes refuses a dataset that would be told of chats by one destination and of leads' stages by
// another, whichever tenants have them: Meta learns from each of the two apart.
func (a *App) mixes(d *destination.Destination) error {
	_, ofLeads := d.Planner.(destination.LeadReporter)
	for _, name := range slices.Sorted(maps.Keys(a.destinations)) {
		other := a.destinations[name]
		if _, otherOfLeads := other.Planner.(destination.LeadReporter); other.Kind == d.Kind && d.Kind == dataset.Kind &&
			other.Target == d.Target && ofLeads != otherOfLeads {
			return fmt.Errorf("dataset %s stands in a `capi` for chats and in a `capi lead_ads` (tenants %s and %s), and events of chats and "+
				"stages of leads are never mixed: write the dataset that Meta has for the CRM into `capi lead_ads`",
				d.Target, other.Dest.Tenant, d.Dest.Tenant)
		}
	}
	return nil
}

// countStages has stages be counted under the names that the configuration has.
func countStages(all []*destination.Destination, names ...string) {
	for _, d := range all {
		if _, ok := d.Planner.(destination.LeadReporter); ok {
			for _, name := range names {
				metrics.StageName(d.Dest.Name, name)
			}
		}
	}
}

// ofLeads reports whether a destination is told of lead ads' leads alone.
func ofLeads(k kind) bool {
	c, ok := k.(*CAPI)
	return ok && c.ofLeads()
}

// credentials reads the secrets anew, for when Meta has refused the last ones.
func (c *CAPI) credentials() (accessToken, appSecret string, err error) {
	repl := caddy.NewReplacer()
	if accessToken, err = replaceText(repl, "access_token", c.AccessToken); err != nil {
		return "", "", err
	}
	if c.AppSecret != "" {
		appSecret, err = replaceText(repl, "app_secret", c.AppSecret)
	}
	return accessToken, appSecret, err
}

// examine is what the doctor says of a dataset of a tenant.
func (c *CAPI) examine(ctx context.Context, tenant string) (found finding.List) {
	repl := caddy.NewReplacer()
	r, err := c.resolve(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		found.Warn("tenant "+tenant+": capi "+c.Dataset+": "+err.Error(), "")
		return found
	}
	settings := r.settings()
	where := "tenant " + tenant + ": capi " + settings.Dataset
	if c.ofLeads() {
		where = "tenant " + tenant + ": capi lead_ads " + settings.Dataset
	}
	found = dataset.Check(ctx, where, &settings)
	if finding.IsLiteral(c.AccessToken) {
		found.PlainText(where, "access_token")
	}
	return found
}
