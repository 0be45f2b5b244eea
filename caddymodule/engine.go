package caddymodule

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
)

// engine is a store and what drains it. The settings (destinations, tokens,
// logger) belong to the configurations; the newest that started rules.
type engine struct {
	store *store

	ready   atomic.Pointer[queue.Queue] // the open queue
	opening opening

	mu       sync.Mutex
	opened   bool
	queue    queue.Queue
	delivery *delivery.Engine
	configs  []*App // started, newest last; the last one is kept for the final drain
	grace    time.Duration
	logger   *zap.Logger

	succession succession
	clicks     intake.SeenClicks // of the log, over reloads
}

// observer counts what workers deliver.
type observer struct{}

// Delivered implements delivery.Observer.
func (observer) Delivered(destination, _, outcome string, events int, took time.Duration) {
	metrics.Delivered(destination, outcome, events, took)
	dashboard.CountAttempts(destination, outcome, events)
}

// InDoubt implements delivery.Observer.
func (observer) InDoubt(destination, _ string, events int) { metrics.InDoubt(destination, events) }

// gauges describes the destinations of all open stores for the metrics.
func gauges(ctx context.Context) []metrics.Destination {
	list := adminEdge.Statuses(ctx)
	out := make([]metrics.Destination, len(list))
	for i := range list {
		s := &list[i]
		out[i] = metrics.Destination{
			Name: s.Name, State: string(s.State), Removed: s.State == delivery.StateRemoved,
			Backlog: s.Backlog, Dead: s.Dead, Oldest: s.OldestAgeSeconds, Until: s.Until, Code: s.Code,
		}
	}
	return out
}

func acquireEngine(s *store) (*engine, error) {
	value, _, err := engines.LoadOrNew(s.key, func() (caddy.Destructor, error) {
		return &engine{store: s, succession: succession{closed: make(chan struct{})}}, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*engine), nil
}

func releaseEngine(s *store) error {
	_, err := engines.Delete(s.key)
	return err
}

// ended is added to App.requests when the configuration is given up.
const ended = 1 << 62

// enter returns the engine for a request, which calls leave when it is done
// with it: until then the engine stays, though the configuration may go. That
// takes a count and no lock; only a request that comes after its configuration
// has gone asks the pool, and is not counted. What it brings goes to the store of the
// configuration that rules now: in its own, given up, nobody would deliver it.
func (a *App) enter() (e *engine, counted bool, err error) {
	for {
		n := a.requests.Load()
		if n >= ended {
			e, err = acquireEngine(rulers.store(a.store))
			return e, false, err
		}
		if a.requests.CompareAndSwap(n, n+1) {
			return a.engine, true, nil
		}
	}
}

// leave gives back what enter returned.
func (a *App) leave(e *engine, counted bool) {
	if counted && a.requests.Add(-1) != ended {
		return
	}
	if err := releaseEngine(e.store); err != nil {
		a.logger.Error("releasing the queue", zap.Error(err))
	}
}

// opening is a store's opening, which may take long: the embedded queue reads all of its
// file before. It is made once, by whoever comes first, and nobody waits for it longer
// than he may; what else asks the engine meanwhile waits for nothing.
type opening struct {
	mu    sync.Mutex
	tried *attempt // nil: none is under way, and none has succeeded
}

// attempt is one that is under way, or the one that succeeded.
type attempt struct {
	done chan struct{}
	err  error // read it when done is closed
}

// open returns the store, which is opened at its first use: from Start, or from a request
// that came before. It waits until ctx ends, and then says so.
func (e *engine) open(ctx context.Context, a *App) (queue.Queue, error) {
	if q := e.ready.Load(); q != nil {
		return *q, nil
	}
	t := e.begin(a)
	select {
	case <-t.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("the queue is still being opened: %w", context.Cause(ctx))
	}
	if t.err != nil {
		return nil, t.err
	}
	return *e.ready.Load(), nil
}

// begin joins the attempt that is under way, or makes one. Destruct waits for it.
func (e *engine) begin(a *App) *attempt {
	e.opening.mu.Lock()
	defer e.opening.mu.Unlock()
	if e.opening.tried == nil {
		t := &attempt{done: make(chan struct{})}
		e.opening.tried = t
		go func() {
			defer close(t.done)
			t.err = e.openNow(a)
		}()
	}
	return e.opening.tried
}

// openNow opens the store. After a failure the next one tries again.
func (e *engine) openNow(a *App) error {
	q, err := e.store.open(a.options(), a.logger.Named("queue"))
	if err != nil {
		e.opening.mu.Lock()
		defer e.opening.mu.Unlock()
		e.opening.tried = nil
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue, e.opened, e.logger = q, true, a.logger
	e.grace = time.Duration(*a.Grace)
	e.ready.Store(&q)
	return nil
}

// settle waits for an attempt that is under way, as nobody may any more.
func (o *opening) settle() {
	o.mu.Lock()
	t := o.tried
	o.mu.Unlock()
	if t != nil {
		<-t.done
	}
}

// admit tries whether the store lets a configuration in that replaces another. Without
// another the edge starts, and answers 503 for as long as it is not let in: somebody
// looks at a reload that fails, and providers knock again at an edge that is there.
func (e *engine) admit(a *App) error {
	running := caddy.ActiveContext().Context != nil
	if try := a.store.try; try != nil && running {
		return try(context.Background())
	}
	return nil
}

// attach makes a configuration the newest.
func (e *engine) attach(a *App) error {
	if _, err := e.open(context.Background(), a); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.delivery == nil {
		e.delivery = delivery.New(e.queue, delivery.Options{Logger: a.logger.Named("delivery"), Observer: observer{}})
		e.succeed()
	}
	// One that has been stopped but was kept, as the last, has no say any more.
	e.configs = slices.DeleteFunc(e.configs, func(c *App) bool { return !c.attached.Load() })
	e.configs = append(e.configs, a)
	e.rule(a)
	return nil
}

// detach takes a configuration away. If it was the newest, the one before
// rules again; the very last one is kept, so that a final drain has its tokens.
func (e *engine) detach(a *App) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.configs) == 1 {
		if next := rulers.newest(); next != nil { // of another store: a's own notices end here
			e.delivery.SetNotices(next.notices)
		}
		return
	}
	newest := e.configs[len(e.configs)-1] == a
	e.configs = slices.DeleteFunc(e.configs, func(c *App) bool { return c == a })
	if newest {
		e.rule(e.configs[len(e.configs)-1])
	}
}

