package intake

import (
	"context"
	"fmt"

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
	clicks.AddLead(ev, emailHash, known)
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
	results := q.Append(ctx, w.groups)
	if err := results[0].Err; err != nil {
		return fmt.Errorf("queueing a lead: %w", err)
	}
	b.unsent(w, results, g)
	return nil
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
		b.newEvent(t.Name, &w.batch.Events[w.drafts[0].events[n]])
		metrics.Lead(t.Name, metrics.ByRead)
	}
	b.unsent(w, results, 0)
	return fresh, nil
}
