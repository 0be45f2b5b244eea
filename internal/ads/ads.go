// Package ads counts what ads and links bring: clicks, contacts, leads and purchases,
// of each ad or link and day. The figures are counters of package queue, written in the same
// step as what they count: a [Counter] adds them to a group, [Report] reads them.
//
// It is a package of its own, and no part of clicks: clicks knows a contact, and
// is asked by whoever sends an event; ads knows no contact but to count it once,
// and is asked by whoever plans a conversion or shows the figures. What becomes of
// a conversion is counted by delivery, in the fields of [Fate].
//
// It imports queue, clicks and capi, for the names of events.
package ads

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
)

// What is counted of an ad on a day, under its id. Purchases have a field for each
// currency, too; their values one for each currency and number of decimals, see
// Counter.value; what became of the events for Meta one for each fate and dataset, see Fate.
const (
	fieldClicks    = "clicks"
	fieldContacts  = "contacts"
	fieldLeads     = "leads" // contacts, as are the qualified
	fieldForms     = "forms" // leads of Meta's lead ads
	fieldQualified = "qualified"
	fieldVisits    = "visits" // of a link
	fieldPurchases = "purchases"
	fieldHeadline  = "headline"
	fieldEarlier   = "earlier headline" // as the click that a conversion is credited to had it
	fieldBought    = "purchases "       // and a currency: those in it; none for what has no value
	fieldValue     = "value "           // and a currency, a space, a scale
)

// The longest ad id and headline that are kept, in bytes. Meta's ids have 18
// digits; what is longer is no id, and counted as unknown.
const (
	maxAdID     = 64
	maxHeadline = 160
)

// dayOf is the UTC day of an event by its own time, or, where that can't be
// right, of its arrival.
func dayOf(at, now int64) int64 {
	if at > now+queue.DayMS || at < now-queue.KeepCounters.Milliseconds() {
		at = now
	}
	return at / queue.DayMS
}

// Ad is an ad as its figures know it, or a link.
type Ad struct {
	ID       string // "" if it isn't known
	Headline string
	Link     string // the name of a link; "" for an ad
}

// linkPrefix begins the key of a link's figures. No id of an ad has it: see NewCounter.
const linkPrefix = "\x01link:"

// key is what figures are counted under.
func (a *Ad) key() string {
	if a.Link != "" {
		return linkPrefix + a.Link
	}
	return a.ID
}

// Of is the ad of a stored click, or the link.
func Of(c *clicks.Click) Ad {
	if c.Link != nil {
		return Ad{Link: c.Link.Name}
	}
	ad := Ad{ID: c.AdID}
	var doc jsondoc.Doc
	if doc.Parse(c.Shown) == nil {
		ad.Headline = doc.Root().Get("headline").String()
	}
	return ad
}

// Counter makes the counters of one event, and adds them to its group. Its Day
// and ad are the row of figures that they are of.
type Counter struct {
	Day int64 // as in queue.Counter
	Ad  Ad

	group *queue.Group
}

// NewCounter counts an event of a group that happened at a time, in ms, for an
// ad. A time that can't be right is now.
func NewCounter(g *queue.Group, at, now int64, ad Ad) Counter {
	if len(ad.ID) > maxAdID || strings.ContainsAny(ad.ID, "\x00\x01\n") {
		ad.ID = ""
	}
	if len(ad.Headline) > maxHeadline {
		n := maxHeadline
		for !utf8.RuneStart(ad.Headline[n]) {
			n--
		}
		ad.Headline = ad.Headline[:n] + "…"
	}
	return Counter{dayOf(at, now), ad, g}
}

// Key is what the figures are counted under: as in queue.Counter.
func (c *Counter) Key() string { return c.Ad.key() }

// Click counts a click, which is the first one of the group's event n.
func (c *Counter) Click(n int) {
	c.Further(n)
	c.add(fieldContacts, 1, queue.WhenFirst, n)
	c.named(fieldHeadline, queue.WhenNew, n)
}

// Further counts a click of the group's event n that is not its first: the contact came
// by another.
func (c *Counter) Further(n int) { c.add(fieldClicks, 1, queue.WhenNew, n) }

// Form counts the lead of a form, by its id once in a window: the group's event n.
func (c *Counter) Form(n int, id string, window time.Duration) {
	c.add(fieldForms, 1, queue.WhenNew, n)
	last := &c.group.Counters[len(c.group.Counters)-1]
	last.Once, last.Window = fieldForms+"\n"+id, window
}

// Conversion is what is reported to Meta, and about whom.
type Conversion struct {
	Name     string        // the event name; what reports a click is a lead, whatever its name
	Contact  string        // the key of its contact, "" if it isn't known
	Remember time.Duration // how long clicks, and so contacts, are remembered
	Currency string        // of a purchase
	Value    string        // of a purchase: a decimal without an exponent

	// Corrected is the id of a conversion that may be corrected, by another of the same
	// id: the first alone counts as a purchase. "" = each counts that is reported.
	Corrected string
	Window    time.Duration // for how long a correction is known
}

// Conversion counts what the group's job j reports.
func (c *Counter) Conversion(v *Conversion, j int) {
	c.add(FateQueued.Field(c.group.Jobs[j].Dest.Name), 1, queue.WhenQueued, j)
	switch v.Name {
	case capi.LeadSubmitted, "Lead": // Meta's word in chats, and Google's none
		c.contact(fieldLeads, v, j)
	case "QualifiedLead":
		c.contact(fieldQualified, v, j)
	case capi.Purchase:
		first := len(c.group.Counters)
		c.add(fieldPurchases, 1, queue.WhenQueued, j)
		c.value(v.Currency, v.Value, j)
		c.add(fieldBought+v.Currency, 1, queue.WhenQueued, j)
		if v.Corrected != "" {
			for i := range c.group.Counters[first:] {
				part := &c.group.Counters[first+i]
				of := strconv.Itoa(i)
				if strings.HasPrefix(part.Field, fieldBought) {
					of = "in" // whatever it is corrected to
				}
				part.Once, part.Window = fieldPurchases+"\n"+of+"\n"+v.Corrected, v.Window
			}
		}
	}
	c.named(fieldEarlier, queue.WhenQueued, j)
}

// Reported counts that the group's job j, for a destination, is to report what is counted by itself:
// a form, which is a lead of its ad whoever is told of it.
func (c *Counter) Reported(j int, dest string) {
	c.add(FateQueued.Field(dest), 1, queue.WhenQueued, j)
}

// contact counts the contact of the group's job j, once for as long as its clicks
// are remembered.
func (c *Counter) contact(field string, v *Conversion, j int) {
	c.add(field, 1, queue.WhenQueued, j)
	if v.Contact == "" {
		return
	}
	last := &c.group.Counters[len(c.group.Counters)-1]
	last.Once, last.Window = field+"\n"+c.Key()+"\n"+v.Contact, v.Remember
}

func (c *Counter) add(field string, n int64, when queue.When, of int) {
	c.group.Counters = append(c.group.Counters, queue.Counter{Day: c.Day, Key: c.Key(), Field: field, Add: n, When: when, Of: of})
}

// named stores the ad's headline beside its figures.
func (c *Counter) named(field string, when queue.When, of int) {
	if c.Ad.Headline != "" {
		c.group.Counters = append(c.group.Counters, queue.Counter{
			Day: c.Day, Key: c.Key(), Field: field, Text: c.Ad.Headline, When: when, Of: of,
		})
	}
}
