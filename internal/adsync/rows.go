package adsync

import (
	"context"
	"net/url"
	"time"

	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/money"
)

// pages reads a list to its end. The address of a next page has the token in it: its cursor
// alone is used.
func (s *Syncer) pages(ctx context.Context, q Store, of string, query url.Values, into *rows) (wait time.Duration, o outcome) {
	for range mostPages {
		answer, o := s.get(ctx, q, of+"?"+query.Encode())
		if o.verdict != fine {
			return 0, o
		}
		data := answer.Root.Get("data")
		if data.Kind() != '[' {
			return 0, outcome{verdict: later, wait: s.pause(pauseLater), problem: "the answer is no list of insights: check `endpoint`"}
		}
		for n := data.First(); n.Exists(); n = n.Next() {
			into.add(n)
		}
		wait = max(wait, s.near(answer.Header))
		after, more := graph.NextPage(answer.Root.Get("paging"))
		switch {
		case !more, after != "" && after == query.Get("after") && data.Len() == 0:
			return wait, outcome{}
		case after == "", after == query.Get("after"):
			return 0, outcome{verdict: later, wait: s.pause(pauseReport), problem: "the list of insights goes on, but Meta does not say where"}
		}
		query.Set("after", after)
	}
	return 0, outcome{verdict: later, wait: s.pause(pauseReport), problem: "the list of insights does not end"}
}

// rows are what ads cost, by day, and what they are called.
type rows struct {
	currency string // of the account
	now      int64
	days     map[string][]spent
	at       map[[2]string]int // where among its day's an ad is
	names    map[string]*name
	named    map[string]string // by ad, the day of the row that its name is of
}

func newRows(currency string, now int64) *rows {
	return &rows{
		currency: currency, now: now, days: make(map[string][]spent), at: make(map[[2]string]int),
		names: make(map[string]*name), named: make(map[string]string),
	}
}

// add reads a row. One that is none of ours is left out.
func (r *rows) add(n jsondoc.Node) {
	id, day := n.Get("ad_id").String(), n.Get("date_start").String()
	amount, ok := money.Parse(n.Get("spend").Bytes())
	if kind := n.Get("spend").Kind(); kind == 0 || kind == 'n' {
		amount, ok = money.Parse([]byte("0"))
	}
	currency, known := money.Currency(n.Get("account_currency").String())
	if !known {
		currency = r.currency
	}
	if !isID(id) || !ok || amount.Negative() || currency == "" || n.Get("date_stop").String() != day {
		return
	}
	row := spent{Ad: id, Currency: currency, Amount: string(amount.Append(nil)),
		Impressions: number(n.Get("impressions")), LinkClicks: number(n.Get("inline_link_clicks"))}
	for a := n.Get("actions").First(); a.Exists(); a = a.Next() {
		if a.Get("action_type").String() == started {
			row.Conversations = number(a.Get("value"))
		}
	}
	r.put(day, row)
	if day >= r.named[id] { // of a renamed ad the newest name is kept
		r.named[id] = day
		r.names[id] = &name{
			Ad: title(n.Get("ad_name")), AdsetID: idIn(n.Get("adset_id")), Adset: title(n.Get("adset_name")),
			CampaignID: idIn(n.Get("campaign_id")), Campaign: title(n.Get("campaign_name")), At: r.now,
		}
	}
}

// put keeps what an ad cost on a day. A list that grows while it is read may have a row twice.
func (r *rows) put(day string, row spent) {
	key := [2]string{day, row.Ad}
	if i, twice := r.at[key]; twice {
		r.days[day][i] = row
		return
	}
	r.at[key] = len(r.days[day])
	r.days[day] = append(r.days[day], row)
}

// number is a number of things, which Meta writes as a string.
func number(n jsondoc.Node) int64 {
	i, ok := n.Int()
	if !ok || i < 0 {
		return 0
	}
	return i
}
