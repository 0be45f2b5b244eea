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
}

// Reporter is a Planner of a kind that conversions are reported to, such as an ad
// platform.
type Reporter interface {
	Planner
	// Takes reports whether conversions of a channel are this destination's.
	// among is as for Plan.
	Takes(channel normalize.Channel, among []*Destination) bool
	// Convert plans a posted conversion, with the keys that make it a duplicate of
	// what Plan plans. An error is what the platform would say to it.
	Convert(c *Conversion, now time.Time) (Job, Report, error)
	// Meta is the Header.Meta of a posted conversion's entry, which its Sender
	// reads; t is where what becomes of it is counted.
	Meta(c *Conversion, t Tally) []byte
	// Reported is what the platform is told of an event that Plan planned under a
	// name, as far as it counts. unified is the event's JSON.
	Reported(name string, unified []byte, now time.Time) Report
}

// MinOnce is how long a conversion is remembered at the least, so that it is
// reported once: Meta takes events up to an age of 7 days.
const MinOnce = 8 * 24 * time.Hour

// Conversion is a posted conversion, and the click it is credited to.
type Conversion struct {
	Unified   []byte // its event in unified JSON
	Name      string // as posted, after the map of the CRM's words
	Click     *clicks.Click
	EmailHash string // hex SHA-256; "" if no e-mail address was posted
	Value     string // as posted: a JSON number, or a decimal
	Currency  string // as posted
}

// Report is what a platform is told of a conversion, as far as it counts in the
// figures of ads: the value of a purchase, both "" where it has none.
type Report struct {
	Currency string // ISO 4217
	Value    string // a decimal without an exponent
}
