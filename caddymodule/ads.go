package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// adDayRow is what the admin API shows of an ad on a day.
type adDayRow struct {
	Tenant    string                 `json:"tenant"`
	AdID      *string                `json:"adId"` // null for clicks and conversions of which the ad is not known
	Headline  *string                `json:"headline"`
	Day       string                 `json:"day"` // YYYY-MM-DD, UTC
	Clicks    int64                  `json:"clicks"`
	Contacts  int64                  `json:"contacts"`  // whose first click was of this ad
	Leads     int64                  `json:"leads"`     // contacts with a lead
	Qualified int64                  `json:"qualified"` // contacts with a QualifiedLead
	Reported  int64                  `json:"reported"`  // events that Meta has
	Pending   int64                  `json:"pending"`   // events that it does not have yet
	Purchases int64                  `json:"purchases"` // Meta's own and posted ones
	Value     map[string]json.Number `json:"value"`     // of the purchases, by currency
}

// adminAds answers GET /leadgate/ads?tenant=&from=&to=: without tenant those of
// all tenants, without days the last thirty.
func adminAds(w http.ResponseWriter, r *http.Request) error {
	app, q, err := activeQueue()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	from, to, err := adPeriod(query, app.now())
	if err != nil {
		return err
	}
	tenants := []string{query.Get("tenant")}
	if tenants[0] == "" {
		tenants = tenants[:0]
		for name := range app.tenants {
			tenants = append(tenants, name)
		}
		slices.Sort(tenants)
	} else if !wording.ValidName(tenants[0]) {
		return httperr.New(http.StatusBadRequest, "tenant %q is no tenant's name", tenants[0])
	}
	ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
	defer cancel()
	waits, err := waiting(ctx, q)
	if err != nil {
		return storeError(err)
	}
	rows := []adDayRow{}
	for _, tenant := range tenants {
		counts, err := q.Counters(ctx, tenant, from, to)
		if err != nil {
			return storeError(err)
		}
		rows = append(rows, adRows(tenant, counts, waits)...)
	}
	if tenant := query.Get("tenant"); tenant != "" && len(rows) == 0 {
		if err := app.knownTenant(ctx, q, tenant); err != nil {
			return err
		}
	}
	return writeJSON(w, rows)
}

// maxAdDays is how many days one call may ask for: as many as are kept.
const maxAdDays = int64(queue.KeepCounters / (24 * time.Hour))

// adPeriod reads the days asked for, both included.
func adPeriod(query url.Values, now time.Time) (from, to int64, err error) {
	to = now.UnixMilli() / msPerDay
	if text := query.Get("to"); text != "" {
		if to, err = parseDay("to", text); err != nil {
			return 0, 0, err
		}
	}
	from = to - 29
	if text := query.Get("from"); text != "" {
		if from, err = parseDay("from", text); err != nil {
			return 0, 0, err
		}
	}
	switch {
	case from > to:
		return 0, 0, httperr.New(http.StatusBadRequest, "from is after to")
	case to-from > maxAdDays:
		return 0, 0, httperr.New(http.StatusBadRequest, "from and to are more than %d days apart", maxAdDays)
	}
	return from, to, nil
}

func parseDay(name, text string) (int64, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Unix() < 0 {
		return 0, httperr.New(http.StatusBadRequest, "%s is a day such as 2026-11-20, in UTC", name)
	}
	return t.UnixMilli() / msPerDay, nil
}

// waiting says of which destinations events wait. What has left a queue is not
// pending, whatever the figures say: after a destination was dropped, say. It is
// asked before the figures, since what is reported is counted before it leaves.
func waiting(ctx context.Context, q queue.Queue) (map[queue.Dest]bool, error) {
	infos, err := q.Destinations(ctx)
	waits := make(map[queue.Dest]bool, len(infos))
	for i := range infos {
		waits[infos[i].Dest] = infos[i].Backlog > 0
	}
	return waits, err
}

// adRows makes a row of each day and ad.
func adRows(tenant string, counts []queue.Count, waits map[queue.Dest]bool) []adDayRow {
	slices.SortStableFunc(counts, func(a, b queue.Count) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Key, b.Key))
	})
	var rows []adDayRow
	for len(counts) > 0 {
		n := slices.IndexFunc(counts, func(c queue.Count) bool { return c.Day != counts[0].Day || c.Key != counts[0].Key })
		if n < 0 {
			n = len(counts)
		}
		rows = append(rows, adRow(tenant, counts[:n], waits))
		counts = counts[n:]
	}
	return rows
}

// adRow reads the counters of one day and ad.
func adRow(tenant string, counts []queue.Count, waits map[queue.Dest]bool) adDayRow {
	row := adDayRow{
		Tenant: tenant, Day: time.UnixMilli(counts[0].Day * msPerDay).UTC().Format(time.DateOnly),
		Value: make(map[string]json.Number),
	}
	if id := counts[0].Key; id != "" {
		row.AdID = &id
	}
	var earlier *string
	sums := make(map[string]*big.Rat)
	pending := make(map[string]int64) // by destination
	for i := range counts {
		c := &counts[i]
		switch c.Field {
		case countClicks:
			row.Clicks = c.N
		case countContacts:
			row.Contacts = c.N
		case countLeads:
			row.Leads = c.N
		case countQualified:
			row.Qualified = c.N
		case countPurchases:
			row.Purchases = c.N
		case countHeadline:
			row.Headline = &c.Text
		case countEarlier:
			earlier = &c.Text
		default:
			if fate, dest, ok := delivery.CutFate(c.Field); ok {
				switch fate {
				case delivery.FateReported:
					row.Reported += c.N
					pending[dest] -= c.N
				case delivery.FateDead:
					pending[dest] -= c.N
				default:
					pending[dest] += c.N
				}
				continue
			}
			currency, scale, ok := strings.Cut(strings.TrimPrefix(c.Field, countValuePart), " ")
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
