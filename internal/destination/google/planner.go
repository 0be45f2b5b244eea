package google

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Planner has an account get the clicks that Google gave, and the conversions of contacts
// who came by them.
type Planner struct {
	Settings google.Settings
	Actions  Actions
	Dedupe   time.Duration // how long what was reported is remembered, if longer than a click counts
}

// Plan is [destination.Planner]'s: clicks come by PlanTouch, and nothing else of itself.
func (p *Planner) Plan(*normalize.Event, []*destination.Destination) (destination.Job, bool) {
	return destination.Job{}, false
}

// PlanTouch is [destination.Toucher]'s: a click of Google's is a Lead, once for each touch
// and conversion action.
func (p *Planner) PlanTouch(c *destination.Conversion) (destination.Job, bool) {
	c.Name = lead
	action := p.Actions.Of(lead)
	if action == "" || c.Click == nil || !fromGoogle(c.Click) {
		return destination.Job{}, false
	}
	return destination.Job{
		Format: queue.FormatConversion, Report: lead, Lane: transactionID(c), Once: []queue.Once{p.onceTouch(action, c.Click)},
	}, true
}

// onceTouch makes a lead of a touch one with any other of it.
func (p *Planner) onceTouch(action string, click *clicks.Click) queue.Once {
	return queue.Once{Key: Kind + "\n" + p.Settings.Account + "\n" + action + "\ntouch\n" + click.Link.Code,
		Window: max(p.Dedupe, google.MaxClickAge)}
}

func fromGoogle(c *clicks.Click) bool {
	return c.Link != nil && (c.Link.GCLID != "" || c.Link.GBRAID != "" || c.Link.WBRAID != "")
}

// transactionID is by what Google knows a conversion.
func transactionID(c *destination.Conversion) string {
	return google.TransactionID(c.OrderID, uuid.UUID(c.ID).String())
}

// Credit is [destination.Reporter]'s: of clicks that Google gave, whatever came since.
func (p *Planner) Credit(c *queue.Clicks, first bool) []byte {
	if first {
		return c.Oldest[queue.ClickGoogle]
	}
	return c.Newest[queue.ClickGoogle]
}

// Takes is [destination.Reporter]'s: whatever channel the click led to.
func (p *Planner) Takes(normalize.Channel, []*destination.Destination) bool { return true }

// Names is [destination.Reporter]'s. A name that has no conversion action is no mistake of
// who posts it.
func (p *Planner) Names(name string) *destination.Refusal {
	if p.Actions.Of(name) != "" {
		return nil
	}
	return &destination.Refusal{
		What: "Google could be told of the contact, and " + name + " has no conversion action in account " + p.Settings.Account,
		Fix:  "add `convert " + common(name) + " <conversion action>` to the google block", NoClick: true,
	}
}

// WithoutClick is [destination.Reporter]'s.
func (p *Planner) WithoutClick() bool { return p.Settings.WithoutClick }

// Convert is [destination.Reporter]'s. What Google would refuse is an error now, while the
// CRM listens.
func (p *Planner) Convert(c *destination.Conversion, now time.Time) (destination.Job, destination.Report, error) {
	m := metaOf(c, nil)
	conversion := m.conversion(c.WaPhone)
	if _, _, err := google.AppendEvent(nil, c.Unified, &conversion, &p.Settings, now); err != nil {
		if r, ok := errors.AsType[*google.Refusal](err); ok {
			return destination.Job{}, destination.Report{}, &destination.Refusal{What: r.Field + ": " + r.Rule, Fix: r.Fix, NoClick: r.Reason !=
				google.ReasonRefused || r.Code == noIdentifiers}
		}
		return destination.Job{}, destination.Report{}, err
	}
	job := destination.Job{Format: queue.FormatConversion, Report: common(c.Name), Lane: transactionID(c)}
	if common(c.Name) == lead && c.OrderID == "" && c.Click != nil {
		job.Once = []queue.Once{p.onceTouch(p.Actions.Of(lead), c.Click)}
	}
	report := reportOf(c)
	if c.OrderID != "" { // the same order with another value corrects the first
		job.Version = report.Value + " " + report.Currency
	}
	return job, report, nil
}

// reportOf is what a conversion is worth, in one spelling: 12.5 USD is also 12.50 usd.
func reportOf(c *destination.Conversion) destination.Report {
	value, ok := money.Parse([]byte(c.Value))
	if !ok {
		return destination.Report{}
	}
	currency, _ := money.Currency(c.Currency)
	return destination.Report{Currency: currency, Value: string(value.Append(nil))}
}

const noIdentifiers = "NO_IDENTIFIERS_PROVIDED"

// Meta is [destination.Reporter]'s.
func (p *Planner) Meta(c *destination.Conversion, t *destination.Tally) []byte {
	return metaOf(c, t).encode()
}

// Reported is [destination.Reporter]'s: a click has no value.
func (p *Planner) Reported(string, []byte, time.Time) destination.Report { return destination.Report{} }

var _ destination.Toucher = (*Planner)(nil)
