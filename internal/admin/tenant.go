package admin

import (
	"context"
	"net/http"
	"slices"

	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// Of is the edge as one tenant may see it: all that is answered is of its own. What
// is another's, or nobody's, as events that matched no tenant, is to it as if it were
// not there. The stores' health is the operator's.
func (e *Edge) Of(tenant string) *Edge {
	return &Edge{Engines: e.Engines, tenant: tenant, Config: func() (*Config, error) {
		all, err := e.Config()
		if err != nil {
			return nil, err
		}
		own := *all
		own.tenant, own.Queue = tenant, &ownQueue{all.Queue, tenant}
		own.Tenants = slices.DeleteFunc(slices.Clone(all.Tenants), func(name string) bool { return name != tenant })
		own.Destinations = slices.DeleteFunc(slices.Clone(all.Destinations), func(d queue.Dest) bool { return d.Tenant != tenant })
		return &own, nil
	}}
}

// mayAsk fails for another tenant than the one that this edge answers, as if there were
// no other.
func (e *Edge) mayAsk(tenant string) error {
	if e.tenant == "" || e.tenant == tenant {
		return nil
	}
	return httperr.Wrap(http.StatusNotFound, wording.NoSuch("tenant", tenant, []string{e.tenant}))
}

// ownQueue is a store in which what one tenant has is all that there is.
type ownQueue struct {
	queue.Queue
	tenant string
}

// Destinations implements [queue.Queue].
func (q *ownQueue) Destinations(ctx context.Context) ([]queue.Info, error) {
	infos, err := q.Queue.Destinations(ctx)
	return slices.DeleteFunc(infos, func(i queue.Info) bool { return i.Tenant != q.tenant }), err
}

// Dead implements [queue.Queue].
func (q *ownQueue) Dead(ctx context.Context, f queue.DeadFilter) ([]queue.DeadLetter, error) {
	f.Tenant = q.tenant
	return q.Queue.Dead(ctx, f)
}

// ReplayDead implements [queue.Queue].
func (q *ownQueue) ReplayDead(ctx context.Context, f queue.DeadFilter) (int, error) {
	f.Tenant = q.tenant
	return q.Queue.ReplayDead(ctx, f)
}

// DropDead implements [queue.Queue].
func (q *ownQueue) DropDead(ctx context.Context, f queue.DeadFilter) (int, error) {
	f.Tenant = q.tenant
	return q.Queue.DropDead(ctx, f)
}

// Clicks implements [queue.Queue].
func (q *ownQueue) Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error) {
	if tenant != q.tenant {
		return make([]queue.Clicks, len(keys)), nil
	}
	return q.Queue.Clicks(ctx, tenant, keys)
}

// Notes implements [queue.Queue].
func (q *ownQueue) Notes(ctx context.Context, tenant string, keys []string) ([]queue.Note, error) {
	if tenant != q.tenant {
		return nil, nil
	}
	return q.Queue.Notes(ctx, tenant, keys)
}

// Counters implements [queue.Queue].
func (q *ownQueue) Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error) {
	if tenant != q.tenant {
		return nil, nil
	}
	return q.Queue.Counters(ctx, tenant, from, to)
}

// Facts implements [queue.Queue].
func (q *ownQueue) Facts(ctx context.Context, tenant string, groups ...string) ([]queue.Fact, error) {
	if tenant != q.tenant {
		return nil, nil
	}
	return q.Queue.Facts(ctx, tenant, groups...)
}

// Erase implements [queue.Queue].
func (q *ownQueue) Erase(ctx context.Context, tenant, key string) (int, error) {
	if tenant != q.tenant {
		return 0, nil
	}
	return q.Queue.Erase(ctx, tenant, key)
}
