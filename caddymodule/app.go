package caddymodule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/heap"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/sites"
)

// App is Leadgate's part of the global options: the store and its limits. The
// tenants and their destinations stand in the leadgate blocks of the sites.
type App struct {
	// Where events wait until they are delivered.
	// Default: embedded, in <Caddy's data directory>/leadgate.
	Queue *Queue `json:"queue,omitempty"`

	// How many bytes of requests' bodies may be in memory at once, for all
	// blocks together; over it requests are answered 503. Only bytes that came
	// count. Default: 256 MiB.
	MaxInflightBody int64 `json:"max_inflight_body,omitempty"`

	// How many events may wait for one destination; what comes beyond becomes
	// its dead letter, with the reason overflow. Default: 1000000.
	MaxBacklog int `json:"max_backlog,omitempty"`

	// How long an event's id is remembered at the least, from when it came or from
	// the event's own time, whichever is later, so that a redelivery, or a copy
	// with another time, is not queued again. Default: 7d.
	Dedupe caddy.Duration `json:"dedupe,omitempty"`

	// How long a contact's click is kept. Default: 28d.
	RememberClicks caddy.Duration `json:"remember_clicks,omitempty"`

	// How long a dead letter is kept. Default: 30d.
	KeepDead caddy.Duration `json:"keep_dead,omitempty"`

	// How long the last release of the store, at exit or when another store is
	// configured, waits for deliveries in flight. Default: 3s.
	Grace *caddy.Duration `json:"grace,omitempty"`

	// After how long without a webhook for a tenant a warning is logged, once,
	// and another line when they come again. Default: 0, never.
	Silence caddy.Duration `json:"silence,omitempty"`

	logger   *zap.Logger
	events   *zap.Logger
	now      func() time.Time
	store    *store
	engine   *engine
	requests *atomic.Int64 // that use the engine, see enter
	attached *atomic.Bool
	tracing  *tracing      // nil where no site has Caddy's tracing
	notices  *notice.Board // what becomes Caddy events
	whileRunning
	found
}

// found is what the sites and their blocks are, as far as they are known by now.
type found struct {
	tenants      map[string]*intake.Tenant
	destinations map[string]*destination.Destination
	blocks       []*Handler                       // those that queue
	sites        *sites.Sites                     // as the first of Leadgate's handlers found them
	servers      []*caddyhttp.Server              // that take bodies for us
	places       func() map[*Handler]intake.Place // found at the first need, when all sites are known
	links        linkage
	atStart      []func() error // what can be done only when all blocks are known
}

// whileRunning is what runs from the start to the stop.
type whileRunning struct {
	asking adsAsking
	alarm  *intake.SilenceAlarm // nil where silence is off
	trim   *heap.Trimmer
	reads  []*leads.Reconciler // of forms, as leads { reconcile } says
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate", New: func() caddy.Module { return new(App) }}
}

// Provision reads the settings and takes a reference to the engine of the
// store; it opens nothing, so that caddy validate works beside a running edge.
func (a *App) Provision(ctx caddy.Context) error {
	a.logger = logger(ctx)
	a.events = a.logger.Named("events")
	a.now = time.Now
	a.requests = new(atomic.Int64)
	a.places = sync.OnceValue(func() map[*Handler]intake.Place { return findPlaces(ctx) })
	a.atStart = append(a.atStart, func() error { a.places(); return nil })
	a.attached = new(atomic.Bool)
	a.tenants = make(map[string]*intake.Tenant)
	a.destinations = make(map[string]*destination.Destination)
	if a.Queue == nil {
		a.Queue = &Queue{Kind: defaultQueue}
	}
	if err := appOptions().resolve(a, nil); err != nil {
		return err
	}
	metrics.Register(ctx.GetMetricsRegistry(), metrics.Destinations(gauges), metrics.LastWebhooks(intake.LastWebhooks),
		metrics.StoreAlerts(adminEdge.Alerts), metrics.Ads(a.adsRead), metrics.Forms(a.formsRead))
	if err := a.provisionNotices(ctx); err != nil {
		return err
	}
	var err error
	if a.store, err = a.Queue.provision(); err != nil {
		return err
	}
	a.engine, err = acquireEngine(a.store)
	return err
}

// Start opens the store and begins to deliver, if any block or link needs it.
func (a *App) Start() error {
	for _, check := range a.atStart {
		if err := check(); err != nil {
			return err
		}
	}
	a.warnWithoutTimeouts()
	if len(a.servers) > 0 {
		heap.HoldBallast()
	}
	a.trim = heap.NewTrimmer()
	a.trim.Start()
	if a.Silence > 0 {
		a.alarm = intake.NewSilenceAlarm(time.Duration(a.Silence), a.tenants, a.notices, a.logger)
		a.alarm.Start(a.now)
	}
	if len(a.destinations) == 0 && a.links.limits == nil {
		return nil
	}
	if err := a.engine.admit(a); err != nil {
		return fmt.Errorf("queue %s: %w; the configuration before stays; correct user and password, or give the user its rights, and load again",
			a.store.shown, err)
	}
	if err := a.engine.attach(a); err != nil {
		return fmt.Errorf("opening the queue: %w", err)
	}
	a.attached.Store(true)
	rulers.add(a)
	a.startAds()
	for _, r := range a.reads {
		r.Start()
	}
	a.logger.Info("leadgate is running",
		zap.String("version", Version()),
		zap.String("queue", a.store.shown),
		zap.Int("tenants", len(a.tenants)),
		zap.Int("destinations", len(a.destinations)))
	return nil
}

