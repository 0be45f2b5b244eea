package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

func (l *Leads) provision(a *App, tenant string, repl *caddy.Replacer) (*destination.Destination, error) {
	name := cmp.Or(l.Name, tenant+"-leads")
	where := "tenant " + tenant + ": destination " + name + ": "
	r, err := l.resolve(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	if r.Name = name; !wording.ValidName(r.Name) {
		return nil, fmt.Errorf("%s%w", where, badDestinationName(r.Name))
	}
	if err := r.checkBeside(a.sites, tenant); err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	config := r.config()
	config.Renew, config.Complete, config.Erased = l.credentials, a.completeLead(tenant), a.leadErased(tenant)
	config.Logger, config.Now = a.logger.Named("leads"), a.now
	d := leads.New(&leads.Settings{
		Dest: queue.Dest{Tenant: tenant, Name: r.Name}, RetryFor: time.Duration(r.RetryFor), Report: r.Report, Config: config,
	})
	d.Options = leadsOptions().settings(r)
	metrics.Leads(tenant)
	a.atStart = append(a.atStart, func() error { return a.reconcile(r, d) })
	if r.Report != "" {
		a.atStart = append(a.atStart, func() error { countStages(a.tenants[tenant].Destinations, r.Report); return nil })
	}
	return d, nil
}

// reconcile has the forms of a tenant's Pages be read, which are known when all blocks are. Of a
// destination that stands twice one reads.
func (a *App) reconcile(l *Leads, d *destination.Destination) error {
	if a.destinations[d.Dest.Name] != d {
		return nil
	}
	t := a.tenantNamed(d.Dest.Tenant)
	var pages []string
	for _, h := range a.blocks {
		pages = append(pages, h.block.Router.Values(t, "page_id")...)
	}
	slices.Sort(pages)
	block := a.leadBlock()
	a.reads = append(a.reads, &leads.Reconciler{
		Every: time.Duration(l.Reconcile), Tenant: t.Name, Pages: slices.Compact(pages), Sender: d.Sender.(*leads.Sender),
		Logger: a.logger.Named("leads"), Now: a.now,
		Store: func() leads.Store {
			if q := a.engine.ready.Load(); q != nil {
				return *q
			}
			return nil
		},
		Drains: func() bool {
			live, ok := a.engine.live()
			return ok && live.Delivery.Drains(d.Dest)
		},
		Take: func(ctx context.Context, body []byte) (int, error) {
			q, err := a.readyQueue()
			if err != nil {
				return 0, err
			}
			return block.ReadLeads(ctx, q, t, body)
		},
	})
	return nil
}

// formsRead is what metrics show of the forms that are read.
func (a *App) formsRead() (list []metrics.FormsRead) {
	for _, r := range a.reads {
		if r.Every > 0 {
			list = append(list, metrics.FormsRead{Tenant: r.Tenant, Reasons: r.Reasons()})
		}
	}
	return list
}

// completeLead queues a tenant's leads for its other destinations, in the store that this
// configuration drains.
func (a *App) completeLead(tenant string) func(context.Context, *normalize.Event, string) error {
	t := a.tenantNamed(tenant)
	block := a.leadBlock()
	return func(ctx context.Context, ev *normalize.Event, emailHash string) error {
		q, err := a.readyQueue()
		if err != nil {
			return err
		}
		return block.CompleteLead(ctx, q, t, ev, emailHash)
	}
}

// leadErased reports whether a lead of a tenant was erased.
func (a *App) leadErased(tenant string) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, id string) (bool, error) {
		q, err := a.readyQueue()
		if err != nil {
			return false, err
		}
		return leads.IsErased(ctx, q, tenant, id)
	}
}

// readyQueue is the open store that this configuration drains.
func (a *App) readyQueue() (queue.Queue, error) {
	q := a.engine.ready.Load()
	if q == nil {
		return nil, errors.New("the queue is not open")
	}
	return *q, nil
}

// leadBlock stands for the block of leads that come by no webhook.
func (a *App) leadBlock() *intake.Block {
	return &intake.Block{
		Provider: normalize.ProviderMeta, Remember: time.Duration(a.RememberClicks), Now: a.now,
		OnEvent: dashboard.RecordEvent, Notices: a.notices, Logger: a.logger, Clicks: a.events,
	}
}
