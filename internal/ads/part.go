package ads

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// part is a piece of a report: what is known of an ad, or a link, on a day. There may be
// several of one ad and day.
type part struct {
	key      string // as Ad.key
	day      string
	headline string
	counts   Counts
	bought   map[string]int64 // purchases by currency
	unknown  int64            // purchases of which the currency is not known
	value    sums
	spend    sums
}

// sums are amounts by currency.
type sums map[string]*big.Rat

func (s sums) add(currency string, n *big.Rat) {
	if sum := s[currency]; sum != nil {
		sum.Add(sum, n)
	} else {
		s[currency] = new(big.Rat).Set(n)
	}
}

func (s sums) addAll(o sums) {
	for currency, n := range o {
		s.add(currency, n)
	}
}

// spent makes parts of what ads cost.
func spent(known *Known) []part {
	parts := make([]part, 0, len(known.Spend))
	for i := range known.Spend {
		s := &known.Spend[i]
		p := part{key: s.AdID, day: s.Day, counts: Counts{
			Impressions: s.Impressions, LinkClicks: s.LinkClicks, Conversations: s.Conversations,
		}}
		if n, ok := new(big.Rat).SetString(s.Amount); ok && n.Sign() != 0 {
			p.spend = sums{s.Currency: n}
		}
		parts = append(parts, p)
	}
	return parts
}

// partsOf makes a part of each day and ad or link of a tenant's counters.
func partsOf(tenant string, counts []queue.Count, waits map[queue.Dest]bool) []part {
	slices.SortStableFunc(counts, func(a, b queue.Count) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Key, b.Key))
	})
	var parts []part
	for len(counts) > 0 {
		n := slices.IndexFunc(counts, func(c queue.Count) bool { return c.Day != counts[0].Day || c.Key != counts[0].Key })
		if n < 0 {
			n = len(counts)
		}
		parts = append(parts, partOf(tenant, counts[:n], waits))
		counts = counts[n:]
	}
	return parts
}

// partOf reads the counters of one day and ad or link.
func partOf(tenant string, counts []queue.Count, waits map[queue.Dest]bool) part {
	p := part{key: counts[0].Key, day: DayText(counts[0].Day)}
	var earlier string
	pending := make(map[string]int64, 2) // by destination
	for i := range counts {
		c := &counts[i]
		if sum := p.counts.field(c.Field); sum != nil {
			*sum += c.N
			continue
		}
		switch fate, dest, ok := cutFate(c.Field); {
		case c.Field == fieldHeadline:
			p.headline = c.Text
		case c.Field == fieldEarlier:
			earlier = c.Text
		case strings.HasPrefix(c.Field, fieldBought):
			p.buys(strings.TrimPrefix(c.Field, fieldBought), c.N)
		case !ok:
			p.valued(c)
		case fate == FateReported:
			p.counts.Reported += c.N
			pending[dest] -= c.N
		case fate == FateDead:
			pending[dest] -= c.N
		default:
			pending[dest] += c.N
		}
	}
	p.headline = cmp.Or(p.headline, earlier)
	p.boughtBefore()
	for dest, n := range pending {
		if waits[queue.Dest{Tenant: tenant, Name: dest}] {
			p.counts.Pending += max(n, 0)
		}
	}
	return p
}

func (p *part) buys(currency string, n int64) {
	if p.bought == nil {
		p.bought = make(map[string]int64, 1)
	}
	p.bought[currency] += n
}

// boughtBefore adds purchases that were counted before each had its currency counted: where all
// values are in one, they are.
func (p *part) boughtBefore() {
	left := p.counts.Purchases
	for _, n := range p.bought {
		left -= n
	}
	if left <= 0 {
		return
	}
	if all := slices.Collect(maps.Keys(p.value)); len(all) == 1 {
		p.buys(all[0], left)
	} else {
		p.unknown = left
	}
}

// field is where a counter is summed up; nil for one that is no plain number of things.
func (c *Counts) field(name string) *int64 {
	switch name {
	case fieldVisits:
		return &c.Visits
	case fieldClicks:
		return &c.Clicks
	case fieldContacts:
		return &c.Contacts
	case fieldLeads, fieldForms:
		return &c.Leads
	case fieldQualified:
		return &c.Qualified
	case fieldPurchases:
		return &c.Purchases
	}
	return nil
}

// valued adds a counter that Counter.value made.
func (p *part) valued(c *queue.Count) {
	currency, scale, ok := strings.Cut(strings.TrimPrefix(c.Field, fieldValue), " ")
	if n, err := strconv.Atoi(scale); ok && err == nil {
		if p.value == nil {
			p.value = sums{}
		}
		p.value[currency] = addValue(p.value[currency], c.N, n)
	}
}
