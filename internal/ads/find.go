package ads

import (
	"context"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/queue"
)

// ClickStore is what [Find] needs of a [queue.Queue].
type ClickStore interface {
	Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error)
}

// Find finds the ads of a tenant's stored clicks by the click ids, ctwa_clid. One
// that is not found is missing: where the store fails, all are, so that their
// figures go to an unknown ad.
func Find(ctx context.Context, q ClickStore, tenant string, clids []string) map[string]Ad {
	keys := make([]string, len(clids))
	for i, clid := range clids {
		keys[i] = clicks.Clid(clid)
	}
	found, err := q.Clicks(ctx, tenant, keys)
	if err != nil || len(found) != len(clids) {
		return nil
	}
	list := make(map[string]Ad, len(clids))
	for i := range found {
		if click := clickWith(&found[i], clids[i]); click != nil {
			list[clids[i]] = Of(click)
		}
	}
	return list
}

// clickWith is the stored click with a click id, nil if none of them has it.
func clickWith(stored *queue.Clicks, clid string) *clicks.Click {
	for _, data := range [][]byte{stored.Newest[queue.ClickClid], stored.Oldest[queue.ClickClid]} {
		if len(data) == 0 {
			continue
		}
		if c, err := clicks.Parse(data); err == nil && c.CtwaClid == clid {
			return c
		}
	}
	return nil
}
