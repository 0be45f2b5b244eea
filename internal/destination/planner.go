package destination

import (
	"time"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Planner says which events a destination wants, and as what. It is asked before
// a webhook is answered, for each event: it neither waits nor looks anything up.
type Planner interface {
	// Plan returns the job that an event is to this destination, false if it
	// wants none. among are all destinations of the tenant, this one included: of
	// some kinds an event goes to one of them only. Of a destination that is Raw,
	// the job is the webhook's, and the answer whether it wants it for this event.
	Plan(ev *normalize.Event, among []*Destination) (Job, bool)
}

// Exclusive is a Planner of a kind of which an event goes to one destination of a
// tenant alone.
type Exclusive interface {
	Planner
	// Overlaps says why two cannot stand side by side, "" where they can.
	Overlaps(other *Destination) string
}

// Completer is a Planner of a kind to which an event goes before the tenant's other
// destinations, but for those that are Raw: they get it when it is complete.
type Completer interface {
	Planner
	// Completes reports whether there is something to be completed in the event.
	Completes(ev *normalize.Event) bool
	// Reports is as what each lead is reported when it is complete, "" as nothing.
	Reports() string
}

// LeadOnce is the once key of a lead, by Meta's id of it: it is remembered for KeepLead,
// which is a day longer than it can be read.
func LeadOnce(leadgenID string) string { return "lead\n" + leadgenID }

// KeepLead is for how long a lead is remembered, so that it comes once.
const KeepLead = 91 * 24 * time.Hour

// Job is an event as one destination gets it.
type Job struct {
	// Format is what is sent: queue.FormatEvent, FormatRaw, FormatConversion.
	Format queue.Format
	// Attributed is whether the contact's clicks are looked up when it is sent,
	// for Item.Clicks.
	Attributed bool
	// Once are keys that make it a duplicate, beside the event's own id.
	Once []queue.Once
	// Report is the name under which a conversion is reported, for the metrics
	// and the figures of ads; "" for what is no conversion.
	Report string
	// Lane is what is sent one after another, in place of the contact's events; "" is
	// the contact's. The entry's ClickKey is the contact then.
	Lane string
	// Version tells a posted conversion that corrects an earlier one of the same id from
	// its repetition, which is a duplicate; "" where there is nothing to correct.
	Version string
}

// Reporter is a Planner of a kind that conversions are reported to: a ledger, as of an ad
// platform.
type Reporter interface {
	Planner
	// Credit picks of a contact's clicks the one that a conversion is credited to here:
	// the newest that the platform can be told of, or the oldest; nil where there is none.
	Credit(c *queue.Clicks, first bool) []byte
	// Takes reports whether conversions of a channel are this destination's.
	// among is as for Plan.
	Takes(channel normalize.Channel, among []*Destination) bool
	// Names says why conversions of a name are not reported here, nil where they are.
	Names(name string) *Refusal
	// WithoutClick reports whether it takes conversions of contacts without a click that
	// it can be told of: Conversion.Click is nil then.
	WithoutClick() bool
	// Convert plans a conversion whose name it takes, with the keys that make it a
	// duplicate of what Plan plans. The error is a [*Refusal], what the platform would say
	// to it, or says what cannot be read.
	Convert(c *Conversion, now time.Time) (Job, Report, error)
	// Meta is the Header.Meta of a conversion's entry, which its Sender reads; t is where
	// what becomes of it is counted, nil where that is another destination's.
	Meta(c *Conversion, t *Tally) []byte
	// Reported is what the platform is told of an event that Plan planned under a
	// name, as far as it counts. unified is the event's JSON.
	Reported(name string, unified []byte, now time.Time) Report
}

// Toucher is a Reporter of a kind that a contact's new click of a link is reported to.
type Toucher interface {
	Reporter
	// PlanTouch plans what the click that an event brings is reported as, false where as
	// nothing. Its c has no more than Click, ID and At, and the name is filled in.
	PlanTouch(c *Conversion) (Job, bool)
}

// LeadReporter is a Reporter of a kind that is told what becomes of lead ads' leads: its
// clicks have a Lead, and any name is taken.
type LeadReporter interface {
	Reporter
	// InsteadOf reports whether a conversion goes to one of the two alone: both would
	// count it.
	InsteadOf(other Planner) bool
}

// MinOnce is how long a conversion is remembered at the least, so that it is
// reported once: Meta takes events up to an age of 7 days.
const MinOnce = 8 * 24 * time.Hour

// Conversion is a conversion that a CRM posted, or that was said in a chat, and the click
// it is credited to.
type Conversion struct {
	Unified  []byte // its event in unified JSON
	ID       queue.ID
	At       time.Time     // when it happened
	Name     string        // as posted, after the map of the CRM's words
	OrderID  string        // as posted; "" = none
	Click    *clicks.Click // nil: see Reporter.WithoutClick
	WaPhone  string        // whom it concerns, E.164; "" where that is not known
	Email    string        // as posted: of it only a hash may be stored
	Value    string        // as posted: a JSON number, or a decimal; "" = none
	Currency string        // as posted
}

// Refusal is why a conversion is not reported to a destination.
type Refusal struct {
	What    string // in a few words, to who posted it
	Fix     string // what to do; "" where there is nothing
	NoClick bool   // the contact has no click that counts here: nothing is wrong with what was posted
}

// Error is the refusal in one sentence.
func (r *Refusal) Error() string {
	if r.Fix == "" {
		return r.What
	}
	return r.What + "; " + r.Fix
}

// Report is what a platform is told of a conversion, as far as it counts in the
// figures of ads: the value of a purchase, both "" where it has none.
type Report struct {
	Currency string // ISO 4217
	Value    string // a decimal without an exponent
}
