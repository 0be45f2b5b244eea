package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/queue"
)

// adminAPI is Leadgate's part of Caddy's admin endpoint. Contacts stand in
// bodies, never in paths, since the endpoint logs its URIs.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.leadgate", New: func() caddy.Module { return new(adminAPI) }}
}

// Routes implements caddy.AdminRouter.
func (adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/leadgate/destinations", Handler: caddy.AdminHandlerFunc(adminDestinations)},
		{Pattern: "/leadgate/destinations/", Handler: caddy.AdminHandlerFunc(adminDestination)},
	}
}

// adminTimeout bounds how long a call waits for a store.
const adminTimeout = 10 * time.Second

// adminDestinations answers GET /leadgate/destinations.
func adminDestinations(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return apiError(http.StatusMethodNotAllowed, "method %s is not allowed: use GET", r.Method)
	}
	ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
	defer cancel()
	list := statuses(ctx)
	if list == nil {
		list = []delivery.Status{}
	}
	return writeJSON(w, list)
}

// adminDestination answers POST /leadgate/destinations/{name}/pause|resume.
func adminDestination(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return apiError(http.StatusMethodNotAllowed, "method %s is not allowed: use POST", r.Method)
	}
	name, action, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/leadgate/destinations/"), "/")
	if !ok || !validName(name) {
		return apiError(http.StatusNotFound, "the path is /leadgate/destinations/<name>/<action>")
	}
	ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
	defer cancel()
	d := deliveryOf(ctx, name)
	if d == nil {
		return apiError(http.StatusNotFound, "destination %s does not exist", name)
	}
	var err error
	switch action {
	case "pause":
		err = d.Pause(ctx, name, "by an operator")
	case "resume":
		err = d.Resume(ctx, name)
	default:
		return apiError(http.StatusNotFound, "action %s does not exist: use pause or resume", action)
	}
	switch {
	case errors.Is(err, queue.ErrNotFound):
		return apiError(http.StatusNotFound, "destination %s: %w", name, err)
	case err != nil:
		return apiError(http.StatusServiceUnavailable, "destination %s: %w", name, err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func apiError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
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

// deliveryOf returns the workers that know a destination.
func deliveryOf(ctx context.Context, name string) *delivery.Engine {
	for _, e := range liveEngines() {
		d := e.running()
		if d == nil {
			continue
		}
		list, err := d.Status(ctx)
		if err == nil && slices.ContainsFunc(list, func(s delivery.Status) bool { return s.Name == name }) {
			return d
		}
	}
	return nil
}

var _ caddy.AdminRouter = (*adminAPI)(nil)
