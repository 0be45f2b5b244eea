package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// settings are those of package capi; c must be resolved.
func (c *CAPI) settings() capi.Settings {
	ldu, _ := dataset.ParseLDU(c.DataProcessingOptions)
	return capi.Settings{
		Dataset: c.Dataset, AccessToken: c.AccessToken, AppSecret: c.AppSecret,
		Endpoint: c.Endpoint, GraphVersion: c.GraphVersion,
		EventName: c.EventName, LeadOn: capi.LeadOn(c.LeadOn),
		AutomaticEvents: capi.AutomaticEvents(c.AutomaticEvents), AutomaticValueDivisor: int64(c.AutomaticValueDivisor),
		NoMatchKeys: c.MatchKeys == "none", InstagramIDField: c.InstagramIDField, WabaID: c.WabaID,
		DataProcessingOptions: ldu, TestEventCode: c.TestEventCode, PartnerAgent: c.PartnerAgent,
		LeadEventSource: c.LeadEventSource, OnTimeoutDrop: c.OnTimeout == "drop", UserAgent: "Leadgate/" + Version(),
	}
}

func (c *CAPI) provision(a *App, tenant string, repl *caddy.Replacer) (*destination.Destination, error) {
	where := "tenant " + tenant + ": destination " + cmp.Or(c.Name, tenant+"-capi-"+c.Dataset) + ": "
	if err := errors.Join(c.checkChannels(), c.checkStages()); err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	r, err := c.resolve(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	settings := r.settings()
	settings.RememberClicks = time.Duration(a.RememberClicks)
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	if r.Name = cmp.Or(c.Name, tenant+"-capi-"+settings.Dataset); !wording.ValidName(r.Name) {
		return nil, fmt.Errorf("%s%w", where, badDestinationName(r.Name))
	}
	d := dataset.New(&dataset.Settings{
		Dest:     queue.Dest{Tenant: tenant, Name: r.Name},
		Channels: c.Channels, Dedupe: time.Duration(a.Dedupe),
		RetryFor: time.Duration(r.RetryFor), Batch: r.Batch, Linger: time.Duration(*r.Linger),
		Config: dataset.Config{
			Settings: settings, Credentials: c.credentials, OnEvents: c.onEvents(r.Name), Logger: a.logger.Named("capi"),
		},
	})
	metrics.InDoubt(r.Name, 0)
	d.Options = capiOptions().settings(r)
	d.Options["channel"] = c.Channels
	for _, warning := range settings.Warnings() {
		a.logger.Warn(warning.String(), zap.String("destination", r.Name))
	}
	return d, nil
}

func (c *CAPI) reports() bool { return true }

func (c *CAPI) names(event string) error {
	if c.ofLeads() {
		return capi.CheckStage(event)
	}
	return capi.CheckName(event)
}

func (c *CAPI) isNamed() bool { return c.Name != "" }

func (c *CAPI) key() string { return c.Dataset + " " + c.AccessToken }

// warnWithoutWaba says, when all blocks are known, that Meta will refuse
// conversions for want of the account's id.
func (h *Handler) warnWithoutWaba() error {
	omitter, ok := h.provider.(WABAOmitter)
	if !ok {
		return nil
	}
	which := omitter.OmitsWABA()
	for _, t := range h.block.Router.Tenants() {
		for _, d := range t.Destinations {
			p, ok := d.Planner.(*dataset.Planner)
			if ok && p.Settings.WabaID == "" && p.Takes(normalize.ChannelWhatsApp, t.Destinations) {
				h.logger.Warn(which+" carry no WhatsApp Business Account id, and Meta refuses conversions without it: "+
					"write `waba_id <id>` in the capi block", zap.String("tenant", t.Name), zap.String("destination", d.Dest.Name))
			}
		}
	}
	return nil
}
