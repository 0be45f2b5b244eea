package intake

import (
	"crypto/sha256"
	"net/http"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// plan makes one group of jobs for each tenant whose events came.
func (b *Block) plan(w *Webhook, r *http.Request) {
	w.makeRoom()
	seal := ""
	if b.Seal != nil && len(w.batch.Events) == 1 {
		seal = b.Seal(r)
	}
	for i := range w.batch.Events {
		if w.isStored(w.tenants[i]) {
			continue
		}
		ev := &w.batch.Events[i]
		ev.SetTenant(w.tenants[i].name())
		g := w.group(w.tenants[i])
		b.planEvent(w, g, i)
		if seal != "" {
			w.groups[g].Events[0].Seal = sealID(b.Provider, ev, seal)
		}
	}
	for g := range w.drafts {
		if w.drafts[g].tenant != nil {
			b.planRaw(w, r, g)
		}
	}
	w.keepGroups()
}

// sealID is what is remembered of a seal, which may be a signature.
func sealID(provider string, ev *normalize.Event, seal string) queue.ID {
	sum := sha256.Sum256([]byte("seal\n" + provider + "\n" + ev.TenantID + "\n" + seal))
	return queue.ID(sum[:len(queue.ID{})])
}

// planEvent adds an event to its group, with a job for each destination that
// wants it.
func (b *Block) planEvent(w *Webhook, g, i int) {
	ev := &w.batch.Events[i]
	n, header := w.addEvent(g, i)
	group, draft := &w.groups[g], &w.drafts[g]
	if draft.tenant == nil {
		b.planUnmatched(w, g, n, header)
		return
	}
	first := len(group.Jobs)
	before := completer(ev, draft.tenant)
	for _, d := range draft.tenant.Destinations {
		if d.Raw || before != nil && d != before {
			continue // see planRaw
		}
		wanted, ok := d.Planner.Plan(ev, draft.tenant.Destinations)
		if !ok {
			continue
		}
		job := queue.Job{Dest: d.Dest, Events: w.only(n), Header: header, Once: wanted.Once}
		job.Header.Format = wanted.Format
		if !wanted.Attributed {
			job.Header.ClickKey = ""
		}
		job.Payload, job.Header.Attribution = w.payload(g, n)
		draft.add(group, job, wanted.Report)
	}
	b.countAds(w, g, n, first)
	b.planTouch(w, g, n, header)
	b.noteReports(w, g, first)
	b.planSaid(w, g, n)
}

// addEvent adds the webhook's event i to a group, as its event n. header is what
// its jobs have in common.
func (w *Webhook) addEvent(g, i int) (n int, header queue.Header) {
	ev := &w.batch.Events[i]
	group, draft := &w.groups[g], &w.drafts[g]
	n = len(group.Events)
	known := queue.Event{ID: ev.ID()}
	if ev.HasProviderTime {
		known.Time = ev.ReceivedAt
	}
	w.keys.Touch(ev, &known)
	order := known.Contact // a new number's events have an order of their own
	if ev.Kind == normalize.KindLead && order == "" {
		order = clicks.LeadKey(ev.Lead.LeadgenID.String()) // by which it can be erased
	}
	clicks.Changed(ev, &known)
	w.addLink(i, &known)
	group.Events = append(group.Events, known)
	draft.events, draft.encode = append(draft.events, i), append(draft.encode, 0)
	if draft.preset && n == 0 {
		draft.encode[0] = 1
	}
	return n, queue.Header{
		EventID: ev.ID(), Kind: uint8(ev.Kind), Contact: order, ClickKey: known.Contact,
		Time: ev.ReceivedAt, QueuedAt: ev.IngestedAt, Trace: w.trace,
	}
}
