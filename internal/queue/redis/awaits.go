package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// awaits is how many entries of a destination have a receipt: what its worker said last,
// and what stands in Redis. d.mu guards it.
type awaits struct {
	n, stored int
	storedAt  time.Time
}

// Awaits implements [queue.Awaiter]: the next sweep tells the other edges.
func (d *drain) Awaits(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.awaits.n = n
}

// awaitsDue returns the number that is to be stored, if it is another than the one that stands
// there, or if that one ends soon.
func (d *drain) awaitsDue(now time.Time) (n int, due bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &d.awaits
	if !d.held || d.lost || a.n == a.stored && (a.n == 0 || now.Sub(a.storedAt) < d.r.timing.renew) {
		return 0, false
	}
	a.stored, a.storedAt = a.n, now
	return a.n, true
}

// tellAwaits lets the other edges know what the destinations that this one drains wait to be
// told. It lives as long as a lease: who drains one says it again, and what fails is said
// by a later look.
func (m *leaseManager) tellAwaits(ctx context.Context, tenants map[string][]*drain) {
	now := time.Now()
	var cmds []redis.Cmder
	for _, drains := range tenants {
		for _, d := range drains {
			n, due := d.awaitsDue(now)
			key := d.keys.awaits(d.dest.Name)
			switch {
			case !due:
			case n == 0:
				cmds = append(cmds, redis.NewIntCmd(ctx, "del", key))
			default:
				cmds = append(cmds, redis.NewStatusCmd(ctx, "set", key, n, "px", m.r.timing.ttl.Milliseconds()))
			}
		}
	}
	pipeline(ctx, m.r.client, cmds)
}

var _ queue.Awaiter = (*drain)(nil)
