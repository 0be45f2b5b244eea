package intake

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// countAds adds the figures of event n of a group, of which the jobs from first
// onward were just planned.
func (b *Block) countAds(w *Webhook, g, n, first int) {
	group, draft := &w.groups[g], &w.drafts[g]
	ev := &w.batch.Events[draft.events[n]]
	b.countLink(w, g, n)
	if ev.Kind == normalize.KindLead {
		b.countForm(w, g, n)
		return
	}
	click := adClick(&group.Events[n])
	var ad ads.Ad
	switch {
	case click:
		ad = adOf(ev.Referral)
	case ev.Kind == normalize.KindAutomaticEvent && draft.conversion(first) >= 0:
		ad = w.adOfClick(draft, ev.AutomaticEvent.CtwaClid.String())
	default:
		return
	}
	count := ads.NewCounter(group, ev.ReceivedAt, ev.IngestedAt, ad)
	if click {
		count.Click(n)
	}
	j := draft.conversion(first) // of several datasets the first counts
	if j < 0 {
		return
	}
	counted := ads.Conversion{Name: draft.reports[j], Contact: group.Events[n].Contact, Remember: b.Remember}
	report := b.reported(w, g, j)
	counted.Currency, counted.Value = report.Currency, report.Value
	if click {
		counted.Name = capi.LeadSubmitted
	}
	group.Jobs[j].Header.Meta = destination.Tally{Day: count.Day, Key: count.Key()}.Meta()
	count.Conversion(&counted, j)
}

// countLink adds the touch of a link, if event n of a group is one.
func (b *Block) countLink(w *Webhook, g, n int) {
	group, i := &w.groups[g], w.drafts[g].events[n]
	ev, l := &w.batch.Events[i], w.link(i)
	if l == nil || !l.touches || len(group.Events[n].Clicks) == 0 {
		return
	}
	count := ads.NewCounter(group, ev.ReceivedAt, ev.IngestedAt, ads.Ad{Link: l.name})
	if len(group.Events[n].Clicks) > 1 {
		count.Further(n)
	} else {
		count.Click(n)
	}
}

// countForm counts the lead of a form that an ad led to, when it is complete. A test is no
// lead.
func (b *Block) countForm(w *Webhook, g, n int) {
	ev := &w.batch.Events[w.drafts[g].events[n]]
	if ev.Lead.AdID == nil || ev.Lead.Test == normalize.True || completer(ev, w.drafts[g].tenant) != nil {
		return
	}
	count := ads.NewCounter(&w.groups[g], ev.ReceivedAt, ev.IngestedAt, ads.Ad{ID: ev.Lead.AdID.String()})
	count.Form(n, ev.Lead.LeadgenID.String(), destination.KeepLead)
}

// noteReports notes in the contact's journal those of a group's jobs, from first onward,
// that report something.
func (b *Block) noteReports(w *Webhook, g, first int) {
	group, draft := &w.groups[g], &w.drafts[g]
	for j := first; j < len(group.Jobs); j++ {
		if draft.reports[j] == "" {
			continue
		}
		r := journey.Report{Kind: journey.KindLead, Name: draft.reports[j]}
		if normalize.Kind(group.Jobs[j].Header.Kind) == normalize.KindAutomaticEvent {
			r.Kind = journey.KindAutomatic
			report := b.reported(w, g, j)
			r.Value, r.Currency = report.Value, report.Currency
		}
		journey.AddJob(group, j, &r, false)
	}
}

// conversion is the first job of the draft's group, from first onward, that is a
// conversion, -1 if none is.
func (d *draft) conversion(first int) int {
	for j := first; j < len(d.reports); j++ {
		if d.reports[j] != "" {
			return j
		}
	}
	return -1
}

// reported is what a destination's platform is told by job j of a group.
func (b *Block) reported(w *Webhook, g, j int) destination.Report {
	group, draft := &w.groups[g], &w.drafts[g]
	job := &group.Jobs[j]
	for _, d := range draft.tenant.Destinations {
		if reporter, ok := d.Planner.(destination.Reporter); ok && d.Dest == job.Dest {
			return reporter.Reported(draft.reports[j], group.Payloads[job.Payload], b.Now())
		}
	}
	return destination.Report{}
}

// adClick reports whether an event is an ad's click, whatever else it brings.
func adClick(ev *queue.Event) bool { return len(ev.Clicks) > 0 && ev.Clicks[0].Kind.OfAd() }

func adOf(r *normalize.Referral) ads.Ad {
	return ads.Ad{ID: r.AdID.String(), Headline: r.Headline.String()}
}

// adOfClick finds the ad of a click id: among the clicks of this webhook, else
// among those that lookUpAds found.
func (w *Webhook) adOfClick(draft *draft, clid string) ads.Ad {
	for _, i := range draft.events {
		if r := w.batch.Events[i].Referral; r.IsAd() && r.CtwaClid.String() == clid {
			return adOf(r)
		}
	}
	if i := w.storedAd(draft.tenant, clid); i >= 0 {
		return w.ads[i].ad
	}
	return ads.Ad{}
}

// storedAd is which of w.ads is of a tenant's click id, -1 if none is.
func (w *Webhook) storedAd(t *Tenant, clid string) int {
	return slices.IndexFunc(w.ads, func(s storedAd) bool { return s.tenant == t && s.clid == clid })
}

// storedAd is the ad of a click that was stored before.
type storedAd struct {
	tenant *Tenant
	clid   string
	ad     ads.Ad
}

// lookUpAds finds the ads that automatic events speak of: they carry a click id
// and nothing else. There are few of them, so that this costs a look into the
// store for hardly any webhook. Where it fails, the figures go to an unknown ad.
func (b *Block) lookUpAds(ctx context.Context, q Store, w *Webhook) {
	var clids map[*Tenant][]string
	for i := range w.batch.Events {
		ev := &w.batch.Events[i]
		if ev.Kind != normalize.KindAutomaticEvent || ev.AutomaticEvent == nil || ev.AutomaticEvent.CtwaClid == nil {
			continue
		}
		if t := w.tenants[i]; t != nil && t.reports() {
			if clids == nil {
				clids = make(map[*Tenant][]string)
			}
			clids[t] = append(clids[t], ev.AutomaticEvent.CtwaClid.String())
		}
	}
	for t, list := range clids {
		for clid, ad := range ads.Find(ctx, q, t.Name, list) {
			w.ads = append(w.ads, storedAd{t, clid, ad})
		}
	}
}
