package adsync

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var tooMany = fmt.Sprintf("over %d ads were counted or paid for in %d days: the names of some are not kept", queue.MaxFacts, lookBack)

// keepSome keeps names where there is no room for all: those of ads of which nothing was heard
// for long make room, and where that is not enough, new ones are left out.
func (s *Syncer) keepSome(ctx context.Context, q Store, facts []queue.Fact) error {
	known, _, err := namesOf(ctx, q, s.c.Tenant)
	if err != nil {
		return err
	}
	var fresh []queue.Fact
	facts = slices.DeleteFunc(facts, func(f queue.Fact) bool {
		if known[f.Key] == nil {
			fresh = append(fresh, f)
		}
		return known[f.Key] == nil
	})
	room := queue.MaxFacts - len(known)
	old := s.oldest(known, len(fresh)-room)
	room = min(room+len(old), len(fresh))
	s.crowded = s.crowded || room < len(fresh)
	facts = append(facts, fresh[:max(room, 0)]...)
	for _, some := range [][]queue.Fact{old, facts} {
		if len(some) == 0 {
			continue
		}
		if err := q.PutFacts(ctx, s.c.Tenant, some); err != nil {
			return err
		}
	}
	return nil
}

// oldest are facts that take away up to n names, of which Meta was asked so long ago that
// nobody counts them.
func (s *Syncer) oldest(known map[string]*name, n int) (gone []queue.Fact) {
	var ids []string
	for id, of := range known {
		if s.now()-of.At > (lookBack * 24 * time.Hour).Milliseconds() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(known[a].At, known[b].At), cmp.Compare(a, b)) })
	for _, id := range ids[:max(0, min(n, len(ids)))] {
		gone = append(gone, queue.Fact{Group: groupNames, Key: id})
	}
	return gone
}
