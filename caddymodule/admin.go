package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// adminAPI is Leadgate's part of Caddy's admin endpoint. Contacts stand in
// bodies, never in paths, since the endpoint logs its URIs.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.leadgate", New: func() caddy.Module { return new(adminAPI) }}
}

// adminRoute is what the admin API answers on a path, or, where that ends in a
// slash, on all paths below it.
type adminRoute struct {
	path   string
	method string
	params []string // that the query may have
	answer caddy.AdminHandlerFunc
}

var adminRoutes = []adminRoute{
	{path: "/leadgate/destinations", method: http.MethodGet, answer: adminDestinations},
	{path: "/leadgate/destinations/", method: http.MethodPost, answer: adminDestination},
	{path: "/leadgate/dead", method: http.MethodGet, params: []string{"destination", "reason", "limit", "after", "id"}, answer: adminDead},
	{path: "/leadgate/dead/", method: http.MethodPost, answer: adminDeadAction},
	{path: "/leadgate/ads", method: http.MethodGet, params: []string{"tenant", "from", "to"}, answer: adminAds},
	{path: "/leadgate/words", method: http.MethodGet, answer: adminWords},
	{path: "/leadgate/contacts/erase", method: http.MethodPost, answer: adminErase},
}

// ServeHTTP implements caddy.AdminHandler.
func (a *adminRoute) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	return forCaddy(a.serve(w, r))
}

// forCaddy is an error as Caddy's admin endpoint answers it.
func forCaddy(err error) error {
	if e, ok := errors.AsType[*httperr.Error](err); ok {
		return caddy.APIError{HTTPStatus: e.Status, Err: e.Err}
	}
	return err
}

func (a *adminRoute) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != a.method {
		w.Header().Set("Allow", a.method)
		return httperr.New(http.StatusMethodNotAllowed, "method %s is not allowed: use %s", r.Method, a.method)
	}
	if err := onlyParams(r.URL.Query(), a.params...); err != nil {
		return err
	}
	return a.answer(w, r)
}

// Routes implements caddy.AdminRouter.
func (adminAPI) Routes() []caddy.AdminRoute {
	routes := make([]caddy.AdminRoute, 0, len(adminRoutes))
	for i := range adminRoutes {
		routes = append(routes, caddy.AdminRoute{Pattern: adminRoutes[i].path, Handler: &adminRoutes[i]})
	}
	return routes
}

// adminTimeout bounds how long a call waits for a store.
const adminTimeout = 10 * time.Second

// adminDestinations answers GET /leadgate/destinations.
func adminDestinations(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
	defer cancel()
	list := statuses(ctx)
	if list == nil {
		list = []delivery.Status{}
	}
	return writeJSON(w, list)
}

