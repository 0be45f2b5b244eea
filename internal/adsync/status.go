package adsync

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
)

// Status is what is shown of the asking.
type Status struct {
	Problem string   // why names or spend are missing or old, in a line; "" where nothing is wrong
	Reasons []string // the same, as metrics have it
	// When all names that were due, and the spend of every account, were read last, or since
	// when they are to be; ms, 0 where that is unknown, or nothing is to be read.
	Names, Spend int64
	Zones        []*time.Location // those of the accounts' days
}

// Status is as of the last step, of this edge or of the one that asks.
func (s *Syncer) Status() Status {
	if st := s.shown.Load(); st != nil {
		return *st
	}
	return Status{}
}

// trouble is one thing that is wrong.
type trouble struct {
	account string // "" of the token, or of names
	why     string // as metrics have it; "" = nothing is wrong
	text    string // in a line
}

// troubles are all that there are of these accounts: the token's before that of names, those of
// accounts in their order.
func (st *state) troubles(accounts []string) []trouble {
	all := []trouble{
		{why: st.Why, text: st.Problem},
		{why: st.NamesWhy, text: said(st.NamesProblem, st.NamesWhy, st.NamesUntil)},
	}
	for _, id := range accounts {
		if a := st.Accounts[id]; a != nil {
			all = append(all, trouble{id, a.Why, said(a.Problem, a.Why, a.Until)})
		}
	}
	return slices.DeleteFunc(all, func(t trouble) bool { return t.text == "" })
}

// said is a problem in words. To wait for a limit is none that anybody is to mend.
func said(problem, why string, until int64) string {
	if problem == "" && why == metrics.AdsThrottled {
		return "too many calls for Meta's limit: waits until " + time.UnixMilli(until).UTC().Format(time.RFC3339)
	}
	return problem
}

// status sums up what is wrong: what is to be mended before what is only waited for.
func (st *state) status(accounts []string) Status {
	shown := Status{Names: st.NamesAt}
	var waits string
	for _, t := range st.troubles(accounts) {
		if t.account != "" {
			t.text = "act_" + t.account + ": " + t.text
		}
		if t.why == metrics.AdsThrottled {
			waits = cmp.Or(waits, t.text)
		} else {
			shown.Problem = cmp.Or(shown.Problem, t.text)
		}
		if t.why != "" && !slices.Contains(shown.Reasons, t.why) {
			shown.Reasons = append(shown.Reasons, t.why)
		}
	}
	shown.Problem = cmp.Or(shown.Problem, waits)
	for i, id := range accounts {
		a := st.Accounts[id]
		if a == nil {
			continue
		}
		shown.Zones = append(shown.Zones, zone(a.Timezone))
		if i == 0 || a.Read < shown.Spend {
			shown.Spend = a.Read
		}
	}
	return shown
}

// count counts that Meta was asked for nothing, but where the edge itself broke it off.
func (s *Syncer) count(ctx context.Context, o outcome) {
	if ctx.Err() == nil {
		metrics.AdsFailed(s.c.Tenant, o.why())
	}
}

// show has others see the state.
func (s *Syncer) show() {
	shown := s.state.status(s.c.Accounts)
	s.shown.Store(&shown)
}

// tell logs what is wrong, once, and that it is over.
func (s *Syncer) tell() {
	now := map[string]trouble{}
	for _, t := range s.state.troubles(s.c.Accounts) {
		if _, ok := now[t.account]; !ok {
			now[t.account] = t
		}
	}
	for _, of := range append([]string{""}, s.c.Accounts...) {
		s.say(of, now[of])
	}
	s.anew = false
}

// say logs what is wrong with an account, "" for the token and names.
func (s *Syncer) say(account string, t trouble) {
	key := t.text
	if t.why == metrics.AdsThrottled {
		key = t.why // until when is otherwise each time
	}
	if s.logged[account] == key && (key == "" || !s.anew) {
		return
	}
	s.logged[account] = key
	fields := []zap.Field{zap.String("tenant", s.c.Tenant)}
	if account != "" {
		fields = append(fields, zap.String("account", "act_"+account))
	}
	if key != "" {
		fields = append(fields, zap.String("reason", t.text))
	}
	switch {
	case key == "":
		s.c.Logger.Info("Meta says again what ads are called and cost", fields...)
	case t.why == metrics.AdsThrottled:
		s.c.Logger.Info("the reading of ads waits for Meta's limit of calls, and goes on by itself", fields...)
	default:
		s.c.Logger.Warn("Meta does not say what ads are called and cost; all else goes on", fields...)
	}
}
