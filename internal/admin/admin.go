// Package admin is what an operator asks of a running edge, and has it do: its
// destinations, dead letters, ads and contacts, as JSON over HTTP. It knows no
// Caddy; who serves it says in [Edge] what runs. Caddy's admin endpoint serves all
// of it, the dashboard some. Its shapes are what the commands read.
//
// Begin with [Edge.Routes]. Contacts stand in bodies, never in paths, since Caddy
// logs the URIs of its admin endpoint. Errors are those of package httperr.
package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/queue"
)

// Timeout bounds how long a call waits for a store.
const Timeout = 10 * time.Second

// Edge is what runs in this process.
type Edge struct {
	// Engines lists the open stores, each with what drains it: two where a reload
	// goes from one to another.
	Engines func() []Engine
	// Config is the running configuration. Its error is for the caller, with its
	// status.
	Config func() (*Config, error)

	tenant string // see Of; "" for all
}

// Engine is an open store, and what drains it.
type Engine struct {
	Store    string // what it is, for people: "embedded <folder>"
	Delivery *delivery.Engine
	Queue    queue.Queue
}

// Alerts are what the open stores have noticed, at most one for each reason. They are
// the operator's: a tenant is told none.
func (e *Edge) Alerts() []queue.Alert {
	all := []queue.Alert{}
	if e.tenant != "" {
		return all
	}
	for _, engine := range e.Engines() {
		for _, a := range engine.alerts() {
			if !slices.ContainsFunc(all, func(b queue.Alert) bool { return a.Reason == b.Reason }) {
				all = append(all, a)
			}
		}
	}
	return all
}

// Config is a running configuration, and its store.
type Config struct {
	Queue        queue.Queue
	Destinations []queue.Dest
	Tenants      []string // their names, sorted
	Now          func() time.Time
	// RouteAgain replays events that no tenant matched.
	RouteAgain func(context.Context, queue.DeadFilter) (intake.Replayed, error)

	Forms []*leads.Reconciler // what reads forms, a tenant's each
	// AdsKnown is what Meta says of a tenant's ads, as the store has it; AdsProblem why that is
	// not up to date, "" where it is. Nil where no tenant has Meta asked.
	AdsKnown   func(ctx context.Context, q queue.Queue, tenant string, p ads.Period) (ads.Known, error)
	AdsProblem func(tenant string) string
	// AdsZones are the time zones of the days of a tenant's ad accounts, as far as they are known. May be nil.
	AdsZones func(tenant string) []*time.Location
	AdNames  func(tenant string) clicks.Names // what its ads are called, as far as that is in memory; may be nil

	tenant string // see Edge.Of
}

// Route is what is answered on a path, or, where that ends in a slash, on all
// paths below it.
type Route struct {
	Path   string
	Method string
	Params []string // that the query may have
	answer func(http.ResponseWriter, *http.Request) error
}

// Routes lists all that is answered.
func (e *Edge) Routes() []Route {
	return []Route{
		{Path: "/leadgate/destinations", Method: http.MethodGet, answer: e.listDestinations},
		{Path: "/leadgate/destinations/", Method: http.MethodPost, answer: e.changeDestination},
		{Path: "/leadgate/dead", Method: http.MethodGet, Params: []string{"destination", "reason", "limit", "after", "id"}, answer: e.listDead},
		{Path: "/leadgate/dead/", Method: http.MethodPost, answer: e.changeDead},
		{Path: "/leadgate/ads", Method: http.MethodGet, Params: []string{"tenant", "from", "to", "group", "ad", "format"}, answer: e.listAds},
		{Path: "/leadgate/store", Method: http.MethodGet, answer: e.listStores},
		{Path: "/leadgate/words", Method: http.MethodGet, answer: e.listWords},
		{Path: "/leadgate/leads/import", Method: http.MethodPost, answer: e.backfill},
		{Path: "/leadgate/contacts/show", Method: http.MethodPost, answer: e.showContact},
		{Path: "/leadgate/contacts/erase", Method: http.MethodPost, answer: e.erase},
	}
}

// Serve answers a request for a route's path.
func (a *Route) Serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != a.Method {
		w.Header().Set("Allow", a.Method)
		return httperr.WithFix(http.StatusMethodNotAllowed, "use "+a.Method, "method %s is not allowed", r.Method)
	}
	if err := OnlyParams(r.URL.RawQuery, a.Params...); err != nil {
		return err
	}
	return a.answer(w, r)
}

// Serve answers a request for any of the paths, as what asks in the place of an
// operator does.
func (e *Edge) Serve(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.Path
	for _, route := range e.Routes() {
		if route.Path == path || strings.HasSuffix(route.Path, "/") && strings.HasPrefix(path, route.Path) {
			return route.Serve(w, r)
		}
	}
	return httperr.New(http.StatusNotFound, "the admin API has no %s", path)
}

// listWords answers GET /leadgate/words.
func (e *Edge) listWords(w http.ResponseWriter, _ *http.Request) error {
	return httperr.JSON(w, http.StatusOK, intake.UnknownWords())
}

// StoreError is what a store failed with, for the caller.
func StoreError(err error) error {
	if errors.Is(err, queue.ErrNotFound) {
		return httperr.New(http.StatusNotFound, "%w", err)
	}
	if errors.Is(err, queue.ErrInvalid) {
		return httperr.New(http.StatusBadRequest, "%w", err)
	}
	return httperr.New(http.StatusServiceUnavailable, "%w", err)
}
