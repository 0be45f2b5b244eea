package conversions

import (
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// merits is which ledgers an item is reported to, and by which of the contact's clicks:
// each ledger picks for itself, so that an ad's click hides no link's, nor the other way
// round.
type merits struct {
	plan  *Plan
	item  *Item
	found []queue.Clicks // for the item's keys, in order

	credits  []credit
	untaken  *clicks.Click          // of a channel that no ledger of the tenant takes
	refusals []*destination.Refusal // of ledgers that would have a click of it
	refused  *clicks.Click          // the first click that one does not count

	instead []destination.LeadReporter // the tenant's
	byChat  bool                       // a ledger that one of them is in the place of has a click

	event       *normalize.Event
	payload     []byte // the event's JSON
	attribution int    // where its attribution goes
}

// credit is a conversion as one ledger is told of it.
type credit struct {
	to         *destination.Destination
	reporter   destination.Reporter
	click      *clicks.Click // nil: without one
	conversion destination.Conversion
	job        destination.Job
	report     destination.Report
}

// weigh finds the ledgers, those with an ad's click first: there the conversion counts.
func (m *merits) weigh() error {
	var byLink []credit
	m.instead = leadReporters(m.plan.Destinations)
	for _, d := range m.plan.Destinations {
		r, ok := d.Planner.(destination.Reporter)
		inChat := m.hasInstead(d.Planner)
		if _, ofLeads := d.Planner.(destination.LeadReporter); !ok || ofLeads || inChat && m.item.leadID != "" {
			continue
		}
		click, err := m.click(r)
		if err != nil {
			return err
		}
		switch {
		case click == nil && (len(m.item.said) > 0 || !r.WithoutClick()): // of a chat nothing is told without one
		case click != nil && !r.Takes(click.Channel, m.plan.Destinations):
			m.untaken = click
		default:
			m.byChat = m.byChat || inChat
			if refusal := r.Names(m.item.name); refusal != nil {
				m.refuse(m.orAsStage(refusal, inChat), click)
				continue
			}
			c := credit{to: d, reporter: r, click: click}
			if click != nil && click.Link == nil {
				m.credits = append(m.credits, c)
			} else {
				byLink = append(byLink, c)
			}
		}
	}
	if err := m.weighLead(); err != nil {
		return err
	}
	m.credits = append(m.credits, byLink...)
	return nil
}

func (m *merits) refuse(r *destination.Refusal, click *clicks.Click) {
	m.refusals = append(m.refusals, r)
	if m.refused == nil && r.NoClick {
		m.refused = click
	}
}

// click is the click that a ledger credits the item to, nil if there is none.
func (m *merits) click(r destination.Reporter) (*clicks.Click, error) {
	var best *clicks.Click
	for i := range m.found[:m.item.chat] {
		data := r.Credit(&m.found[i], m.item.first)
		if len(data) == 0 {
			continue
		}
		click, err := clicks.Parse(data)
		if err != nil {
			return nil, err
		}
		if best != nil {
			return nil, invalidf("add \"channel\":\""+best.Channel.String()+"\" or \"channel\":\""+click.Channel.String()+"\"",
				"%s has clicks on two channels", m.item.who)
		}
		best = click
	}
	if best != nil && m.item.channel != normalize.ChannelUnknown && m.item.channel != best.Channel {
		return nil, nil
	}
	return best, nil
}

// convert makes the event, and asks each ledger what it makes of it. What a platform would
// refuse is told now, while the CRM listens.
func (m *merits) convert() error {
	if err := m.makeEvent(); err != nil {
		return err
	}
	var left []credit
	for i := range m.credits {
		c := &m.credits[i]
		c.conversion = destination.Conversion{
			Unified: m.payload, ID: m.event.ID(), At: m.item.eventTime, Name: m.item.name, OrderID: m.item.orderID, Click: c.click,
			WaPhone: m.event.WaPhone.String(), Email: m.item.email, Value: text(m.item.node, "value"), Currency: text(m.item.node, "currency"),
		}
		var err error
		c.job, c.report, err = c.reporter.Convert(&c.conversion, m.plan.Now)
		var refusal *destination.Refusal
		switch {
		case err == nil:
			left = append(left, *c)
		case errors.As(err, &refusal):
			m.refuse(refusal, c.click)
		default:
			return err
		}
	}
	m.credits = left
	return nil
}

func (m *merits) makeEvent() error {
	posted, err := withoutEmail(m.item.node)
	if err != nil {
		return err
	}
	m.event = m.item.unified(m.plan.Tenant, m.who(), posted, m.plan.Now)
	m.payload, m.attribution = m.event.AppendJSON(nil)
	return nil
}

// who is whom the item concerns: as the click says that it is credited to first, else as
// it was posted, or a click that counts nowhere says.
func (m *merits) who() *clicks.Click {
	for i := range m.credits {
		if click := m.credits[i].click; click != nil {
			return click
		}
	}
	for i := range m.found[:m.item.chat] {
		if click, err := clicks.Parse(m.found[i].Last); err == nil {
			return click
		}
	}
	return m.item.contact()
}

// ad is the ad, or the link, beside which the conversion counts.
func (m *merits) ad() ads.Ad {
	if click := m.credits[0].click; click != nil {
		return ads.Of(click)
	}
	return ads.Ad{}
}

// shown is the click of the answer: the ad's where there is one, else the link's.
func (m *merits) shown() []byte {
	for i := range m.credits {
		if click := m.credits[i].click; click != nil {
			return click.Named(m.plan.AdNames)
		}
	}
	return nil
}

// explain says why the item is reported to no ledger.
func (m *merits) explain(r *Result) {
	for _, refusal := range m.refusals {
		if !refusal.NoClick {
			r.Refuse(Invalid, refusal.What, refusal.Fix)
			return
		}
	}
	switch {
	case len(m.refusals) > 0:
		if m.refused != nil {
			r.Click = m.refused.Named(m.plan.AdNames)
		}
		r.Refuse(NoClick, m.refusals[0].What, m.refusals[0].Fix)
	case m.untaken != nil:
		r.Click = m.untaken.Named(m.plan.AdNames)
		r.refuseFor(invalidf(fmt.Sprintf("add `capi %s { … }` to the tenant", m.untaken.Channel),
			"the click is of channel %s, and the tenant has no capi for it", m.untaken.Channel))
	default:
		m.explainNone(r)
	}
}

// explainNone says what there may be instead of a click that counts.
func (m *merits) explainNone(r *Result) {
	if refusal := unknownName(m.plan.Destinations, m.item.name); refusal != nil && !refusal.NoClick {
		r.Refuse(Invalid, refusal.What, refusal.Fix)
		return
	}
	what := "no ad click of this contact is stored"
	switch {
	case len(m.instead) > 0:
		what = "no click and no lead of this contact is stored that the tenant's ledgers can be told of"
	case !onlyAds(m.plan.Destinations):
		what = "no click of this contact is stored that the tenant's ledgers can be told of"
	}
	for i := range m.found[:m.item.chat] {
		click, err := clicks.Parse(m.found[i].Last)
		switch {
		case err != nil:
		case click.Link != nil:
			r.Refuse(NoClick, what, "nothing is wrong: the contact came by the link "+click.Link.Name+
				", and Meta takes conversions of its ads' clicks alone"+googleTakes(m.plan.Destinations))
			return
		case !onlyAds(m.plan.Destinations):
			r.Refuse(NoClick, what, "nothing is wrong: the contact came by an ad of Meta's")
			return
		}
	}
	r.Refuse(NoClick, what, "nothing is wrong if the contact came without an ad; clicks are kept for "+describe(m.plan.Remember))
}

// onlyAds reports whether no ledger of a tenant takes anything but ads' clicks of Meta's.
func onlyAds(all []*destination.Destination) bool {
	google := queue.Clicks{}
	google.Newest[queue.ClickGoogle] = []byte("{}")
	for _, d := range all {
		if r, ok := d.Planner.(destination.Reporter); ok && r.Credit(&google, false) != nil {
			return false
		}
	}
	return true
}

// googleTakes is what is to be added where a ledger takes clicks of Google's, too.
func googleTakes(all []*destination.Destination) string {
	if onlyAds(all) {
		return ""
	}
	return ", Google those of its own"
}

// unknownName is why a name is none that any ledger of a tenant takes, nil where one does.
// Meta's closed list goes before what is only not configured, and what is no name even of a
// lead's stage, which may be any, before both.
func unknownName(all []*destination.Destination, name string) (why *destination.Refusal) {
	for _, d := range all {
		r, ok := d.Planner.(destination.Reporter)
		if !ok {
			continue
		}
		refusal := r.Names(name)
		if refusal == nil {
			return nil
		}
		if _, ofLeads := d.Planner.(destination.LeadReporter); ofLeads {
			return refusal
		}
		if why == nil || why.NoClick {
			why = refusal
		}
	}
	return why
}
