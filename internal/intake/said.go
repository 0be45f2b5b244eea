package intake

import (
	"context"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/inchat"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
)

// spoken is an event in which a tenant's rules find conversions.
type spoken struct {
	event   int // in the batch
	tenant  *Tenant
	fired   []inchat.Fired
	contact queue.Event    // whose names it has
	stored  []queue.Clicks // of each of them
}

// findSaid finds the conversions that events of tenants with rules say. Hardly any does.
func (b *Block) findSaid(w *Webhook) {
	for i := range w.batch.Events {
		t := w.tenants[i]
		if t == nil || len(t.Rules) == 0 {
			continue
		}
		ev := &w.batch.Events[i]
		fired := t.Rules.Read(ev, b.Now().UnixMilli(), &w.reader)
		if len(fired) == 0 {
			continue
		}
		s := spoken{event: i, tenant: t, fired: fired}
		clicks.Touch(ev, &s.contact)
		w.said = append(w.said, s)
	}
}

// lookUpSaid looks up what the contacts clicked before, once for each tenant. Only a
// webhook that says a conversion waits for this.
func (b *Block) lookUpSaid(ctx context.Context, q Store, w *Webhook) error {
	of := make(map[*Tenant][]*spoken)
	for i := range w.said {
		s := &w.said[i]
		of[s.tenant] = append(of[s.tenant], s)
	}
	for t, list := range of {
		contacts := make([]*queue.Event, len(list))
		for i, s := range list {
			contacts[i] = &s.contact
		}
		stored, err := storedClicks(ctx, q, t, contacts)
		if err != nil {
			return fmt.Errorf("looking up the clicks of who says a conversion: %w", err)
		}
		for i, s := range list {
			s.stored = stored[i]
		}
	}
	return nil
}

// clicks are the contact's, those that this webhook brings up to event n of its group, too.
func (s *spoken) clicks(group *queue.Group, n int) (all queue.Clicks) {
	for i := range s.stored {
		if c := &s.stored[i]; len(c.Last) > 0 {
			all = *c
			break
		}
	}
	for i := range group.Events[:n+1] {
		ev := &group.Events[i]
		if len(ev.Clicks) > 0 && queue.SameContact(&s.contact, ev) {
			for k := range ev.Clicks {
				all = with(all, &ev.Clicks[k])
			}
		}
	}
	return all
}

// with is a contact's clicks with a newer one.
func with(c queue.Clicks, click *queue.Click) queue.Clicks {
	if len(c.First) == 0 {
		c.First = click.Data
	}
	if len(c.Oldest[click.Kind]) == 0 {
		c.Oldest[click.Kind] = click.Data
	}
	c.Last, c.Newest[click.Kind] = click.Data, click.Data
	return c
}

// verdict is what a conversion that was said came to, in the draft of its group.
type verdict struct {
	event int // in the group
	name  string
	conversions.Planned
}

// planSaid adds what event n of a group says to the group itself: it is stored with the
// event, or not at all.
func (b *Block) planSaid(w *Webhook, g, n int) {
	group, draft := &w.groups[g], &w.drafts[g]
	at := slices.IndexFunc(w.said, func(s spoken) bool { return s.event == draft.events[n] })
	if at < 0 {
		return
	}
	s := &w.said[at]
	p := conversions.Plan{
		Tenant: s.tenant.Name, Destinations: s.tenant.Destinations, Remember: b.Remember, Dedupe: b.Dedupe, Now: b.Now(), Group: group,
	}
	found := []queue.Clicks{s.clicks(group, n)}
	for i := range s.fired {
		f := &s.fired[i]
		v := verdict{event: n, name: f.Rule.Name}
		switch {
		case f.Item == nil:
			v.Refuse(conversions.Invalid, f.Problem, "")
			p.NoteUnsaid(f.Rule.Name, s.contact.Contact, n, &v.Result)
		case s.contact.Contact == "":
			v.Refuse(conversions.NoClick, "the chat has no contact", "")
		default:
			said := conversions.Said{
				Name: f.Rule.Name, JSON: f.Item, By: group.Events[n].ID, Event: n, Keys: []string{s.contact.Contact},
			}
			v.Planned = p.AddSaid(&said, found)
		}
		draft.said = append(draft.said, v)
	}
	draft.reports = append(draft.reports, p.Names...)
	for len(draft.attribution) < len(group.Payloads) {
		draft.attribution = append(draft.attribution, 0) // of payloads that no event has
	}
}

// reportSaid counts what became of the conversions that a group's events said.
func (b *Block) reportSaid(d *draft, result *queue.Result) {
	for i := range d.said {
		v := &d.said[i]
		if v.Settle(result.Jobs); !result.New[v.event] {
			v.Status = conversions.Duplicate
		}
		metrics.InChat(d.tenant.Name, v.name, v.Status, 1)
		if v.Status == conversions.Invalid {
			b.Logger.Warn("a conversion that a chat says is not reported",
				zap.String("tenant", d.tenant.Name), zap.String("event_name", v.name), zap.String("reason", *v.Error))
		}
	}
}
