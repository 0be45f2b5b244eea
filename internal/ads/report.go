package ads

import (
	"cmp"
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Row is what is shown of an ad, or of a link, on a day.
type Row struct {
	Tenant    string                 `json:"tenant"`
	AdID      *string                `json:"adId"` // null for clicks and conversions of which the ad is not known
	Headline  *string                `json:"headline"`
	Link      *string                `json:"link"`      // a link's name; null for an ad
	Day       string                 `json:"day"`       // YYYY-MM-DD, UTC
	Visits    int64                  `json:"visits"`    // of a link: those that got a code
	Clicks    int64                  `json:"clicks"`    // of a link: chats that its codes began
	Contacts  int64                  `json:"contacts"`  // whose first click was of this ad
	Leads     int64                  `json:"leads"`     // contacts with a lead
	Qualified int64                  `json:"qualified"` // contacts with a QualifiedLead
	Reported  int64                  `json:"reported"`  // events that Meta has
	Pending   int64                  `json:"pending"`   // events that it does not have yet
	Purchases int64                  `json:"purchases"` // Meta's own and posted ones
	Value     map[string]json.Number `json:"value"`     // of the purchases, by currency
}

// Store is what a report needs of a [queue.Queue].
type Store interface {
	Destinations(ctx context.Context) ([]queue.Info, error)
	Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error)
}

// Report returns a row of each ad, or link, and day of the tenants, by tenant, day and ad.
// Errors are the store's.
func Report(ctx context.Context, q Store, tenants []string, p Period) ([]Row, error) {
	waits, err := waiting(ctx, q)
	if err != nil {
		return nil, err
	}
	rows := []Row{}
	for _, tenant := range tenants {
		counts, err := q.Counters(ctx, tenant, p.From, p.To)
		if err != nil {
			return nil, err
		}
		rows = append(rows, rowsOf(tenant, counts, waits)...)
	}
	return rows, nil
}

// waiting is of which destinations events wait. What has left a queue is not
// pending, whatever the figures say: after a destination was dropped, say. It is
// asked before the figures, since what is reported is counted before it leaves.
func waiting(ctx context.Context, q Store) (map[queue.Dest]bool, error) {
	infos, err := q.Destinations(ctx)
	waits := make(map[queue.Dest]bool, len(infos))
	for i := range infos {
		waits[infos[i].Dest] = infos[i].Backlog > 0
	}
	return waits, err
}

// rowsOf makes a row of each day and ad or link.
func rowsOf(tenant string, counts []queue.Count, waits map[queue.Dest]bool) []Row {
	slices.SortStableFunc(counts, func(a, b queue.Count) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Key, b.Key))
	})
	var rows []Row
	for len(counts) > 0 {
		n := slices.IndexFunc(counts, func(c queue.Count) bool { return c.Day != counts[0].Day || c.Key != counts[0].Key })
		if n < 0 {
			n = len(counts)
		}
		rows = append(rows, rowOf(tenant, counts[:n], waits))
		counts = counts[n:]
	}
	return rows
}

// rowOf reads the counters of one day and ad or link.
func rowOf(tenant string, counts []queue.Count, waits map[queue.Dest]bool) Row {
	row := Row{
		Tenant: tenant, Day: time.UnixMilli(counts[0].Day * queue.DayMS).UTC().Format(time.DateOnly),
		Value: make(map[string]json.Number),
	}
	key := counts[0].Key
	if link, ok := strings.CutPrefix(key, linkPrefix); ok {
		row.Link = &link
	} else if key != "" {
		row.AdID = &key
	}
	var earlier *string
	sums := make(map[string]*big.Rat)
	pending := make(map[string]int64) // by destination
	for i := range counts {
		c := &counts[i]
		switch c.Field {
		case fieldVisits:
			row.Visits = c.N
		case fieldClicks:
			row.Clicks = c.N
		case fieldContacts:
			row.Contacts = c.N
		case fieldLeads:
			row.Leads = c.N
		case fieldQualified:
			row.Qualified = c.N
		case fieldPurchases:
			row.Purchases = c.N
		case fieldHeadline:
			row.Headline = &c.Text
		case fieldEarlier:
			earlier = &c.Text
		default:
			if fate, dest, ok := cutFate(c.Field); ok {
				switch fate {
				case FateReported:
					row.Reported += c.N
					pending[dest] -= c.N
				case FateDead:
					pending[dest] -= c.N
				default:
					pending[dest] += c.N
				}
				continue
			}
			currency, scale, ok := strings.Cut(strings.TrimPrefix(c.Field, fieldValue), " ")
			if n, err := strconv.Atoi(scale); ok && err == nil {
				sums[currency] = addValue(sums[currency], c.N, n)
			}
		}
	}
	if row.Headline == nil {
		row.Headline = earlier
	}
	for dest, n := range pending {
		if waits[queue.Dest{Tenant: tenant, Name: dest}] {
			row.Pending += max(n, 0)
		}
	}
	for currency, sum := range sums {
		text := sum.FloatString(maxScale)
		row.Value[currency] = json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
	}
	return row
}
