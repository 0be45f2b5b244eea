package adsync

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
	_ "time/tzdata" // an account's days are its own, also where the host has no files of time zones

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/internal/queue"
)

const (
	insightFields = "account_currency,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name," +
		"spend,impressions,inline_link_clicks,actions"
	started   = "onsite_conversion.messaging_conversation_started_7d" // the action that is a chat
	pageSize  = 500
	mostPages = 1000 // of a chunk
	chunk     = 7    // days that are asked for at once

	firstDays, weeklyDays, dailyDays, often = 30, 28, 7, 2 // how many days are asked for again, and when
)

// askInsights asks for an account's spend, as far as it is due. What it got is kept chunk by
// chunk: what is left is asked for in the next step.
func (s *Syncer) askInsights(ctx context.Context, q Store, id string) error {
	a := s.state.Accounts[id]
	if s.now() < a.Until || a.Upto == "" && a.At != 0 && s.now()-a.At < s.c.Refresh.Milliseconds() {
		return nil
	}
	if a.Upto == "" || a.Problem != "" {
		if o := s.askAccount(ctx, q, id, a); o.verdict != fine {
			s.stop(ctx, a, o)
			return nil
		}
	}
	if a.Upto == "" {
		s.begin(a)
	}
	for a.Upto != "" {
		since := max(a.Since, addDays(a.Upto, 1-chunk))
		wait, o, err := s.askChunk(ctx, q, id, since, a.Upto)
		if err != nil {
			return err
		}
		if o.verdict != fine {
			s.stop(ctx, a, o)
			return nil
		}
		if a.Upto = addDays(since, -1); a.Upto < a.Since {
			s.finish(a)
		}
		if a.Why == metrics.AdsPermission {
			s.state.Granted = s.now()
		}
		a.Problem, a.Why, s.state.Problem, s.state.Why = "", "", "", ""
		if wait > 0 {
			if a.Until = s.now() + wait.Milliseconds(); a.Upto != "" {
				a.Why = metrics.AdsThrottled
			}
			return nil
		}
		if err := s.save(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// begin says which days are to be asked for.
func (s *Syncer) begin(a *account) {
	now := s.now()
	last := max(a.At, a.Daily) // 0 where there was none
	a.Begun = now
	switch {
	case a.Weekly == 0:
		a.Whole = firstDays
	case now-a.Weekly >= (7 * 24 * time.Hour).Milliseconds():
		a.Whole = weeklyDays
	case now-a.Daily >= (24 * time.Hour).Milliseconds():
		a.Whole = dailyDays
	default:
		a.Whole = often
	}
	if last > 0 { // all days since then, however long Meta was not to be asked
		a.Whole = max(a.Whole, min(often+int((now-last)/queue.DayMS), int(kept/queue.DayMS)))
	}
	a.Upto = s.c.Now().In(zone(a.Timezone)).Format(time.DateOnly)
	a.Since = addDays(a.Upto, 1-a.Whole)
}

// finish notes that all of them were, as of when that began: where it was held up, newer days
// are due.
func (s *Syncer) finish(a *account) {
	a.At, a.Read, a.Since, a.Upto = cmp.Or(a.Begun, s.now()), s.now(), "", ""
	if a.Whole >= dailyDays {
		a.Daily = a.At
	}
	if a.Whole >= weeklyDays {
		a.Weekly = a.At
	}
}

// stop has an account, or all of them, wait.
func (s *Syncer) stop(ctx context.Context, a *account, o outcome) {
	s.count(ctx, o)
	until := s.now() + o.wait.Milliseconds()
	if o.verdict == badToken {
		s.state.Problem, s.state.Why, s.state.Until = o.problem, o.why(), until
		return
	}
	a.Problem, a.Why, a.Until = o.problem, o.why(), until
}

func zone(name string) *time.Location {
	if at, err := time.LoadLocation(name); err == nil && name != "" {
		return at
	}
	return time.UTC
}

// addDays counts days on from one, as YYYY-MM-DD, "" for what is none; texts of days are
// ordered as days are.
func addDays(day string, n int) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return at.AddDate(0, 0, n).Format(time.DateOnly)
}

// askAccount asks for the account's time zone and currency.
func (s *Syncer) askAccount(ctx context.Context, q Store, id string, a *account) outcome {
	answer, o := s.get(ctx, q, "act_"+id+"?fields=account_id,currency,timezone_name")
	if o.verdict != fine {
		return o
	}
	s.state.Problem, s.state.Why = "", ""
	if _, err := time.LoadLocation(answer.Root.Get("timezone_name").String()); err == nil {
		a.Timezone = answer.Root.Get("timezone_name").String()
	}
	if currency, ok := money.Currency(answer.Root.Get("currency").String()); ok {
		a.Currency = currency
	}
	return outcome{}
}

// askChunk asks for some days, both included, and keeps what each ad cost on each. Where
// that is too much for one answer Meta makes a report of it. wait is what its answers ask
// for.
func (s *Syncer) askChunk(ctx context.Context, q Store, id, since, upto string) (wait time.Duration, o outcome, err error) {
	span, err := json.Marshal(map[string]string{"since": since, "until": upto})
	if err != nil {
		return 0, o, err
	}
	query := url.Values{
		"level": {"ad"}, "time_increment": {"1"}, "time_range": {string(span)}, "fields": {insightFields},
		"limit": {strconv.Itoa(pageSize)},
	}
	r := newRows(s.state.Accounts[id].Currency, s.now())
	wait, o = s.pages(ctx, q, "act_"+id+"/insights", query, r)
	if o.verdict == tooMuch {
		var run string
		if run, o = s.report(ctx, q, id, query); o.verdict == fine {
			r = newRows(s.state.Accounts[id].Currency, s.now())
			wait, o = s.pages(ctx, q, run+"/insights", url.Values{"limit": {strconv.Itoa(pageSize)}}, r)
		}
	}
	if o.verdict != fine {
		return 0, o, nil
	}
	for day := since; day <= upto; day = addDays(day, 1) {
		if err := s.keepDay(ctx, q, id, day, r.days[day]); err != nil {
			return 0, o, err
		}
	}
	err = s.keepRenamed(ctx, q, r.names, s.state.Accounts[id].Begun)
	if s.crowded {
		s.state.NamesProblem, s.state.NamesWhy = tooMany, metrics.AdsFull
	}
	return wait, o, err
}

// keepRenamed keeps the names that insights have, as far as they are new. Days are read
// backwards since begun: what an ad was called before is no news.
func (s *Syncer) keepRenamed(ctx context.Context, q Store, names map[string]*name, begun int64) error {
	known, err := s.known(ctx, q)
	if err != nil {
		return err
	}
	for id, n := range names {
		was := known[id]
		if was == nil {
			was = new(name)
		}
		n.fill(was)
		same := was.shown() == n.shown() && !was.Gone
		if same && n.At-was.At < freshFor.Milliseconds()/2 || !was.Gone && was.Ad != "" && was.At >= begun {
			delete(names, id)
		}
	}
	return s.keepNames(ctx, q, names)
}

// fill takes what Meta did not say from what it said before. The name of the ad is asked for
// by its id then, when it is due.
func (n *name) fill(was *name) {
	if n.Ad == "" {
		n.Ad, n.At, n.Gone = was.Ad, was.At, was.Gone
	}
	if n.AdsetID == "" {
		n.AdsetID = was.AdsetID
	}
	if n.Adset == "" && n.AdsetID == was.AdsetID {
		n.Adset = was.Adset
	}
	if n.CampaignID == "" {
		n.CampaignID = was.CampaignID
	}
	if n.Campaign == "" && n.CampaignID == was.CampaignID {
		n.Campaign = was.Campaign
	}
}
