package redis

import (
	"context"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// lose removes bundles, by their stream ids, of which the block is gone: nobody can deliver
// them, and they would keep back for ever what was queued after them. It says how many events
// that costs. One that is gone by now, since its last entry was delivered, is none of them.
func (r *Store) lose(ctx context.Context, d queue.Dest, ids ...any) error {
	keys := r.keys(d.Tenant)
	n, err := r.run(ctx, lua.Lost,
		[]string{keys.queue(d.Name), keys.retry(d.Name), keys.pending(d.Name), keys.blocks()}, ids...).Int()
	if err != nil {
		return queueError("removing entries whose contents are gone", err)
	}
	if n == 0 {
		return nil
	}
	r.log.Error("events are lost: what they held is not in redis any more",
		zap.Int("events", n), zap.String("destination", d.Name), zap.String("tenant", d.Tenant))
	r.watch.set(queue.AlertEmptied, "redis lost what events held that waited, and they are lost: somebody removed it, "+
		"or it was thrown away for want of memory; find out why, and load the configuration again to end this alert")
	return nil
}
