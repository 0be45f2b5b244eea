package conversions

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// plan turns posted items into jobs, and says what became of each.
type plan struct {
	e       *Endpoint
	now     time.Time
	results []Result
	items   []item
	found   []queue.Clicks // for all the items' keys, in order
	group   queue.Group
	jobOf   []int // per item of items: its conversion job, -1 for none
	names   []string
}

// read checks the items and looks up the clicks of all of them at once.
func (p *plan) read(ctx context.Context, q Store, nodes []jsondoc.Node) error {
	rules := rules{words: p.e.Map, mapping: inBlock, now: p.now}
	var keys []string
	for i, n := range nodes {
		it, err := rules.readItem(n)
		if err != nil {
			p.results[i].refuseFor(err)
			continue
		}
		it.index, it.at = i, len(keys)
		keys = append(keys, it.keys...)
		p.items = append(p.items, it)
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	p.found, err = q.Clicks(ctx, p.e.Tenant, keys)
	if err == nil && len(p.found) != len(keys) {
		err = fmt.Errorf("looking up clicks: %d answers for %d keys", len(p.found), len(keys))
	}
	return err
}

// planItem finds an item's click, and adds its jobs.
func (p *plan) planItem(i int) {
	it := &p.items[i]
	p.jobOf = append(p.jobOf, -1)
	click, err := p.click(it)
	if err != nil {
		p.results[it.index].refuseFor(err)
		return
	}
	result := &p.results[it.index]
	if click == nil {
		result.Refuse(NoClick, "no ad click of this contact is stored", p.whyNone(it))
		return
	}
	result.Click = click.Shown
	if click.Channel == normalize.ChannelWhatsApp && click.CtwaClid == "" {
		result.Refuse(NoClick, "the contact's click carries no ctwa_clid, as from an ad in WhatsApp Status, "+
			"and Meta takes no conversion without one", "")
		return
	}
	to, reporter := p.reporter(click.Channel)
	if to == nil {
		result.refuseFor(invalidf(fmt.Sprintf("add `capi %s { … }` to the tenant", click.Channel),
			"the click is of channel %s, and the tenant has no capi for it", click.Channel))
		return
	}
	if err := p.add(i, click, to, reporter); err != nil {
		result.refuseFor(err)
	}
}

// whyNone says what there may be instead of an ad's click.
func (p *plan) whyNone(it *item) string {
	for _, found := range p.found[it.at : it.at+len(it.keys)] {
		if click, err := clicks.Parse(found.Last); err == nil && click.Link != nil {
			return "nothing is wrong: the contact came by the link " + click.Link.Name + ", and Meta takes conversions of its ads' clicks alone"
		}
	}
	return "nothing is wrong if the contact came without an ad; clicks are kept for " + describe(p.e.Remember)
}

// describe shows a duration in days where it is whole ones.
func describe(d time.Duration) string {
	if days := d / (24 * time.Hour); d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

// click picks the touch that the conversion is credited to, nil if there is
// none.
func (p *plan) click(it *item) (*clicks.Click, error) {
	var best *clicks.Click
	for _, found := range p.found[it.at : it.at+len(it.keys)] {
		data := clicks.OfAd(&found, it.first)
		if len(data) == 0 {
			continue
		}
		click, err := clicks.Parse(data)
		if err != nil {
			return nil, err
		}
		if best != nil {
			return nil, invalidf("add \"channel\":\""+best.Channel.String()+"\" or \"channel\":\""+click.Channel.String()+"\"",
				"%s has clicks on two channels", it.who)
		}
		best = click
	}
	if best != nil {
		if channel := text(it.node, "channel"); channel != "" && channel != best.Channel.String() {
			return nil, nil
		}
	}
	return best, nil
}

// reporter is the destination that conversions of a channel are reported to, nil
// if there is none.
func (p *plan) reporter(channel normalize.Channel) (*destination.Destination, destination.Reporter) {
	for _, d := range p.e.Destinations {
		if r, ok := d.Planner.(destination.Reporter); ok && r.Takes(channel, p.e.Destinations) {
			return d, r
		}
	}
	return nil, nil
}

// add adds the jobs of an item: the conversion, and an event for those who want
// conversions.
func (p *plan) add(i int, click *clicks.Click, to *destination.Destination, reporter destination.Reporter) error {
	it := &p.items[i]
	posted, err := withoutEmail(it.node)
	if err != nil {
		return err
	}
	ev := it.event(p.e.Tenant, click, posted, p.now)
	payload, attribution := ev.AppendJSON(nil)
	conversion := &destination.Conversion{
		Unified: payload, Name: it.name, Click: click, EmailHash: it.emailHash,
		Value: text(it.node, "value"), Currency: text(it.node, "currency"),
	}
	// What Meta would refuse is told now, while the CRM listens.
	job, report, err := reporter.Convert(conversion, p.now)
	if err != nil {
		return err
	}

	// The once keys say what is a duplicate; this id is only the store's own, and new:
	// it is of now, and looked for nowhere else.
	known := queue.Event{Time: p.now.UnixMilli(), Contact: clicks.Contact(click.Channel, contactOf(&click.Click))}
	_, _ = rand.Read(known.ID[:]) // never fails
	s := shared{
		event: len(p.group.Events), payload: len(p.group.Payloads), id: ev.ID(), window: p.window(it), name: job.Report,
		header: queue.Header{
			EventID: ev.ID(), Kind: uint8(normalize.KindConversion), Contact: known.Contact,
			Time: ev.ReceivedAt, QueuedAt: ev.IngestedAt,
		},
	}
	p.group.Events = append(p.group.Events, known)
	p.group.Payloads = append(p.group.Payloads, payload)

	p.jobOf[i] = len(p.group.Jobs)
	count := ads.NewCounter(&p.group, ev.ReceivedAt, ev.IngestedAt, ads.Of(click))
	meta := reporter.Meta(conversion, destination.Tally{Day: count.Day, Key: count.Key()})
	p.addJob(&s, to, job, meta, 0)
	count.Conversion(&ads.Conversion{
		Name: job.Report, Contact: known.Contact, Remember: p.e.Remember, Currency: report.Currency, Value: report.Value,
	}, p.jobOf[i])
	p.addEvent(&s, ev, attribution)
	id := s.id.String()
	p.results[it.index].EventID = &id
	return nil
}

// window is for how long the same item is a duplicate.
func (p *plan) window(it *item) time.Duration {
	if it.orderID != "" {
		return max(p.e.Dedupe, destination.MinOnce)
	}
	return 24 * time.Hour
}

// shared is what the jobs of an item have in common.
type shared struct {
	event, payload int // indexes into the group's
	id             normalize.ID
	window         time.Duration
	name           string // of the conversion, for the metrics
	header         queue.Header
}

// addEvent adds a job for each destination that wants the conversion as an event.
func (p *plan) addEvent(s *shared, ev *normalize.Event, attribution int) {
	for _, d := range p.e.Destinations {
		if _, ok := d.Planner.(destination.Reporter); ok || d.Raw {
			continue
		}
		if job, ok := d.Planner.Plan(ev, p.e.Destinations); ok {
			p.addJob(s, d, job, nil, attribution)
		}
	}
}

func (p *plan) addJob(s *shared, d *destination.Destination, job destination.Job, meta []byte, attribution int) {
	h := s.header
	h.Format, h.Meta = job.Format, meta
	if job.Attributed {
		h.ClickKey, h.Attribution = h.Contact, uint32(attribution)
	}
	once := append([]queue.Once{{Key: "conversion\n" + d.Dest.Name + "\n" + s.id.String(), Window: s.window}}, job.Once...)
	p.group.Jobs = append(p.group.Jobs, queue.Job{Dest: d.Dest, Events: []int{s.event}, Once: once, Payload: s.payload, Header: h})
	p.names = append(p.names, s.name)
}

// report says what became of the jobs.
func (p *plan) report(result *queue.Result) {
	for i := range p.items {
		j := p.jobOf[i]
		if j < 0 {
			continue
		}
		r := &p.results[p.items[i].index]
		r.Status = Queued
		if result.Jobs[j] == queue.Duplicate {
			r.Status = Duplicate
		}
	}
	for j, o := range result.Jobs {
		metrics.Unsent(&p.group.Jobs[j], p.names[j], o)
		if n, dead := notice.Unsent(&p.group.Jobs[j], o); dead {
			p.e.Notices.Tell(n)
		}
	}
}
