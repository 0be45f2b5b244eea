package ads

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// Store is what a report needs of a [queue.Queue].
type Store interface {
	Destinations(ctx context.Context) ([]queue.Info, error)
	Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error)
}

// Ask is what a report is asked for.
type Ask struct {
	Tenants []string
	Period  Period
	Group   Group
	Ad      string // "" for all; else what is of this ad alone
	// Known is what Meta says of a tenant's ads on these days. Nil knows nothing.
	Known func(ctx context.Context, tenant string, p Period) (Known, error)
}

// Report returns what is asked for: the rows of each tenant, by day, and then by ad, those
// of no known ad first and links last. Errors are the store's.
func Report(ctx context.Context, q Store, ask *Ask) ([]Row, error) {
	waits, err := waiting(ctx, q)
	if err != nil {
		return nil, err
	}
	rows := []Row{}
	for _, tenant := range ask.Tenants {
		counts, err := q.Counters(ctx, tenant, ask.Period.From, ask.Period.To)
		if err != nil {
			return nil, err
		}
		var known Known
		if ask.Known != nil {
			if known, err = ask.Known(ctx, tenant, ask.Period); err != nil {
				return nil, err
			}
		}
		parts := partsOf(tenant, counts, waits)
		parts = append(parts, spent(&known)...)
		if ask.Ad != "" {
			parts = slices.DeleteFunc(parts, func(p part) bool { return p.key != ask.Ad })
		}
		rows = append(rows, grouped(tenant, parts, ask.Group, known.Names)...)
	}
	return rows, nil
}

// waiting is of which destinations events wait. What has left a queue is not
// pending, whatever the figures say: after a destination was dropped, say. It is
// asked before the figures, since what is reported is counted before it leaves.
func waiting(ctx context.Context, q Store) (map[queue.Dest]bool, error) {
	infos, err := q.Destinations(ctx)
	waits := make(map[queue.Dest]bool, len(infos))
	for i := range infos {
		waits[infos[i].Dest] = infos[i].Backlog > 0
	}
	return waits, err
}