func (e *engine) rule(a *App) {
	e.grace, e.logger = time.Duration(*a.Grace), a.logger
	e.delivery.SetLogger(a.logger.Named("delivery"))
	e.delivery.SetNotices(a.notices)
	e.delivery.SetTracer(a.tracing.get())
	e.queue.Configure(a.options())
	if renew := a.store.renew; renew != nil {
		renew(e.queue)
	}
	e.delivery.Configure(a.deliveries())
}

// Destruct waits, up to the grace, for the deliveries in flight, and closes
// what was opened. What is left stays in the store.
func (e *engine) Destruct() error {
	e.opening.settle()
	e.mu.Lock()
	defer e.mu.Unlock()
	defer close(e.succession.closed)
	if !e.opened {
		return nil
	}
	if e.delivery != nil {
		e.handOver()
		ctx, cancel := context.WithTimeout(context.Background(), e.grace)
		defer cancel()
		e.delivery.Close(ctx)
		e.delivery = nil
	}
	e.logRest()
	if err := e.queue.Close(); err != nil {
		return fmt.Errorf("closing the queue: %w", err)
	}
	return nil
}

// logRest says how much stays in a store that is given up.
func (e *engine) logRest() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	list, err := e.queue.Destinations(ctx)
	if err != nil {
		return
	}
	waiting := 0
	for _, d := range list {
		waiting += d.Backlog
	}
	if waiting > 0 {
		e.logger.Info("events stay in the queue and are delivered when this queue is configured again",
			zap.String("queue", e.store.shown), zap.Int("waiting", waiting))
	}
}

// live is the store and what drains it, false if it was never opened for that.
func (e *engine) live() (admin.Engine, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return admin.Engine{Store: e.store.shown, Delivery: e.delivery, Queue: e.queue}, e.delivery != nil
}