// adminDestination answers POST /leadgate/destinations/{name}/{action}: pause,
// resume, and for one that has left the configuration drop and move.
func adminDestination(w http.ResponseWriter, r *http.Request) error {
	name, action, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/leadgate/destinations/"), "/")
	if !ok || !wording.ValidName(name) {
		return httperr.New(http.StatusNotFound, "the path is /leadgate/destinations/<name>/<action>")
	}
	e, status, err := destinationNamed(r.Context(), name)
	if err != nil {
		return err
	}
	// Not the caller's own context: half a move helps nobody.
	ctx := context.WithoutCancel(r.Context())
	switch action {
	case "pause":
		err = e.running().Pause(ctx, name, "by an operator")
	case "resume":
		err = e.running().Resume(ctx, name)
	case "drop", "move":
		if status.State != delivery.StateRemoved {
			return httperr.New(http.StatusConflict, "destination %s is in the configuration: only one that has left it can be dropped or moved", name)
		}
		var n int
		if n, err = e.dispose(ctx, r, action, status); err == nil {
			return writeJSON(w, map[string]int{"count": n})
		}
	default:
		return httperr.New(http.StatusNotFound, "action %s does not exist: use pause, resume, drop or move", action)
	}
	if _, ok := errors.AsType[*httperr.Error](err); ok {
		return err
	}
	if err != nil {
		return storeError(fmt.Errorf("destination %s: %w", name, err))
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// dispose drops what a removed destination has, or moves it to another one.
func (e *engine) dispose(ctx context.Context, r *http.Request, action string, from *delivery.Status) (int, error) {
	infos, err := e.queue.Destinations(ctx)
	if err != nil {
		return 0, err
	}
	// Nobody has taken together what earlier configurations left under one name.
	infos = slices.DeleteFunc(infos, func(i queue.Info) bool { return i.Name != from.Name })
	if action == "drop" {
		total := 0
		for _, i := range infos {
			n, err := e.queue.Drop(ctx, i.Dest)
			if total += n; err != nil {
				return total, err
			}
		}
		return total, nil
	}
	var body struct{ To string }
	if err := readAction(r, &body); err != nil {
		return 0, err
	}
	_, to, err := destinationNamed(ctx, body.To)
	if err != nil {
		return 0, err
	}
	infos = slices.DeleteFunc(infos, func(i queue.Info) bool { return i.Tenant != to.Tenant })
	if to.State == delivery.StateRemoved || to.Name == from.Name || len(infos) == 0 {
		return 0, httperr.New(http.StatusConflict, "destination %s is not one of tenant %s in the configuration", to.Name, from.Tenant)
	}
	return e.queue.Move(ctx, infos[0].Dest, queue.Dest{Tenant: to.Tenant, Name: to.Name})
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// liveEngines lists the engines that are open. The pool is not held while they
// are asked, since webhooks need it.
func liveEngines() []*engine {
	var list []*engine
	engines.Range(func(_, value any) bool {
		list = append(list, value.(*engine))
		return true
	})
	return list
}

// statuses describes the destinations of all open stores. A store that cannot
// be asked in time is left out; its own log says why.
func statuses(ctx context.Context) []delivery.Status {
	var list []delivery.Status
	for _, e := range liveEngines() {
		if d := e.running(); d != nil {
			if s, err := d.Status(ctx); err == nil {
				list = append(list, s...)
			}
		}
	}
	slices.SortFunc(list, func(a, b delivery.Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// destinationNamed finds a destination, and the engine that has it: where a reload
// goes from one store to another and both know it, the one that drains it.
func destinationNamed(ctx context.Context, name string) (*engine, *delivery.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	var known []string
	var left *engine
	var removed *delivery.Status
	for _, e := range liveEngines() {
		d := e.running()
		if d == nil {
			continue
		}
		list, err := d.Status(ctx)
		if err != nil {
			return nil, nil, storeError(err)
		}
		for i := range list {
			known = append(known, list[i].Name)
			switch {
			case list[i].Name != name:
			case list[i].State != delivery.StateRemoved:
				return e, &list[i], nil
			default:
				left, removed = e, &list[i]
			}
		}
	}
	if left != nil {
		return left, removed, nil
	}
	return nil, nil, httperr.Wrap(http.StatusNotFound, wording.NoSuch("destination", name, known))
}

// onlyParams refuses a query that asks for something else than what is known:
// one that is mistyped would be taken for none.
func onlyParams(query url.Values, known ...string) error {
	for name, values := range query {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return httperr.New(http.StatusBadRequest, "unknown parameter %s: there is none here", name)
		case !slices.Contains(known, name):
			return httperr.New(http.StatusBadRequest, "unknown parameter %s: %s", name, wording.Meant(name, known))
		case slices.Contains(values, ""):
			return httperr.New(http.StatusBadRequest, "parameter %s is empty: give it a value, or leave it out", name)
		}
	}
	return nil
}

var _ caddy.AdminRouter = (*adminAPI)(nil)

// adminWords answers GET /leadgate/words.
func adminWords(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, intake.UnknownWords())
}
