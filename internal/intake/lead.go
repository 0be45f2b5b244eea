package intake

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// completer is the destination of a tenant that an event goes to before the others, which
// get it when it is complete; nil where there is none, and for most events.
func completer(ev *normalize.Event, t *Tenant) *destination.Destination {
	if ev.Kind != normalize.KindLead {
		return nil
	}
	for _, d := range t.Destinations {
		if c, ok := d.Planner.(destination.Completer); ok && c.Completes(ev) {
			return d
		}
	}
	return nil
}

// CompleteLead queues a lead whose answers are known for the tenant's other destinations, and
// keeps for conversions who it is of, in one atomic step, once. emailHash is that of
// capi.HashEmail; "" for a lead without an address.
func (b *Block) CompleteLead(ctx context.Context, q Store, t *Tenant, ev *normalize.Event, emailHash string) error {
	w := b.alone(t, ev)
	g := w.group(t)
	b.planEvent(w, g, 0)
	group := &w.groups[g]
	known := &group.Events[0]
	// Its id is known, since the webhook brought it; and what is done again must do nothing.
	known.ID = queue.ID(normalize.RawID([]byte("lead\n" + t.Name + "\n" + ev.Lead.LeadgenID.String())))
	b.reportLead(w, g, clicks.AddLead(ev, emailHash, known))
	for j := range group.Jobs {
		job := &group.Jobs[j]
		job.Header.Contact = known.Contact
		if job.Header.ClickKey != "" {
			job.Header.ClickKey = clicks.ChatKey(ev.WaPhone)
		}
		job.Once = append(job.Once, queue.Once{
			Key: destination.LeadOnce(ev.Lead.LeadgenID.String()) + "\n" + job.Dest.Name, Window: destination.KeepLead,
		})
	}
	b.noteReports(w, g, 0)
	results := q.Append(ctx, w.groups)
	if err := results[0].Err; err != nil {
		return fmt.Errorf("queueing a lead: %w", err)
	}
	b.unsent(w, results, g)
	return nil
}

// reportLead adds what the lead of a group's first event is reported as, where it is.
func (b *Block) reportLead(w *Webhook, g int, lead *clicks.Lead) {
	group, draft := &w.groups[g], &w.drafts[g]
	name := reportsLeads(draft.tenant)
	if name == "" {
		return
	}
	ev, known := &w.batch.Events[0], &group.Events[0]
	count := ads.NewCounter(group, ev.ReceivedAt, ev.IngestedAt, ads.Ad{ID: lead.AdID})
	for _, d := range draft.tenant.Destinations {
		to, ok := d.Planner.(destination.LeadReporter)
		if !ok {
			continue
		}
		payload, _ := w.payload(g, 0)
		click := lead.Click()
		click.WaPhone = ev.WaPhone.String()
		c := destination.Conversion{
			Unified: group.Payloads[payload], ID: queue.ID(ev.ID()), At: time.UnixMilli(ev.ReceivedAt), Name: name, Click: click,
		}
		wanted, _, err := to.Convert(&c, b.Now())
		if err != nil {
			// A test's, or one too old: a form that is read from its beginning has thousands.
			b.Logger.Debug("a lead is not reported", zap.String("tenant", draft.tenant.Name), zap.String("destination", d.Dest.Name), zap.Error(err))
			continue
		}
		job := queue.Job{Dest: d.Dest, Events: w.only(0), Once: wanted.Once, Payload: payload, Header: queue.Header{
			EventID: ev.ID(), Kind: uint8(ev.Kind), Format: wanted.Format, Time: ev.ReceivedAt, QueuedAt: ev.IngestedAt, Trace: w.trace,
			Contact: known.Contact, Meta: to.Meta(&c, &destination.Tally{Day: count.Day, Key: count.Key()}),
		}}
		count.Reported(len(group.Jobs), d.Dest.Name)
		draft.add(group, job, wanted.Report)
	}
}

// reportsLeads is as what a tenant's leads are reported as they come, "" as nothing.
func reportsLeads(t *Tenant) string {
	for _, d := range t.Destinations {
		if c, ok := d.Planner.(destination.Completer); ok {
			return c.Reports()
		}
	}
	return ""
}

// alone is a webhook of one event, which is the tenant's.
func (b *Block) alone(t *Tenant, ev *normalize.Event) *Webhook {
	ev.SetTenant(t.Name)
	w := new(Webhook) // not from the pool: this is rare
	w.batch.Events = append(w.batch.Events, *ev)
	w.tenants = append(w.tenants, t)
	return w
}

// ReadLeads queues for their destination the leads of a webhook's body that was made of a form's
// list, those that no webhook and no reading before brought: the store knows them. It returns
// how many they were.
func (b *Block) ReadLeads(ctx context.Context, q Store, t *Tenant, body []byte) (fresh int, err error) {
	w := new(Webhook)
	if err := normalize.Meta(&w.batch, body, b.Now().UnixMilli()); err != nil {
		return 0, fmt.Errorf("making events of leads: %w", err)
	}
	g := w.group(t)
	for i := range w.batch.Events {
		w.batch.Events[i].SetTenant(t.Name)
		w.tenants = append(w.tenants, t)
		b.planEvent(w, g, i)
	}
	results := q.Append(ctx, w.groups)
	if err := results[0].Err; err != nil {
		return 0, fmt.Errorf("queueing leads that were read: %w", err)
	}
	for j, admission := range results[0].Jobs {
		if admission != queue.Queued {
			continue
		}
		fresh++
		n := w.groups[0].Jobs[j].Events[0]
		b.newEvent(w, t, &w.batch.Events[w.drafts[0].events[n]])
		metrics.Lead(t.Name, metrics.ByRead)
	}
	b.unsent(w, results, 0)
	return fresh, nil
}
