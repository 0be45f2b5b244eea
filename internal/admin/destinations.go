package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// Statuses describes the destinations of all open stores. A store that cannot be
// asked in time is left out; its own log says why.
func (e *Edge) Statuses(ctx context.Context) []delivery.Status {
	list, _ := e.statuses(ctx)
	return list
}

// statuses also says why a store was left out.
func (e *Edge) statuses(ctx context.Context) (list []delivery.Status, failed error) {
	for _, engine := range e.Engines() {
		s, err := engine.Delivery.StatusOf(ctx, e.tenant)
		if err != nil {
			failed = err
		}
		list = append(list, s...)
	}
	slices.SortFunc(list, func(a, b delivery.Status) int { return strings.Compare(a.Name, b.Name) })
	return list, failed
}

// Destination finds a destination, and the engine that has it: where a reload goes
// from one store to another and both know it, the one that drains it.
func (e *Edge) Destination(ctx context.Context, name string) (*Engine, *delivery.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var known []string
	var left *Engine
	var removed *delivery.Status
	for _, engine := range e.Engines() {
		list, err := engine.Delivery.StatusOf(ctx, e.tenant)
		if err != nil {
			return nil, nil, StoreError(err)
		}
		for i := range list {
			known = append(known, list[i].Name)
			switch {
			case list[i].Name != name:
			case list[i].State != delivery.StateRemoved:
				return &engine, &list[i], nil
			default:
				left, removed = &engine, &list[i]
			}
		}
	}
	if left != nil {
		return left, removed, nil
	}
	return nil, nil, httperr.Wrap(http.StatusNotFound, wording.NoSuch("destination", name, known))
}

// listDestinations answers GET /leadgate/destinations.
func (e *Edge) listDestinations(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), Timeout)
	defer cancel()
	list, err := e.statuses(ctx)
	if err != nil && len(list) == 0 { // which must not be taken for none
		return StoreError(err)
	}
	if list == nil {
		list = []delivery.Status{}
	}
	return httperr.JSON(w, http.StatusOK, list)
}

// changeDestination answers POST /leadgate/destinations/{name}/{action}: pause,
// resume, and for one that has left the configuration drop and move.
func (e *Edge) changeDestination(w http.ResponseWriter, r *http.Request) error {
	name, action, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/leadgate/destinations/"), "/")
	if !ok || !wording.ValidName(name) {
		return httperr.New(http.StatusNotFound, "the path is /leadgate/destinations/<name>/<action>")
	}
	engine, status, err := e.Destination(r.Context(), name)
	if err != nil {
		return err
	}
	// Not the caller's own context: half a move helps nobody.
	ctx := context.WithoutCancel(r.Context())
	switch action {
	case "pause":
		if err = readNothing(r); err == nil {
			err = engine.Delivery.Pause(ctx, name, "by an operator")
		}
	case "resume":
		if err = readNothing(r); err == nil {
			err = engine.Delivery.Resume(ctx, name)
		}
	case "drop", "move":
		if status.State != delivery.StateRemoved {
			return httperr.New(http.StatusConflict, "destination %s is in the configuration: only one that has left it can be dropped or moved",
				name)
		}
		var n int
		if n, err = e.dispose(ctx, r, engine, action, status); err == nil {
			return httperr.JSON(w, http.StatusOK, map[string]int{"count": n})
		}
	default:
		return httperr.New(http.StatusNotFound, "action %s does not exist: use pause, resume, drop or move", action)
	}
	if _, ok := errors.AsType[*httperr.Error](err); ok {
		return err
	}
	if err != nil {
		return StoreError(fmt.Errorf("destination %s: %w", name, err))
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// dispose drops what a removed destination has, or moves it to another one.
func (e *Edge) dispose(ctx context.Context, r *http.Request, in *Engine, action string, from *delivery.Status) (int, error) {
	var body struct{ To string }
	if action == "drop" {
		if err := readNothing(r); err != nil {
			return 0, err
		}
	} else if err := readAction(r, &body); err != nil {
		return 0, err
	} else if body.To == "" {
		return 0, httperr.New(http.StatusBadRequest, `write {"to":"<name>"}, the destination that is to get what %s has`, from.Name)
	}
	infos, err := in.Queue.Destinations(ctx)
	if err != nil {
		return 0, err
	}
	// Nobody has taken together what earlier configurations left under one name. Who reads one
	// of them would, so that the journals are not told of several.
	infos = slices.DeleteFunc(infos, func(i queue.Info) bool { return i.Name != from.Name })
	drop, move := in.Queue.Drop, in.Queue.Move
	if len(infos) == 1 {
		drop = func(ctx context.Context, d queue.Dest) (int, error) { return in.Delivery.Drop(ctx, in.Queue, d) }
		move = func(ctx context.Context, from, to queue.Dest) (int, error) {
			return in.Delivery.Move(ctx, in.Queue, from, to)
		}
	}
	if action == "drop" {
		total := 0
		for _, i := range infos {
			n, err := drop(ctx, i.Dest)
			if total += n; err != nil {
				return total, err
			}
		}
		return total, nil
	}
	_, to, err := e.Destination(ctx, body.To)
	if err != nil {
		return 0, err
	}
	infos = slices.DeleteFunc(infos, func(i queue.Info) bool { return i.Tenant != to.Tenant })
	if to.State == delivery.StateRemoved || to.Name == from.Name || len(infos) == 0 {
		return 0, httperr.New(http.StatusConflict, "destination %s is not one of tenant %s in the configuration", to.Name, from.Tenant)
	}
	return move(ctx, infos[0].Dest, queue.Dest{Tenant: to.Tenant, Name: to.Name})
}
