package dataset

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Planner has a dataset get the ad clicks and the conversions of its channels.
type Planner struct {
	Settings capi.Settings
	Channels []string      // none: what no other dataset of the tenant names
	Dedupe   time.Duration // how long a reported event's id is remembered, if longer than destination.MinOnce
}

// Plan is [destination.Planner]'s.
func (p *Planner) Plan(ev *normalize.Event, among []*destination.Destination) (destination.Job, bool) {
	if ev.Kind != normalize.KindMessage && ev.Kind != normalize.KindAutomaticEvent || !p.Takes(ev.Channel, among) {
		return destination.Job{}, false
	}
	plan, ok := p.Settings.Plan(ev)
	if !ok {
		return destination.Job{}, false
	}
	once := make([]queue.Once, 0, 1+len(plan.Once))
	once = append(once, queue.Once{Key: p.Settings.Dataset + "\nevent\n" + ev.ID().String(), Window: max(p.Dedupe, destination.MinOnce)})
	return destination.Job{Format: queue.FormatConversion, Once: appendOnce(once, plan.Once), Report: plan.Name}, true
}

func appendOnce(to []queue.Once, more []capi.Once) []queue.Once {
	for _, o := range more {
		to = append(to, queue.Once{Key: o.Key, Window: o.Window, Use: queue.Use(o.Use)})
	}
	return to
}

// Takes is [destination.Reporter]'s. Among the tenant's datasets, one that names
// the channel goes before one that names none.
func (p *Planner) Takes(channel normalize.Channel, among []*destination.Destination) bool {
	if len(p.Channels) > 0 {
		return slices.Contains(p.Channels, channel.String())
	}
	for _, d := range among {
		if other, ok := d.Planner.(*Planner); ok && slices.Contains(other.Channels, channel.String()) {
			return false
		}
	}
	return true
}

// Overlaps is [destination.Exclusive]'s: an event goes to one dataset of its channel.
func (p *Planner) Overlaps(other *destination.Destination) string {
	o, ok := other.Planner.(*Planner)
	if !ok {
		return ""
	}
	if len(p.Channels) == 0 && len(o.Channels) == 0 {
		return "two capi blocks name no channel: name the channels, as in `capi whatsapp`, so that an event goes to one of them"
	}
	for _, channel := range p.Channels {
		if slices.Contains(o.Channels, channel) {
			return "two capi blocks name the channel " + channel + ": an event goes to one of them"
		}
	}
	return ""
}

// Credit is [destination.Reporter]'s: of ads' clicks alone.
func (p *Planner) Credit(c *queue.Clicks, first bool) []byte { return clicks.OfAd(c, first) }

// Names is [destination.Reporter]'s: of Meta's closed list.
func (p *Planner) Names(name string) *destination.Refusal {
	if err := capi.CheckName(name); err != nil {
		return &destination.Refusal{
			What: "eventName: " + err.Error(), Fix: "write one of " + strings.Join(capi.EventNames(), ", "),
		}
	}
	return nil
}

// WithoutClick is [destination.Reporter]'s.
func (p *Planner) WithoutClick() bool { return false }

// Convert is [destination.Reporter]'s. What Meta would refuse is an error now,
// while the CRM listens.
func (p *Planner) Convert(c *destination.Conversion, now time.Time) (destination.Job, destination.Report, error) {
	if c.Click.Channel == normalize.ChannelWhatsApp && c.Click.CtwaClid == "" {
		return destination.Job{}, destination.Report{}, &destination.Refusal{
			What:    "the contact's click carries no ctwa_clid, as from an ad in WhatsApp Status, and Meta takes no conversion without one",
			NoClick: true,
		}
	}
	forMeta, _, err := capi.AppendConversion(nil, c.Unified, conversionOf(c), &p.Settings, now)
	if err != nil {
		return destination.Job{}, destination.Report{}, refusal(err)
	}
	plan := p.Settings.PlanConversion(c.Name, &c.Click.Click, c.Value, c.Currency)
	job := destination.Job{Format: queue.FormatConversion, Once: appendOnce(nil, plan.Once), Report: plan.Name}
	return job, report(plan.Name, forMeta), nil
}

// refusal is Meta's, as it is told to who posted the conversion.
func refusal(err error) error {
	if r, ok := errors.AsType[*capi.Refusal](err); ok {
		return &destination.Refusal{What: r.Field + ": " + r.Rule, Fix: r.Fix}
	}
	return err
}

func conversionOf(c *destination.Conversion) *capi.Conversion {
	hash, _ := capi.HashEmail(c.Email) // checked when it was read
	out := &capi.Conversion{Click: c.Click.Click, EventName: c.Name, EmailHash: hash}
	if l := c.Click.Lead; l != nil {
		out.Lead = &capi.Lead{ID: l.ID, CreatedAt: l.CreatedAt, EM: l.EM, PH: l.PH}
	}
	return out
}

// Meta is [destination.Reporter]'s.
func (p *Planner) Meta(c *destination.Conversion, t *destination.Tally) []byte {
	return metaOf(conversionOf(c), t)
}

// Reported is [destination.Reporter]'s.
func (p *Planner) Reported(name string, unified []byte, now time.Time) destination.Report {
	if name != capi.Purchase { // else nothing has a value
		return destination.Report{}
	}
	forMeta, _, err := capi.AppendEvent(nil, unified, &p.Settings, now)
	if err != nil {
		return destination.Report{} // a dead letter, with its reason, when it would be sent
	}
	return report(name, forMeta)
}

// report finds the value of a purchase in the event for Meta.
func report(name string, forMeta []byte) destination.Report {
	var doc jsondoc.Doc
	if name != capi.Purchase || doc.Parse(forMeta) != nil {
		return destination.Report{}
	}
	custom := doc.Root().Get("custom_data")
	return destination.Report{Currency: custom.Get("currency").String(), Value: custom.Get("value").String()}
}

var (
	_ destination.Reporter  = (*Planner)(nil)
	_ destination.Exclusive = (*Planner)(nil)
)
