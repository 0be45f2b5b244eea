package intake

import (
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// planTouch adds to a group what the click of a link that its event n brings is reported
// as. It counts beside the link, once, whoever is told of it.
func (b *Block) planTouch(w *Webhook, g, n int, header queue.Header) {
	group, draft := &w.groups[g], &w.drafts[g]
	for _, c := range group.Events[n].Clicks {
		if c.Kind.OfAd() {
			continue
		}
		click, err := clicks.Parse(c.Data)
		if err != nil {
			continue // it is of our own making
		}
		ev := &w.batch.Events[draft.events[n]]
		count := ads.NewCounter(group, ev.ReceivedAt, ev.IngestedAt, ads.Of(click))
		tally := &destination.Tally{Day: count.Day, Key: count.Key()}
		for _, d := range draft.tenant.Destinations {
			to, ok := d.Planner.(destination.Toucher)
			if !ok {
				continue
			}
			conversion := destination.Conversion{Click: click, ID: queue.ID(ev.ID())}
			wanted, ok := to.PlanTouch(&conversion)
			if !ok {
				continue
			}
			job := queue.Job{Dest: d.Dest, Events: w.only(n), Header: header, Once: wanted.Once}
			job.Header.Format, job.Header.Contact = wanted.Format, wanted.Lane
			job.Header.Meta = to.Meta(&conversion, tally)
			job.Payload, _ = w.payload(g, n) // no ledger shows an attribution: none is looked up
			j := len(group.Jobs)
			draft.add(group, job, wanted.Report)
			if tally != nil {
				count.Conversion(&ads.Conversion{Name: wanted.Report, Contact: group.Events[n].Contact, Remember: b.Remember}, j)
				tally = nil
			}
		}
	}
}
