package caddymodule

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/adsync"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/queue"
)

// adminAPI is Leadgate's part of Caddy's admin endpoint: package admin's routes.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.leadgate", New: func() caddy.Module { return new(adminAPI) }}
}

// Routes implements caddy.AdminRouter.
func (adminAPI) Routes() []caddy.AdminRoute {
	var routes []caddy.AdminRoute
	for _, r := range adminEdge.Routes() {
		routes = append(routes, caddy.AdminRoute{Pattern: r.Path, Handler: caddy.AdminHandlerFunc(
			func(w http.ResponseWriter, req *http.Request) error {
				if err := awaitStart(req.Context()); err != nil {
					return forCaddy(err)
				}
				return forCaddy(r.Serve(w, req))
			})})
	}
	return routes
}

// awaitStart waits while the first configuration starts, as long as a webhook would: Caddy
// serves its admin endpoint before, and no destination is known until the queue is open,
// which an empty list must not be taken for.
func awaitStart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for caddy.ActiveContext().Context == nil && len(liveEngines()) == 0 {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return httperr.New(http.StatusServiceUnavailable, "the queue is still being opened: ask again in a few seconds")
		}
	}
	return nil
}

const startPatience = 4 * time.Second

// forCaddy is an error as Caddy's admin endpoint answers it.
func forCaddy(err error) error {
	if e, ok := errors.AsType[*httperr.Error](err); ok {
		return caddy.APIError{HTTPStatus: e.Status, Err: e.Err}
	}
	return err
}

// adminEdge is what runs in this process, for an operator.
var adminEdge = &admin.Edge{Engines: liveEngines, Config: activeConfig}

// liveEngines lists the engines that drain their store. The pool is not held while
// they are asked, since webhooks need it.
func liveEngines() []admin.Engine {
	var live []admin.Engine
	for _, e := range allEngines() {
		if one, ok := e.live(); ok {
			live = append(live, one)
		}
	}
	return live
}

func allEngines() (list []*engine) {
	engines.Range(func(_, value any) bool {
		list = append(list, value.(*engine))
		return true
	})
	return list
}

// activeConfig is what an operator asks of the running configuration.
func activeConfig() (*admin.Config, error) {
	app, q, err := activeQueue()
	if err != nil {
		return nil, err
	}
	return &admin.Config{
		Queue: q, Now: app.now,
		Destinations: app.dests(), Tenants: slices.Sorted(maps.Keys(app.tenants)),
		RouteAgain: func(ctx context.Context, filter queue.DeadFilter) (intake.Replayed, error) {
			return intake.ReplayUnmatched(ctx, q, app.intakes(), filter, app.logger)
		},
		Forms: app.reads,
		AdsKnown: func(ctx context.Context, q queue.Queue, tenant string, p ads.Period) (ads.Known, error) {
			return adsync.Read(ctx, q, tenant, p)
		},
		AdsProblem: app.adsProblem, AdsZones: app.adsZones, AdNames: app.adNames,
	}, nil
}

// dests are the destinations, each with its tenant.
func (a *App) dests() []queue.Dest {
	list := make([]queue.Dest, 0, len(a.destinations))
	for _, d := range a.destinations {
		list = append(list, d.Dest)
	}
	return list
}

// activeQueue returns the running configuration and its store.
func activeQueue() (*App, queue.Queue, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		return nil, nil, httperr.New(http.StatusServiceUnavailable, "no configuration is running")
	}
	value, err := ctx.AppIfConfigured("leadgate")
	if err != nil {
		return nil, nil, httperr.New(http.StatusNotFound, "the running configuration has no leadgate block")
	}
	app := value.(*App)
	if !app.attached.Load() {
		return nil, nil, httperr.New(http.StatusNotFound, "the running configuration has no destinations")
	}
	q, err := app.engine.open(ctx, app)
	if err != nil {
		return nil, nil, httperr.New(http.StatusServiceUnavailable, "the queue is not open: %w", err)
	}
	return app, q, nil
}

var _ caddy.AdminRouter = (*adminAPI)(nil)
