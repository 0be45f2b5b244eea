package caddymodule

import (
	"context"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// What is counted of an ad on a day, under its id. Values of purchases have a
// field for each currency and number of decimals, see countValue; what became of
// the events for Meta one for each fate and dataset, see delivery.Fate.
const (
	countClicks    = "clicks"
	countContacts  = "contacts"
	countLeads     = "leads" // contacts, as are the qualified
	countQualified = "qualified"
	countPurchases = "purchases"
	countHeadline  = "headline"
	countEarlier   = "earlier headline" // as the click that a conversion is credited to had it
	countValuePart = "value "           // and a currency, a space, a scale
)

// The longest ad id and headline that are kept, in bytes. Meta's ids have 18
// digits; what is longer is no id, and counted as unknown.
const (
	maxAdID     = 64
	maxHeadline = 160
)

const msPerDay = int64(24 * time.Hour / time.Millisecond)

// adDay is the UTC day of an event by its own time, or, where that can't be
// right, of its arrival.
func adDay(at, now int64) int64 {
	if at > now+msPerDay || at < now-queue.KeepCounters.Milliseconds() {
		at = now
	}
	return at / msPerDay
}

// adCounter makes the counters of one event.
type adCounter struct {
	group    *queue.Group
	day      int64
	id       string // "" if it isn't known
	headline string
}

func newAdCounter(g *queue.Group, at, now int64, id, headline string) adCounter {
	if len(id) > maxAdID || strings.ContainsAny(id, "\x00\n") {
		id = ""
	}
	if len(headline) > maxHeadline {
		n := maxHeadline
		for !utf8.RuneStart(headline[n]) {
			n--
		}
		headline = headline[:n] + "…"
	}
	return adCounter{g, adDay(at, now), id, headline}
}

func (a *adCounter) add(field string, n int64, when queue.When, of int) {
	a.group.Counters = append(a.group.Counters, queue.Counter{Day: a.day, Key: a.id, Field: field, Add: n, When: when, Of: of})
}

// named stores the ad's headline beside its figures.
func (a *adCounter) named(field string, when queue.When, of int) {
	if a.headline != "" {
		a.group.Counters = append(a.group.Counters, queue.Counter{Day: a.day, Key: a.id, Field: field, Text: a.headline, When: when, Of: of})
	}
}

// click counts an ad click, which is the group's event n.
func (a *adCounter) click(n int) {
	a.add(countClicks, 1, queue.WhenNew, n)
	a.add(countContacts, 1, queue.WhenFirst, n)
	a.named(countHeadline, queue.WhenNew, n)
}

// tally is what the entry of a conversion carries, so that its fate is counted.
func (a *adCounter) tally() delivery.Tally { return delivery.Tally{Day: a.day, Key: a.id} }

// contact counts the contact of the group's job j, once for as long as its clicks
// are remembered.
func (a *adCounter) contact(field, contact string, remember time.Duration, j int) {
	a.add(field, 1, queue.WhenQueued, j)
	if contact == "" {
		return
	}
	c := &a.group.Counters[len(a.group.Counters)-1]
	c.Once, c.Window = field+"\n"+a.id+"\n"+contact, remember
}

// conversion counts what is reported to Meta by the group's job j, and about
// whom. reported is the event for Meta, which only a purchase needs. What reports
// a click is a lead, whatever its name.
func (a *adCounter) conversion(name, contact string, remember time.Duration, reported []byte, j int) {
	a.add(delivery.FateQueued.Field(a.group.Jobs[j].Dest.Name), 1, queue.WhenQueued, j)
	switch name {
	case capi.LeadSubmitted:
		a.contact(countLeads, contact, remember, j)
	case "QualifiedLead":
		a.contact(countQualified, contact, remember, j)
	case capi.Purchase:
		a.add(countPurchases, 1, queue.WhenQueued, j)
		var doc jsondoc.Doc
		if doc.Parse(reported) == nil {
			custom := doc.Root().Get("custom_data")
			a.value(custom.Get("currency").String(), custom.Get("value").String(), j)
		}
	}
	a.named(countEarlier, queue.WhenQueued, j)
}

// A value is counted exactly, as a whole number of units of 10^-scale. Values
// of up to valueScale decimals share that scale; a number that is too large for
// one counter is cut into pieces of valueDigits digits with scales of their own.
const (
	valueScale  = 2
	valueDigits = 9 // 10^valueDigits = queue.MaxAdd
)

// value counts an amount of money: a decimal number without an exponent, as the
// Conversions API gets it.
func (a *adCounter) value(currency, text string, j int) {
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < valueScale {
		fraction += "0"
	}
	digits := whole + fraction
	for scale := len(fraction); digits != ""; scale -= valueDigits {
		cut := max(len(digits)-valueDigits, 0)
		n, err := strconv.ParseInt(digits[cut:], 10, 64)
		if err != nil || n < 0 {
			return
		}
		if n > 0 {
			a.add(countValuePart+currency+" "+strconv.Itoa(scale), n, queue.WhenQueued, j)
		}
		digits = digits[:cut]
	}
}

// addValue adds what value counted: n units of 10^-scale.
func addValue(sum *big.Rat, n int64, scale int) *big.Rat {
	if sum == nil {
		sum = new(big.Rat)
	}
	if scale < -maxScale || scale > maxScale {
		return sum
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil)
	part := new(big.Rat).SetInt64(n)
	if scale >= 0 {
		part.Quo(part, new(big.Rat).SetInt(unit))
	} else {
		part.Mul(part, new(big.Rat).SetInt(unit))
	}
	return sum.Add(sum, part)
}

// maxScale is beyond what any amount that Meta takes needs.
const maxScale = 60

// countAds adds the counters of event n of a group, of which the jobs from
// onward were just planned.
func (s *scratch) countAds(h *Handler, g, n, from int) {
	group, p := &s.groups[g], &s.parts[g]
	ev := &s.batch.Events[p.events[n]]
	click := group.Events[n].Click != nil
	var ad, headline string
	switch {
	case click:
		ad, headline = ev.Referral.AdID.String(), ev.Referral.Headline.String()
	case ev.Kind == normalize.KindAutomaticEvent && hasConversion(p.names[from:]):
		ad, headline = s.adOf(p, ev.AutomaticEvent.CtwaClid.String())
	default:
		return
	}
	count := newAdCounter(group, ev.ReceivedAt, ev.IngestedAt, ad, headline)
	if click {
		count.click(n)
	}
	// Of several datasets the first counts.
	for j := from; j < len(group.Jobs); j++ {
		if p.names[j] == "" {
			continue
		}
		var reported []byte
		if p.names[j] == capi.Purchase {
			reported = s.reported(h, p, group, j)
		}
		group.Jobs[j].Header.Meta = count.tally().Meta()
		name := p.names[j]
		if click {
			name = capi.LeadSubmitted
		}
		count.conversion(name, group.Events[n].Contact, time.Duration(h.app.RememberClicks), reported, j)
		return
	}
}

func hasConversion(names []string) bool {
	for _, name := range names {
		if name != "" {
			return true
		}
	}
	return false
}

// reported is what Meta gets for an automatic event, nil if it gets nothing.
func (s *scratch) reported(h *Handler, p *part, group *queue.Group, j int) []byte {
	for _, d := range p.tenant.destinations {
		if d.Dest == group.Jobs[j].Dest {
			out, _, err := capi.AppendEvent(nil, group.Payloads[group.Jobs[j].Payload], &d.capi.settings, h.app.now())
			if err != nil {
				return nil // a dead letter, with its reason, when it would be sent
			}
			return out
		}
	}
	return nil
}

// adOf finds the ad of a click id: among the clicks of this webhook, else among
// those that lookUpAds found.
func (s *scratch) adOf(p *part, clid string) (id, headline string) {
	for _, i := range p.events {
		if r := s.batch.Events[i].Referral; r.IsAd() && r.CtwaClid.String() == clid {
			return r.AdID.String(), r.Headline.String()
		}
	}
	for i := range s.known {
		if c := &s.known[i]; c.tenant == p.tenant && c.clid == clid {
			return c.id, c.headline
		}
	}
	return "", ""
}

// knownAd is the ad of a click that was stored before.
type knownAd struct {
	tenant             *tenant
	clid, id, headline string
}

// lookUpAds finds the ads that automatic events speak of: they carry a click id
// and nothing else. There are few of them, so that this costs a look into the
// store for hardly any webhook. Where it fails, the figures go to an unknown ad.
func (s *scratch) lookUpAds(ctx context.Context, h *Handler, q queue.Queue) {
	var keys map[*tenant][]string
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		if ev.Kind != normalize.KindAutomaticEvent || ev.AutomaticEvent == nil || ev.AutomaticEvent.CtwaClid == nil {
			continue
		}
		if t := s.tenants[i]; t != nil && t.reports() {
			if keys == nil {
				keys = make(map[*tenant][]string)
			}
			keys[t] = append(keys[t], ev.AutomaticEvent.CtwaClid.String())
		}
	}
	for t, clids := range keys {
		names := make([]string, len(clids))
		for i, clid := range clids {
			names[i] = clicks.Clid(clid)
		}
		found, err := q.Clicks(ctx, t.name, names)
		if err != nil || len(found) != len(clids) {
			continue
		}
		for i := range found {
			if click := clickWith(&found[i], clids[i]); click != nil {
				s.known = append(s.known, knownAd{t, clids[i], click.AdID, headlineOf(click)})
			}
		}
	}
}

// reports says whether any of the tenant's destinations is a dataset.
func (t *tenant) reports() bool {
	for _, d := range t.destinations {
		if d.capi != nil {
			return true
		}
	}
	return false
}

// clickWith is the stored click with a click id, nil if none of them has it.
func clickWith(stored *queue.Clicks, clid string) *clicks.Click {
	for _, data := range [][]byte{stored.LastClid, stored.First, stored.Last} {
		if len(data) == 0 {
			continue
		}
		if c, err := clicks.Parse(data); err == nil && c.CtwaClid == clid {
			return c
		}
	}
	return nil
}

func headlineOf(c *clicks.Click) string {
	var doc jsondoc.Doc
	if doc.Parse(c.Shown) != nil {
		return ""
	}
	return doc.Root().Get("headline").String()
}
