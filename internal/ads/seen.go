package ads

import (
	"context"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// Seen are the ids of the ads of which something was counted on these days, sorted.
func Seen(ctx context.Context, q interface {
	Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error)
}, tenant string, p Period) ([]string, error) {
	counts, err := q.Counters(ctx, tenant, p.From, p.To)
	var ids []string
	for i := range counts {
		if key := counts[i].Key; key != "" && !strings.HasPrefix(key, linkPrefix) {
			ids = append(ids, key)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), err
}
