package caddymodule

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// engines holds the store and its workers, one engine for each store, shared by
// the configurations and requests that use it: at a reload the new and the old
// configuration overlap, and old requests outlive theirs.
var engines = caddy.NewUsagePool()

// succession is what an engine has to do with those of other stores. At a change of
// store what the old one still has comes before what the new one gets: the order of a
// contact's events would not survive the change otherwise. So the new one takes
// webhooks at once, and delivers when the old one is closed.
type succession struct {
	closed     chan struct{} // when the store is given up
	delivering atomic.Bool
	awaited    atomic.Int32 // by so many engines

	giveUp context.CancelFunc // nil if it waits for none
	wait   sync.WaitGroup
}

// afterGrace is how much longer than its grace, for what waits and then for what is in
// flight, an old store is waited for: requests that it still takes, and its last write.
const afterGrace = 10 * time.Second

// succeed holds deliveries back while other stores are open. e.mu is held.
func (e *engine) succeed() {
	var before []*engine
	engines.Range(func(_, value any) bool {
		if other := value.(*engine); other != e && other.succession.delivering.Load() {
			before = append(before, other)
			other.succession.awaited.Add(1)
		}
		return true
	})
	e.succession.delivering.Store(true)
	if len(before) == 0 {
		return
	}
	grace := time.Duration(0)
	for _, other := range before {
		grace = max(grace, other.graceNow())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*grace+afterGrace)
	e.succession.giveUp = cancel
	delivery := e.delivery
	delivery.Hold()
	e.succession.wait.Go(func() {
		defer cancel()
		for _, other := range before {
			select {
			case <-other.succession.closed:
			case <-ctx.Done():
			}
			other.succession.awaited.Add(-1)
		}
		delivery.Release()
	})
}

func (e *engine) graceNow() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.grace
}

// handOver ends the wait for other stores, and where another waits for this one goes
// on delivering for as long as the grace. e.mu is held.
func (e *engine) handOver() {
	if e.succession.giveUp != nil {
		e.succession.giveUp()
		e.succession.wait.Wait()
	}
	e.succession.delivering.Store(false)
	if e.succession.awaited.Load() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.grace)
	defer cancel()
	e.delivery.Drain(ctx)
}

// rulers are the configurations that have started and not ended. The newest rules.
var rulers rulerList

type rulerList struct {
	mu   sync.Mutex
	apps []*App
}

func (l *rulerList) add(a *App) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apps = append(l.apps, a)
}

func (l *rulerList) remove(a *App) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apps = slices.DeleteFunc(l.apps, func(other *App) bool { return other == a })
}

// newest is the configuration that rules, nil where none does.
func (l *rulerList) newest() *App {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.apps) == 0 {
		return nil
	}
	return l.apps[len(l.apps)-1]
}

// store is that of the configuration that rules, or this one where none does.
func (l *rulerList) store(otherwise *store) *store {
	if a := l.newest(); a != nil {
		return a.store
	}
	return otherwise
}
