package adsync

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// state is what is kept of the asking itself. Times are ms.
type state struct {
	Settings string `json:"settings"` // what it was asked with
	Names    int64  `json:"names"`    // when a name changed last
	Looked   int64  `json:"looked"`   // when it was last looked which ads there are
	Until    int64  `json:"until"`    // nothing is asked before
	Problem  string `json:"problem"`  // of the token; "" = none
	Why      string `json:"why"`      // the same as metrics have it
	// Of what ads are called alone.
	NamesUntil   int64  `json:"namesUntil"`
	NamesProblem string `json:"namesProblem"` // "" while it waits for a limit, too
	NamesWhy     string `json:"namesWhy"`
	NamesAt      int64  `json:"namesAt"`   // when all that were due were known, or since when they are asked for
	Unread       string `json:"unread"`    // why Meta reads no ad at all; "" = it does
	UnreadWhy    string `json:"unreadWhy"` // as NamesWhy
	UnreadAt     int64  `json:"unreadAt"`  // when it was said last

	// When the token came to see more, perhaps: that there is no such ad is asked again.
	Granted int64 `json:"granted"`

	Accounts map[string]*account `json:"accounts"`
}

// account is an ad account, by its digits. One that has left the configuration stays: its
// spend is kept.
type account struct {
	Currency string `json:"currency"`
	Timezone string `json:"timezone"`
	At       int64  `json:"at"`     // when the last reading to the end began
	Begun    int64  `json:"begun"`  // when the one did that is going on
	Daily    int64  `json:"daily"`  // when the last 7 days were
	Weekly   int64  `json:"weekly"` // and 28
	Since    string `json:"since"`  // the days that are still to be asked for, the last ones first: YYYY-MM-DD
	Upto     string `json:"upto"`   // "" = none
	Whole    int    `json:"whole"`  // how many days that were, when it began
	Until    int64  `json:"until"`  // nothing is asked before
	Read     int64  `json:"read"`   // when it was read to the end, or since when it is to be
	Problem  string `json:"problem"`
	Why      string `json:"why"` // as that of names
}

// settings tells one token and list of accounts from others.
func (s *Syncer) settings() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{
		s.c.Endpoint, s.c.GraphVersion, s.credentials.Token, s.credentials.AppSecret,
	}, s.c.Accounts...), "\n")))
	return hex.EncodeToString(sum[:8])
}

// adopt has other settings take effect at once, and reports whether they are others.
func (st *state) adopt(settings string, accounts []string, now int64) bool {
	other := st.Settings != settings
	if other {
		st.Settings, st.Until, st.Problem, st.Why, st.Looked = settings, 0, "", "", 0
		st.NamesUntil, st.NamesProblem, st.NamesWhy, st.Unread, st.Granted = 0, "", "", "", now
		for _, a := range st.Accounts {
			a.Until, a.Problem, a.Why, a.At, a.Upto = 0, "", "", 0, ""
		}
	}
	if st.Accounts == nil {
		st.Accounts = make(map[string]*account)
	}
	for _, id := range accounts {
		if st.Accounts[id] == nil {
			st.Accounts[id] = new(account)
		}
		if a := st.Accounts[id]; a.Read == 0 {
			a.Read = cmp.Or(a.At, now)
		}
	}
	st.NamesAt = cmp.Or(st.NamesAt, now)
	return other
}

// refused reports whether other secrets may be of help.
func (st *state) refused() bool {
	for _, a := range st.Accounts {
		if a.Problem != "" {
			return true
		}
	}
	return st.Problem != "" || st.NamesProblem != ""
}

const (
	groupState = "ads"
	groupNames = "names"
)

// load reads the state, and the names where they have changed.
func (s *Syncer) load(ctx context.Context, q Store) error {
	st, err := stateOf(ctx, q, s.c.Tenant)
	if err != nil {
		return err
	}
	s.state = st
	s.show()
	if s.names.Load() != nil && s.stamp == st.Names {
		return nil
	}
	_, err = s.known(ctx, q)
	return err
}

// stateOf reads it; what cannot be read is begun anew.
func stateOf(ctx context.Context, q Store, tenant string) (*state, error) {
	facts, err := q.Facts(ctx, tenant, groupState)
	st := new(state)
	for i := range facts {
		if json.Unmarshal(facts[i].Data, st) != nil || !st.whole() {
			st = new(state)
		}
	}
	return st, err
}

// whole reports whether what was read is what save writes.
func (st *state) whole() bool {
	isDay := func(day string) bool { return day == "" || addDays(day, 0) == day }
	for _, a := range st.Accounts {
		if a == nil || !isDay(a.Since) || !isDay(a.Upto) {
			return false
		}
	}
	return true
}

// save keeps the state, and says what has changed of what is wrong. Nothing is wrong with what
// was broken off by ctx: it is asked for again.
func (s *Syncer) save(ctx context.Context, q Store) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.show()
	s.tell()
	data, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return q.PutFacts(ctx, s.c.Tenant, []queue.Fact{{Group: groupState, Key: "state", Data: data, Till: s.now() + kept}})
}
