package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// leaseManager takes, renews and watches the leases of all drains of a store, in
// sweeps: one call of a script for each tenant. A goroutine of its own does that.
type leaseManager struct {
	r     *Store
	kick  chan struct{}
	quit  chan struct{}
	owner sync.WaitGroup

	mu      sync.Mutex
	drains  map[queue.Dest][]*drain // the first has the lease, the rest wait for its Close
	sub     *redis.PubSub
	stopped bool

	deaf    atomic.Bool     // Redis could not be reached just now
	strange atomic.Bool     // taking over has failed, and that was logged
	life    context.Context // of takeovers
	end     context.CancelFunc

	// The rest belongs to the goroutine.
	runIDs    map[string]string // of the server that answered for a tenant
	moving    map[string]bool   // tenants whose slot is moved, and that was logged
	inspected bool
	dialed    int64     // connections of the store when the server was last inspected
	redialed  int64     // connections for leases at the last sweep
	renewed   time.Time // when the last renewal of all began
	trimmed   time.Time // when expired dead letters were last thrown away
	down      bool      // Redis can't be used, and that was logged
}

// start starts the goroutines: of the sweeps, and of the keeper of notes.
func (m *leaseManager) start(r *Store) {
	m.r = r
	m.kick, m.quit = make(chan struct{}, 1), make(chan struct{})
	m.drains = map[queue.Dest][]*drain{}
	m.life, m.end = context.WithCancel(r.life)
	m.runIDs, m.moving = map[string]string{}, map[string]bool{}
	m.trimmed = time.Now()
	m.owner.Go(func() { r.keepNotes(m.quit) })
	m.owner.Go(func() {
		tick := time.NewTicker(r.timing.sweep)
		defer tick.Stop()
		for {
			m.sweep()
			select {
			case <-m.quit:
				return
			case <-tick.C:
			case <-m.kick:
			}
		}
	})
}

// hurry makes the next sweep come now.
func (m *leaseManager) hurry() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// stop ends the goroutines and gives back the leases of drains left open.
func (m *leaseManager) stop() {
	m.mu.Lock()
	m.stopped = true
	var open []*drain
	for _, list := range m.drains {
		open = append(open, list...)
	}
	sub := m.sub
	m.mu.Unlock()
	for _, d := range open {
		d.Close()
	}
	m.end()
	close(m.quit)
	if sub != nil {
		_ = sub.Close()
	}
	m.owner.Wait()
}

// add puts a drain on the list, and listens to news from the first on.
func (m *leaseManager) add(d *drain) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	m.drains[d.dest] = append(m.drains[d.dest], d)
	if m.sub == nil {
		sub := m.r.client.Subscribe(m.r.life) // dials nothing yet
		m.sub = sub
		m.owner.Go(func() {
			// If it fails, Channel tries again. What is missed, sweeps find.
			_ = sub.Subscribe(m.r.life, m.r.channel())
			for msg := range sub.Channel() {
				m.heard(msg.Payload)
			}
		})
	}
	m.hurry()
}

// remove takes a drain off the list. It reports whether another drain of this store
// goes on with the lease.
func (m *leaseManager) remove(d *drain) (passedOn bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.drains[d.dest]
	for i := range list {
		if list[i] == d {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(m.drains, d.dest)
		return false
	}
	m.drains[d.dest] = list
	m.hurry()
	return true
}

// holder is the drain of this store that has the lease of d, or wants it; nil if there
// is none.
func (m *leaseManager) holder(d queue.Dest) *drain {
	m.mu.Lock()
	defer m.mu.Unlock()
	if list := m.drains[d]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// holds reports whether this edge drains d now.
func (m *leaseManager) holds(d queue.Dest) bool {
	drain := m.holder(d)
	if drain == nil {
		return false
	}
	_, ok := drain.Epoch()
	return ok
}

// wake tells the drain of d that entries came, or those that take over from d.
func (m *leaseManager) wake(d queue.Dest) {
	if drain := m.holder(d); drain != nil {
		drain.notify()
		return
	}
	m.askTakeover(d)
}

// sweep looks after all leases once.
func (m *leaseManager) sweep() {
	r := m.r
	ctx, cancel := context.WithTimeout(r.life, 2*r.timing.timeout)
	defer cancel()

	m.mu.Lock()
	tenants := map[string][]*drain{}
	for d, list := range m.drains {
		tenants[d.Tenant] = append(tenants[d.Tenant], list[0])
	}
	m.mu.Unlock()

	dialed := r.servers.dialed.Load()
	if !m.inspected || dialed != m.dialed && len(tenants) == 0 {
		if err := r.inspect(ctx); err != nil {
			m.report(queueError("connecting to redis", err))
			for _, drains := range tenants {
				for _, d := range drains {
					d.away()
				}
			}
			return
		}
		m.inspected, m.dialed = true, dialed
		m.report(nil)
	}
	if len(tenants) > 0 {
		m.look(ctx, tenants)
		m.tellAwaits(ctx, tenants)
		m.takeOvers(ctx)
	}
	if now := time.Now(); now.Sub(m.trimmed) >= r.timing.trim {
		m.trimmed = now
		m.askTakeovers()
		if err := r.Sweep(ctx); err != nil {
			r.log.Warn("dead letters past keep_dead stay for now", zap.Error(err))
		}
	}
}

// report logs when Redis goes and when it is back.
func (m *leaseManager) report(err error) {
	m.deaf.Store(err != nil)
	switch {
	case err != nil && !m.down:
		m.down = true
		m.r.log.Error("redis can't be used: webhooks are answered with 503 until it is back", zap.Error(err))
	case err == nil && m.down:
		m.down = false
		m.r.log.Info("redis is back")
	}
}
