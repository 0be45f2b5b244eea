package intake

import (
	"context"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// storedClicks are what contacts of a tenant clicked before: of each for its own key and
// its other names, in order; nil for one that is not known by any.
func storedClicks(ctx context.Context, q Store, t *Tenant, contacts []*queue.Event) ([][]queue.Clicks, error) {
	var keys []string
	for _, c := range contacts {
		if c.Contact != "" {
			keys = append(append(keys, c.Contact), c.Aliases...)
		}
	}
	of := make([][]queue.Clicks, len(contacts))
	if len(keys) == 0 {
		return of, nil
	}
	found, err := q.Clicks(ctx, t.Name, keys)
	if err == nil && len(found) != len(keys) {
		err = fmt.Errorf("%d answers for %d keys", len(found), len(keys))
	}
	if err != nil {
		return nil, err
	}
	for i, c := range contacts {
		if c.Contact != "" {
			n := 1 + len(c.Aliases)
			of[i], found = found[:n], found[n:]
		}
	}
	return of, nil
}
