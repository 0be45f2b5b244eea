package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// factKey is where a fact stands.
type factKey struct{ group, key string }

// claim is who has a task, and until when.
type claim struct {
	by   string
	till int64 // ms
}

// PutFacts implements [queue.Queue].
func (q *Queue) PutFacts(ctx context.Context, tenant string, facts []queue.Fact) error {
	if err := queue.ValidateFacts(facts); err != nil {
		return err
	}
	return q.with(ctx, func() error {
		t, now := q.d.tenant(tenant), q.d.ms()
		t.dropFacts(now)
		counts := map[string]int{}
		for at := range t.facts {
			counts[at.group]++
		}
		for _, f := range facts {
			if _, known := t.facts[factKey{f.Group, f.Key}]; !known {
				counts[f.Group]++
			}
			if counts[f.Group] > queue.MaxFacts {
				return queue.ErrTooManyFacts
			}
		}
		for _, f := range facts {
			f.Data = copyOf(f.Data)
			t.facts[factKey{f.Group, f.Key}] = f
		}
		t.dropFacts(now)
		return nil
	})
}

// dropFacts removes those that are gone.
func (t *tenant) dropFacts(now int64) {
	for at, f := range t.facts {
		if f.Till <= now || f.Data == nil {
			delete(t.facts, at)
		}
	}
}

// Facts implements [queue.Queue].
func (q *Queue) Facts(ctx context.Context, tenant string, groups ...string) (found []queue.Fact, err error) {
	err = q.with(ctx, func() error {
		t, now := q.d.tenant(tenant), q.d.ms()
		for _, group := range groups {
			var of []queue.Fact
			for at, f := range t.facts {
				if at.group == group && f.Till > now {
					f.Data = copyOf(f.Data)
					of = append(of, f)
				}
			}
			slices.SortFunc(of, func(a, b queue.Fact) int { return cmp.Compare(a.Key, b.Key) })
			found = append(found, of...)
		}
		return nil
	})
	return found, err
}

// Claim implements [queue.Queue].
func (q *Queue) Claim(ctx context.Context, tenant, task, by string, d time.Duration) (ours bool, err error) {
	err = q.with(ctx, func() error {
		t, now := q.d.tenant(tenant), q.d.ms()
		if c := t.claims[task]; c.till <= now || c.by == by {
			ours, t.claims[task] = true, claim{by, now + d.Milliseconds()}
		}
		return nil
	})
	return ours, err
}
