package conversions

import (
	"context"
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// leadReporters are a tenant's ledgers of lead ads' leads.
func leadReporters(all []*destination.Destination) (list []destination.LeadReporter) {
	for _, d := range all {
		if r, ok := d.Planner.(destination.LeadReporter); ok {
			list = append(list, r)
		}
	}
	return list
}

// hasInstead reports whether a ledger of leads is told in the place of another.
func (m *merits) hasInstead(of destination.Planner) bool {
	for _, r := range m.instead {
		if r.InsteadOf(of) {
			return true
		}
	}
	return false
}

// orAsStage adds to why a chat's ledger does not take a name that a lead's stage may have it.
func (m *merits) orAsStage(refusal *destination.Refusal, inChat bool) *destination.Refusal {
	if !inChat || refusal.Fix == "" {
		return refusal
	}
	with := *refusal
	with.Fix += "; a stage of a form's lead may have any name: post its leadId for one"
	return &with
}

// weighLead finds the lead that the item is about, if it is about one: it names a lead, or a
// person who has no click that a ledger in the place of which it would be is told of.
func (m *merits) weighLead() error {
	if len(m.instead) == 0 || m.byChat && m.item.leadID == "" {
		return nil
	}
	if m.item.erased && m.item.email == "" && m.item.phone == "" {
		m.refuse(&destination.Refusal{
			What: "nothing is stored of the lead: it was erased, is older than " + describe(m.plan.Remember) +
				", or its answers are not read yet",
			Fix:     "post its email or waPhone with the leadId, if the person agrees",
			NoClick: true,
		}, nil)
		return nil
	}
	for _, d := range m.plan.Destinations {
		r, ok := d.Planner.(destination.LeadReporter)
		if !ok {
			continue
		}
		click, err := m.lead(r)
		if err != nil {
			return err
		}
		if click == nil {
			continue
		}
		if refusal := r.Names(m.item.name); refusal != nil {
			m.refuse(refusal, nil)
			continue
		}
		click.WaPhone = m.item.phone
		m.credits = append(m.credits, credit{to: d, reporter: r, click: click})
	}
	return nil
}

// lead is the lead that the item is about, nil if there is none. What was never seen is made
// of what was posted.
func (m *merits) lead(r destination.LeadReporter) (*clicks.Click, error) {
	best, err := m.storedLead(r)
	switch id := m.item.leadID; {
	case err != nil || id == "" && best != nil:
		return best, err
	case id == "" && (m.item.email == "" || m.item.channel != normalize.ChannelUnknown):
		return nil, nil
	case best == nil:
		return (&clicks.Lead{ID: id}).Click(), nil
	case best.Lead.ID != id: // the same person's, of which the first and the last are kept
		return (&clicks.Lead{ID: id, EM: best.Lead.EM, PH: best.Lead.PH}).Click(), nil
	}
	return best, nil
}

// storedLead is the stored lead that fits best: the one that is named, else the newest, or
// the oldest.
func (m *merits) storedLead(r destination.LeadReporter) (best *clicks.Click, err error) {
	for i := range m.found[m.item.chat:] {
		c := &m.found[m.item.chat+i]
		for _, first := range [...]bool{m.item.first, !m.item.first} {
			data := r.Credit(c, first)
			if len(data) == 0 {
				continue
			}
			click, err := clicks.Parse(data)
			if err != nil {
				return nil, err
			}
			switch {
			case click.Lead == nil:
			case m.item.leadID != "" && click.Lead.ID == m.item.leadID:
				return click, nil
			case best == nil || first == m.item.first && (click.At < best.At) == m.item.first && click.At != best.At:
				best = click
			}
		}
	}
	return best, nil
}

// leadContact is the key of the person behind a lead, by which they can be erased.
func (it *Item) leadContact(who *clicks.Click) string {
	hash, _ := capi.HashEmail(it.email)
	switch {
	case who.Lead.EM != "" || who.Lead.PH != "" || it.phone == "" && hash == "":
		return clicks.LeadKey(who.Lead.ID)
	case it.phone != "":
		return clicks.Contact(normalize.ChannelLeadAds, strings.TrimPrefix(it.phone, "+"))
	}
	return clicks.EmailKey(hash)
}

// counted is the name under which a conversion is counted beside its ad. A form is a lead when
// it comes, and no further one when Meta is told so.
func (c *credit) counted() string {
	if c.click != nil && c.click.Lead != nil && c.job.Report == "Lead" {
		return ""
	}
	return c.job.Report
}

// lookUpErased finds out which leads that items name alone were known, and are no more: of
// those nothing is to be said again.
func (p *post) lookUpErased(ctx context.Context, q Store) error {
	var once []string
	var of []*Item
	at := 0
	for i := range p.lines {
		it := &p.lines[i].item
		found := p.found[at : at+len(it.keys)]
		at += len(found)
		if it.leadID == "" || len(found) == it.chat || len(found[it.chat].Last) > 0 {
			continue
		}
		once, of = append(once, destination.LeadOnce(it.leadID)), append(of, it)
	}
	if len(once) == 0 {
		return nil
	}
	known, err := q.Remembers(ctx, p.e.Tenant, once)
	if err == nil && len(known) != len(once) {
		err = fmt.Errorf("%d answers for %d", len(known), len(once))
	}
	if err != nil {
		return fmt.Errorf("looking up leads: %w", err)
	}
	for i, it := range of {
		it.erased = known[i]
	}
	return nil
}

var _ Store = queue.Queue(nil)
