package intake

import (
	"errors"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// report counts and logs what was stored of each group. An error says that at
// least one tenant's was not.
func (b *Block) report(w *Webhook, results []queue.Result) (Outcome, error) {
	var failed error
	all := Empty
	for g := range results {
		result := &results[g]
		if result.Err != nil {
			if failed == nil || errors.Is(failed, queue.ErrClaimed) {
				failed = result.Err // which may be worse
			}
			continue
		}
		draft := &w.drafts[g]
		tenant := draft.tenant.name()
		fresh := false
		for n, isNew := range result.New {
			if isNew {
				fresh = true
				ev := &w.batch.Events[draft.events[n]]
				b.newEvent(w, draft.tenant, ev)
				if ev.Kind == normalize.KindLead {
					metrics.Lead(tenant, metrics.ByWebhook)
				}
			}
		}
		outcome := Duplicate
		switch {
		case draft.tenant == nil:
			outcome = Unmatched
		case fresh:
			outcome = Queued
		}
		b.Requests.Add(tenant, outcome.String(), 1)
		b.reportSaid(draft, result)
		all = max(all, outcome)
		b.unsent(w, results, g)
	}
	return all, failed
}

// unsent tells of the jobs of a group that were not queued.
func (b *Block) unsent(w *Webhook, results []queue.Result, g int) {
	for j, o := range results[g].Jobs {
		job := &w.groups[g].Jobs[j]
		metrics.Unsent(job, w.drafts[g].reports[j], o)
		if n, dead := notice.Unsent(job, o); dead {
			b.Notices.Tell(n)
		}
	}
}

// newEvent tells of an event that was not seen before.
func (b *Block) newEvent(w *Webhook, t *Tenant, ev *normalize.Event) {
	metrics.Event(t.name(), ev)
	b.OnEvent(ev)
	b.logClick(w, t, ev)
}

// logClick writes each click down when it is first seen: a click id once.
func (b *Block) logClick(w *Webhook, t *Tenant, ev *normalize.Event) {
	tenant := t.name()
	var clid normalize.Text
	var ad normalize.Text
	switch {
	case ev.Referral.IsAd():
		clid, ad = ev.Referral.CtwaClid, ev.Referral.AdID
	case ev.AutomaticEvent != nil && ev.AutomaticEvent.CtwaClid != nil:
		if clid = ev.AutomaticEvent.CtwaClid; w.storedAd(t, clid.String()) >= 0 {
			return // its own message was written down, if by another edge
		}
	default:
		return
	}
	if clid != nil && !b.Seen.first(tenant, clid.String()) {
		return
	}
	if c := b.Clicks.Check(zapcore.InfoLevel, "ad click"); c != nil {
		c.Write(zap.String("tenant", tenant), zap.Stringer("channel", ev.Channel), zap.Stringer("kind", ev.Kind),
			zap.String("ctwa_clid", clid.String()), zap.String("ad_id", ad.String()), zap.Stringer("event_id", ev.ID()))
	}
}
