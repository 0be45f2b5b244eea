package adsync

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// state is what is kept of the asking itself. Times are ms.
type state struct {
	Settings string `json:"settings"` // what it was asked with
	Names    int64  `json:"names"`    // when a name changed last
	Looked   int64  `json:"looked"`   // when it was last looked which ads there are
	Until    int64  `json:"until"`    // nothing is asked before
	Problem  string `json:"problem"`  // of the token; "" = none
	// Of what ads are called alone.
	NamesUntil   int64  `json:"namesUntil"`
	NamesProblem string `json:"namesProblem"`

	Accounts map[string]*account `json:"accounts"`
}

// account is an ad account, by its digits. One that has left the configuration stays: its
// spend is kept.
type account struct {
	Currency string `json:"currency"`
	Timezone string `json:"timezone"`
	At       int64  `json:"at"`     // when it was asked last
	Daily    int64  `json:"daily"`  // when the last 7 days were
	Weekly   int64  `json:"weekly"` // and 28
	Since    string `json:"since"`  // the days that are still to be asked for, the last ones first: YYYY-MM-DD
	Upto     string `json:"upto"`   // "" = none
	Whole    int    `json:"whole"`  // how many days that were, when it began
	Until    int64  `json:"until"`  // nothing is asked before
	Problem  string `json:"problem"`
}

// settings tells one token and list of accounts from others.
func (s *Syncer) settings() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{
		s.c.Endpoint, s.c.GraphVersion, s.credentials.Token, s.credentials.AppSecret,
	}, s.c.Accounts...), "\n")))
	return hex.EncodeToString(sum[:8])
}

// adopt has other settings take effect at once, and reports whether they are others.
func (st *state) adopt(settings string, accounts []string) bool {
	other := st.Settings != settings
	if other {
		st.Settings, st.Until, st.Problem, st.Looked = settings, 0, "", 0
		st.NamesUntil, st.NamesProblem = 0, ""
		for _, a := range st.Accounts {
			a.Until, a.Problem, a.At, a.Upto = 0, "", 0, ""
		}
	}
	if st.Accounts == nil {
		st.Accounts = make(map[string]*account)
	}
	for _, id := range accounts {
		if st.Accounts[id] == nil {
			st.Accounts[id] = new(account)
		}
	}
	return other
}

// trouble is what is wrong, in a line; the token's before an account's.
func (st *state) trouble(accounts ...string) string {
	if problem := cmp.Or(st.Problem, st.NamesProblem); problem != "" {
		return problem
	}
	if len(accounts) == 0 {
		for id := range st.Accounts {
			accounts = append(accounts, id)
		}
		slices.Sort(accounts)
	}
	for _, id := range accounts {
		if a := st.Accounts[id]; a != nil && a.Problem != "" {
			return "act_" + id + ": " + a.Problem
		}
	}
	return ""
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

func (s *Syncer) show() {
	problem := s.state.trouble(s.c.Accounts...)
	s.problem.Store(&problem)
}

// save keeps the state, and says what has changed of what is wrong. Nothing is wrong with what
// was broken off by ctx: it is asked for again.
func (s *Syncer) save(ctx context.Context, q Store) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.show()
	s.say("", cmp.Or(s.state.Problem, s.state.NamesProblem))
	for _, id := range s.c.Accounts {
		s.say(id, s.state.Accounts[id].Problem)
	}
	s.anew = false
	data, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return q.PutFacts(ctx, s.c.Tenant, []queue.Fact{{Group: groupState, Key: "state", Data: data, Till: s.now() + kept}})
}

// say logs a problem once, and that it is over.
func (s *Syncer) say(account, problem string) {
	was := s.logged[account]
	if was == problem && (problem == "" || !s.anew) {
		return
	}
	s.logged[account] = problem
	fields := []zap.Field{zap.String("tenant", s.c.Tenant)}
	if account != "" {
		fields = append(fields, zap.String("account", "act_"+account))
	}
	if problem == "" {
		s.c.Logger.Info("Meta says again what ads are called and cost", fields...)
		return
	}
	s.c.Logger.Warn("Meta does not say what ads are called and cost; all else goes on", append(fields, zap.String("reason", problem))...)
}
