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

// ownQueue is a store in which one tenant's destinations and dead letters are all that
// there are. Whose clicks, notes and figures are asked for, the caller says: see mayAsk.
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
