package ads

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/wording"
)

// Group is what a report has a row for.
type Group string

// The groups. Whatever they are, rows add up to the same: what is of no ad is a row of each
// link, and one of what is not known; what is of no link is one row.
const (
	ByAdAndDay Group = "" // and by link and day
	ByAd       Group = "ad"
	ByAdset    Group = "adset"
	ByCampaign Group = "campaign"
	ByLink     Group = "link"
	ByDay      Group = "day"
)

// Groups are those that can be asked for.
var Groups = []string{string(ByAd), string(ByAdset), string(ByCampaign), string(ByLink), string(ByDay)}

// ParseGroup reads a group's name. The error is a sentence to who asked.
func ParseGroup(name string) (Group, error) {
	if name != "" && !slices.Contains(Groups, name) {
		return "", fmt.Errorf("there is no group %q: %s", name, wording.Meant(name, Groups))
	}
	return Group(name), nil
}

// place is the row that a part belongs to, and by what rows are ordered.
type place struct{ day, key string }

func (g Group) place(p *part, names map[string]Name) place {
	isLink := strings.HasPrefix(p.key, linkPrefix)
	switch {
	case g == ByAdAndDay:
		return place{p.day, p.key}
	case g == ByDay:
		return place{p.day, ""}
	case g == ByLink && !isLink:
		return place{}
	case isLink, g == ByAd, g == ByLink:
		return place{"", p.key}
	case g == ByAdset:
		return place{"", names[p.key].AdsetID}
	default:
		return place{"", names[p.key].CampaignID}
	}
}

// order has links come last.
func (a place) order(b place) int {
	return cmp.Or(cmp.Compare(a.day, b.day),
		compareBool(strings.HasPrefix(a.key, linkPrefix), strings.HasPrefix(b.key, linkPrefix)), cmp.Compare(a.key, b.key))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// heap is the parts of a row.
type heap struct {
	place
	parts []*part
}

// grouped makes rows of a tenant's parts.
func grouped(tenant string, parts []part, g Group, names map[string]Name) []Row {
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.day, b.day) })
	heaps := make(map[place]*heap)
	var order []*heap
	for i := range parts {
		at := g.place(&parts[i], names)
		if heaps[at] == nil {
			heaps[at] = &heap{place: at}
			order = append(order, heaps[at])
		}
		heaps[at].parts = append(heaps[at].parts, &parts[i])
	}
	slices.SortFunc(order, func(a, b *heap) int { return a.order(b.place) })
	paid := paidIn(parts)
	rows := make([]Row, len(order))
	for i, h := range order {
		rows[i] = h.row(g, names, paid)
		rows[i].Tenant = tenant
	}
	return rows
}

// paidIn is the currency that each ad is paid in: that of its account.
func paidIn(parts []part) map[string]string {
	paid := make(map[string]string)
	for i := range parts {
		for currency := range parts[i].spend {
			paid[parts[i].key] = currency
		}
	}
	return paid
}

// row adds the parts up. Of the headlines the newest is shown.
func (h *heap) row(g Group, names map[string]Name, paid map[string]string) Row {
	row := Row{Subject: g.subject(h.parts[0], names)}
	if h.day != "" {
		row.Day = &h.day
	}
	value, spend := sums{}, sums{}
	for _, p := range h.parts {
		row.add(&p.counts)
		value.addAll(p.value)
		spend.addAll(p.spend)
		if p.headline != "" && row.AdID != nil {
			row.Headline = &p.headline
		}
	}
	row.Money = h.money(value, spend, paid)
	return row
}

// subject is what all parts of a row have in common with its first.
func (g Group) subject(p *part, names map[string]Name) (s Subject) {
	if link, ok := strings.CutPrefix(p.key, linkPrefix); ok {
		if g != ByDay {
			s.Link = &link
		}
		return s
	}
	name := names[p.key]
	switch g {
	case ByAdAndDay, ByAd:
		s.AdID, s.AdName = orNull(p.key), orNull(name.Ad)
		s.AdsetID, s.AdsetName = orNull(name.AdsetID), orNull(name.Adset)
		s.CampaignID, s.CampaignName = orNull(name.CampaignID), orNull(name.Campaign)
	case ByAdset:
		s.AdsetID, s.AdsetName = orNull(name.AdsetID), orNull(name.Adset)
		s.CampaignID, s.CampaignName = orNull(name.CampaignID), orNull(name.Campaign)
	case ByCampaign:
		s.CampaignID, s.CampaignName = orNull(name.CampaignID), orNull(name.Campaign)
	}
	return s
}

// orNull is the text, nil for none.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// money is what a row brought, cost, and each lead and purchase of it. Where it was paid in
// several currencies, each paid for the leads and purchases of its own ads alone; and wherever
// there are purchases in others, too, for those in its own.
func (h *heap) money(value, spend sums, paid map[string]string) Money {
	m := Money{value.amounts(), spend.amounts(), Amounts{}, Amounts{}, Amounts{}}
	for currency, cost := range spend {
		var leads, bought, unknown int64
		for _, p := range h.parts {
			if len(spend) == 1 || paid[p.key] == currency {
				leads += p.counts.Leads
				bought += p.bought[currency]
				unknown += p.unknown
			}
		}
		m.CostPerLead.divided(currency, cost, leads)
		earned := value[currency]
		if earned == nil || cost.Sign() == 0 {
			continue
		}
		if unknown == 0 {
			m.CostPerPurchase.divided(currency, cost, bought)
		}
		m.ROAS[currency] = decimal(new(big.Rat).Quo(earned, cost), ratioScale)
	}
	return m
}