// Stop gives way to the configuration before, if there is one: this one's
// start, or that of another app, failed.
func (a *App) Stop() error {
	a.detach()
	return nil
}

// Cleanup releases the engine. The last release waits for deliveries in flight
// and closes the store; requests that still run keep it until they are done.
func (a *App) Cleanup() error {
	if a.engine == nil {
		return nil
	}
	a.detach()
	for _, t := range a.tenants {
		t.Forget()
	}
	defer a.tracing.end(a.logger) // after the last deliveries
	if a.requests.Add(ended) > ended {
		return nil // the last request that still runs releases it
	}
	return releaseEngine(a.store)
}

func (a *App) detach() {
	a.links.visits.Close()
	a.stopAds()
	if a.trim != nil {
		a.trim.Stop()
		a.trim = nil
	}
	if a.alarm != nil {
		a.alarm.Stop()
		a.alarm = nil
	}
	if a.attached.Swap(false) {
		for _, r := range a.reads {
			r.Stop()
		}
		rulers.remove(a)
		a.engine.detach(a)
	}
	a.stopNotices()
}

// openQueue is the store, for as long as a request needs it; ctx is of the wait for it.
func (a *App) openQueue(ctx context.Context) (queue.Queue, func(), error) {
	engine, counted, err := a.enter()
	if err != nil {
		return nil, nil, err
	}
	leave := func() { a.leave(engine, counted) }
	q, err := engine.open(ctx, a)
	if err != nil {
		leave()
		return nil, nil, err
	}
	return q, leave, nil
}

// options are the settings of the store that a reload may change.
func (a *App) options() queue.Options {
	return queue.Options{
		Dedupe:         time.Duration(a.Dedupe),
		RememberClicks: time.Duration(a.RememberClicks),
		KeepDead:       time.Duration(a.KeepDead),
		MaxBacklog:     a.MaxBacklog,
		MaxSize:        a.store.maxSize,
	}
}

// deliveries are the destinations of this configuration.
func (a *App) deliveries() []destination.Destination {
	list := make([]destination.Destination, 0, len(a.destinations))
	for _, d := range a.destinations {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(x, y destination.Destination) int { return strings.Compare(x.Dest.Name, y.Dest.Name) })
	return list
}

// tenantNamed returns the tenant, which all blocks share.
func (a *App) tenantNamed(name string) *intake.Tenant {
	t := a.tenants[name]
	if t == nil {
		t = intake.NewTenant(name, a.now())
		a.tenants[name] = t
	}
	return t
}

// addDestination adds a destination to a tenant. The same name with the same
// settings is the same destination; with others it is an error. named is whether
// the name was written, and is not the default.
func (a *App) addDestination(t *intake.Tenant, d *destination.Destination, named bool) error {
	name := d.Dest.Name
	if name == queue.Unmatched.Name {
		return fmt.Errorf("tenant %s: a destination cannot be called %s, which is where events without a tenant go", t.Name, name)
	}
	if err := a.mixes(d); err != nil {
		return fmt.Errorf("tenant %s: destination %s: %w", t.Name, name, err)
	}
	other := a.destinations[name]
	if other == nil {
		for _, beside := range t.Destinations {
			if problem := d.Overlaps(beside); problem != "" {
				return fmt.Errorf("tenant %s: destinations %s and %s: %s", t.Name, beside.Dest.Name, name, problem)
			}
		}
		a.destinations[name] = d
		t.Destinations = append(t.Destinations, d)
		return nil
	}
	difference := other.DiffersFrom(d)
	switch {
	case difference == "":
		return nil
	case !named:
		return fmt.Errorf("tenant %s: destination %s: two destinations get this name by default, and %s: "+
			"give one of them a name of its own with `name <name>`", t.Name, name, difference)
	}
	return fmt.Errorf("tenant %s: destination %s: the name stands twice with different settings (tenants %s and %s): %s: "+
		"a name is a queue's identity, so make them alike, or give one of them another `name`",
		t.Name, name, other.Dest.Tenant, t.Name, difference)
}

// intakes are the blocks that queue, as intake knows them.
func (a *App) intakes() []*intake.Block {
	list := make([]*intake.Block, len(a.blocks))
	for i, h := range a.blocks {
		list[i] = h.block
	}
	return list
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
