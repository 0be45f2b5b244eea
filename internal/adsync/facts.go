package adsync

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/queue"
)

// kept is for how long facts are: as counters are. ms.
const kept = int64(queue.KeepCounters / time.Millisecond)

// name is what is kept of an ad: in the group of names, by its id.
type name struct {
	Ad         string `json:"ad,omitempty"`
	AdsetID    string `json:"adsetId,omitempty"`
	Adset      string `json:"adset,omitempty"`
	CampaignID string `json:"campaignId,omitempty"`
	Campaign   string `json:"campaign,omitempty"`
	Gone       bool   `json:"gone,omitempty"` // Meta shows no such ad: the names, if any, are old
	At         int64  `json:"at"`             // when Meta said so, ms
}

func (n *name) shown() ads.Name {
	return ads.Name{Ad: n.Ad, AdsetID: n.AdsetID, Adset: n.Adset, CampaignID: n.CampaignID, Campaign: n.Campaign}
}

// known reads the names that are kept.
func (s *Syncer) known(ctx context.Context, q Store) (map[string]*name, error) {
	all, shown, err := namesOf(ctx, q, s.c.Tenant)
	if err == nil {
		s.stamp, s.kept = s.state.Names, len(all)
		s.names.Store(&shown)
	}
	return all, err
}

func namesOf(ctx context.Context, q Store, tenant string) (map[string]*name, map[string]ads.Name, error) {
	facts, err := q.Facts(ctx, tenant, groupNames)
	all, shown := make(map[string]*name, len(facts)), make(map[string]ads.Name, len(facts))
	for i := range facts {
		n := new(name)
		if json.Unmarshal(facts[i].Data, n) != nil {
			continue // it is asked for again
		}
		all[facts[i].Key] = n
		if n.shown() != (ads.Name{}) {
			shown[facts[i].Key] = n.shown()
		}
	}
	return all, shown, err
}

// keepNames keeps names that Meta said.
func (s *Syncer) keepNames(ctx context.Context, q Store, found map[string]*name) error {
	facts := make([]queue.Fact, 0, len(found))
	for id, n := range found {
		data, err := json.Marshal(n)
		if err != nil {
			return err
		}
		facts = append(facts, queue.Fact{Group: groupNames, Key: id, Data: data, Till: s.now() + kept})
	}
	if len(facts) == 0 {
		return nil
	}
	err := q.PutFacts(ctx, s.c.Tenant, facts)
	if errors.Is(err, queue.ErrTooManyFacts) {
		err = s.keepSome(ctx, q, facts)
	}
	if err != nil {
		return err
	}
	s.state.Names = max(s.now(), s.state.Names+1)
	_, err = s.known(ctx, q)
	return err
}

// spent is what is kept of an ad's day; a fact has several.
type spent struct {
	Ad            string `json:"ad"`
	Currency      string `json:"currency"`
	Amount        string `json:"amount"` // as Meta writes it: 12.34
	Impressions   int64  `json:"impressions,omitempty"`
	LinkClicks    int64  `json:"linkClicks,omitempty"`
	Conversations int64  `json:"conversations,omitempty"`
}

// rowsAtOnce is how many of them a fact has: it stays well below queue.MaxFact.
const rowsAtOnce = 200

func groupSpend(account, day string) string { return "spend\n" + account + "\n" + day }

// keepDay has a day of an account be these rows, and no others.
func (s *Syncer) keepDay(ctx context.Context, q Store, account, day string, rows []spent) error {
	group := groupSpend(account, day)
	old, err := q.Facts(ctx, s.c.Tenant, group)
	if err != nil {
		return err
	}
	was := make(map[string]string, len(old))
	for i := range old {
		was[old[i].Key] = string(old[i].Data)
	}
	var facts []queue.Fact
	for part := 0; len(rows) > 0; part++ {
		n := min(len(rows), rowsAtOnce)
		data, err := json.Marshal(rows[:n])
		if err != nil {
			return err
		}
		key := strconv.Itoa(part)
		if was[key] != string(data) {
			facts = append(facts, queue.Fact{Group: group, Key: key, Data: data, Till: s.now() + kept})
		}
		delete(was, key)
		rows = rows[n:]
	}
	for key := range was {
		facts = append(facts, queue.Fact{Group: group, Key: key})
	}
	if len(facts) == 0 {
		return nil
	}
	return q.PutFacts(ctx, s.c.Tenant, facts)
}

// Read returns what Meta said of a tenant's ads, of the accounts' own days. It asks the store
// alone; errors are the store's.
func Read(ctx context.Context, q Store, tenant string, p ads.Period) (known ads.Known, err error) {
	st, err := stateOf(ctx, q, tenant)
	if err != nil || st.Settings == "" {
		return known, err
	}
	if _, known.Names, err = namesOf(ctx, q, tenant); err != nil {
		return known, err
	}
	var groups []string
	days := make(map[string]string) // by group
	for id := range st.Accounts {
		for day := p.From; day <= p.To; day++ {
			text := time.UnixMilli(day * queue.DayMS).UTC().Format(time.DateOnly)
			group := groupSpend(id, text)
			groups, days[group] = append(groups, group), text
		}
	}
	facts, err := q.Facts(ctx, tenant, groups...)
	if err != nil {
		return known, err
	}
	for i := range facts {
		var rows []spent
		if json.Unmarshal(facts[i].Data, &rows) != nil {
			continue // it is asked for again
		}
		for _, r := range rows {
			known.Spend = append(known.Spend, ads.Spend{
				AdID: r.Ad, Day: days[facts[i].Group], Currency: r.Currency, Amount: r.Amount,
				Impressions: r.Impressions, LinkClicks: r.LinkClicks, Conversations: r.Conversations,
			})
		}
	}
	return known, nil
}
