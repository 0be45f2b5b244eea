package adsync

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
)

const (
	batchSize    = 50             // of Meta's batch requests
	batches      = 20             // at the most in a step
	freshFor     = 24 * time.Hour // a name; ads are renamed
	goneFor      = time.Hour      // the answer that there is no such ad
	lookBack     = 30             // days of figures of which ads are asked for
	lookEvery    = time.Hour      // it is looked for all of them; else for those of today and yesterday
	nameFields   = "name,account_id,effective_status,adset{id,name},campaign{id,name}"
	longestAdID  = 20
	longestTitle = 400 // bytes of a name that are kept
)

// askNames asks what the ads are called that were counted lately.
func (s *Syncer) askNames(ctx context.Context, q Store) error {
	if s.now() < s.state.NamesUntil {
		return nil
	}
	names, err := s.known(ctx, q)
	if err != nil {
		return err
	}
	ids, err := s.unnamed(ctx, q, names)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		s.named() // by insights, those that were missing
	}
	for i := 0; len(ids) > 0 && i < batches; i++ {
		n := min(len(ids), batchSize)
		found, o := s.batch(ctx, q, ids[:n], names)
		if err := s.keepNames(ctx, q, found); err != nil {
			return err
		}
		if o.verdict == fine && s.crowded {
			o = outcome{verdict: full, wait: lookEvery, problem: tooMany}
		}
		if o.verdict != fine {
			s.unanswered(ctx, o)
			return nil
		}
		s.state.Problem, s.state.Why = "", ""
		if ids = ids[n:]; len(ids) == 0 {
			s.named()
		} else {
			s.answered()
		}
		if o.wait > 0 { // a limit is near
			s.rest(len(ids) > 0, o.wait)
			return nil
		}
	}
	if len(ids) == 0 && s.now()-s.state.Looked >= lookEvery.Milliseconds() {
		s.state.Looked = s.now()
	}
	return nil
}

// named notes that all names are known that were due.
func (s *Syncer) named() {
	s.answered()
	if s.state.Unread == "" {
		s.state.NamesAt = s.now()
	}
}

// answered notes that nothing is wrong with names; where there are too many, that stays so until
// there is room, and where Meta refuses to read any, until it reads one, or there are none to read.
func (s *Syncer) answered() {
	if s.now()-s.state.UnreadAt > 3*goneFor.Milliseconds() { // that long none was asked for
		s.state.Unread = ""
	}
	switch {
	case s.state.Unread != "":
		s.state.NamesProblem, s.state.NamesWhy = s.state.Unread, s.state.UnreadWhy
	case s.state.NamesWhy != metrics.AdsFull || s.kept < queue.MaxFacts:
		s.state.NamesProblem, s.state.NamesWhy = "", ""
	}
}

// rest has names wait for a limit that is near; more says that some are still to be asked for.
func (s *Syncer) rest(more bool, wait time.Duration) {
	s.state.NamesUntil = s.now() + wait.Milliseconds()
	if more {
		s.state.NamesProblem, s.state.NamesWhy = "", metrics.AdsThrottled
	}
}

// unanswered has names, or all, wait.
func (s *Syncer) unanswered(ctx context.Context, o outcome) {
	s.count(ctx, o)
	until := s.now() + o.wait.Milliseconds()
	if o.verdict == badToken {
		s.state.Problem, s.state.Why, s.state.Until = o.problem, o.why(), until
		return
	}
	s.state.NamesProblem, s.state.NamesWhy, s.state.NamesUntil = o.problem, o.why(), until
}

// unnamed are the ids of ads of which Meta is to be asked, those that were never asked for
// first; last where there is no room for their names, which nobody would learn while others
// grow old.
func (s *Syncer) unnamed(ctx context.Context, q Store, names map[string]*name) ([]string, error) {
	today := s.now() / (24 * time.Hour).Milliseconds()
	p := ads.Period{From: today - 1, To: today + 1}
	if s.now()-s.state.Looked >= lookEvery.Milliseconds() {
		p.From = today - lookBack
	}
	seen, err := ads.Seen(ctx, q, s.c.Tenant, p)
	if err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(seen, func(id string) bool {
		return !isID(id) || names[id] != nil && s.fresh(names[id])
	})
	asked := func(id string) int64 {
		switch n := names[id]; {
		case n != nil:
			return n.At
		case len(names) >= queue.MaxFacts:
			return math.MaxInt64
		}
		return 0
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(asked(a), asked(b)) })
	return ids, nil
}

// fresh reports whether an ad is not to be asked for again yet.
func (s *Syncer) fresh(n *name) bool {
	if n.Gone {
		return n.At >= s.state.Granted && s.now()-n.At < goneFor.Milliseconds()
	}
	return s.now()-n.At < freshFor.Milliseconds()
}

func isID(id string) bool {
	for _, c := range []byte(id) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return id != "" && len(id) <= longestAdID
}
