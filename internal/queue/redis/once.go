package redis

import (
	"context"
	"strconv"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Remembers implements [queue.Queue].
func (r *Store) Remembers(ctx context.Context, tenant string, once []string) ([]bool, error) {
	if len(once) == 0 {
		return nil, nil
	}
	k, now := r.keys(tenant), r.now()
	names := make([]string, len(once))
	for i, key := range once {
		names[i] = k.once(codec.HashKey(tenant, key))
	}
	values, err := r.client.MGet(ctx, names...).Result()
	if err != nil {
		return nil, queueError("looking up once keys", err)
	}
	known := make([]bool, len(once))
	for i, v := range values {
		text, _ := v.(string)
		if till, err := strconv.ParseInt(text, 10, 64); err == nil && till > now {
			known[i] = true
		}
	}
	return known, nil
}
