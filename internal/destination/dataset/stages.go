package dataset

import (
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Stages has a dataset get what became of lead ads' leads in a CRM: it is one of its own, with
// names of its own, and no chat event is ever sent to it.
type Stages struct{ Settings capi.Settings }

// Plan is [destination.Planner]'s: what becomes of a lead is posted, or reported with the
// lead.
func (p *Stages) Plan(*normalize.Event, []*destination.Destination) (destination.Job, bool) {
	return destination.Job{}, false
}

// Overlaps is [destination.Exclusive]'s.
func (p *Stages) Overlaps(other *destination.Destination) string {
	if _, ok := other.Planner.(*Stages); ok {
		return "two `capi lead_ads` blocks: a stage of a lead goes to one of them"
	}
	return ""
}

// InsteadOf is [destination.LeadReporter]'s: what is told of a chat's click is not told of a
// form, too.
func (p *Stages) InsteadOf(other destination.Planner) bool {
	_, ok := other.(*Planner)
	return ok
}

// Credit is [destination.Reporter]'s: of leads alone.
func (p *Stages) Credit(c *queue.Clicks, first bool) []byte {
	if first {
		return c.Oldest[queue.ClickLead]
	}
	return c.Newest[queue.ClickLead]
}

// Takes is [destination.Reporter]'s.
func (p *Stages) Takes(channel normalize.Channel, _ []*destination.Destination) bool {
	return channel == normalize.ChannelLeadAds
}

// Names is [destination.Reporter]'s: they are the CRM's own.
func (p *Stages) Names(name string) *destination.Refusal {
	if err := capi.CheckStage(name); err != nil {
		return &destination.Refusal{What: "eventName: " + err.Error()}
	}
	return nil
}

// WithoutClick is [destination.Reporter]'s: who is no lead is made one by who finds it.
func (p *Stages) WithoutClick() bool { return false }

// Convert is [destination.Reporter]'s.
func (p *Stages) Convert(c *destination.Conversion, now time.Time) (destination.Job, destination.Report, error) {
	lead := c.Click.Lead
	if lead.Test || clicks.IsSampleLead(lead.ID) {
		return destination.Job{}, destination.Report{}, &destination.Refusal{
			What: "the lead is one of Meta's testing tool, and is never reported", Fix: "nothing is wrong: a person's lead is reported",
		}
	}
	forMeta, _, err := capi.AppendConversion(nil, c.Unified, conversionOf(c), &p.Settings, now)
	if err != nil {
		return destination.Job{}, destination.Report{}, refusal(err)
	}
	plan := p.Settings.PlanStage(c.Name, conversionOf(c).Lead)
	job := destination.Job{Format: queue.FormatConversion, Once: appendOnce(nil, plan.Once), Report: plan.Name}
	return job, report(plan.Name, forMeta), nil
}

// Meta is [destination.Reporter]'s.
func (p *Stages) Meta(c *destination.Conversion, t *destination.Tally) []byte {
	return metaOf(conversionOf(c), t)
}

// Reported is [destination.Reporter]'s: a form has no value.
func (p *Stages) Reported(string, []byte, time.Time) destination.Report { return destination.Report{} }

var (
	_ destination.LeadReporter = (*Stages)(nil)
	_ destination.Exclusive    = (*Stages)(nil)
)
