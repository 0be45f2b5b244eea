package redis

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Notes implements [queue.Queue].
func (r *Store) Notes(ctx context.Context, tenant string, keys []string) ([]queue.Note, error) {
	const doing = "reading journal"
	if len(keys) == 0 {
		return nil, nil
	}
	k, names := r.keys(tenant), slices.Clone(keys)
	err := r.eachContact(ctx, doing, k, keys, func(i int, contact string, _ *queue.Clicks) { names[i] = contact })
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		names[i] = k.journal(name)
	}
	values, err := r.client.MGet(ctx, names...).Result()
	if err != nil {
		return nil, queueError(doing, err)
	}
	now, journals := r.now(), make([]queue.Journal, 0, len(values))
	for _, v := range values {
		record, _ := v.(string)
		if record == "" {
			continue
		}
		j, till, err := codec.DecodeJournal([]byte(record))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		if till > now {
			journals = append(journals, j)
		}
	}
	return queue.NewestFirst(journals...), nil
}
