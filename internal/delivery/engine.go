package delivery

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/trace"
)

// lastWriteTime is how long the last write to the store may take at Close.
const lastWriteTime = 2 * time.Second

// The engine divides its window of payloads among the destinations.
const (
	engineWindow   = 32 << 20 // bytes of payloads
	smallestWindow = 128 << 10
	largestWindow  = 2 << 20
)

// Engine drains the queues of a store. It outlives the configs: each gives it
// its destinations by Configure.
type Engine struct {
	q       Store
	o       Options
	began   time.Time
	seed    maphash.Seed
	logger  atomic.Pointer[zap.Logger]
	notices atomic.Pointer[notice.Board] // nil = nobody is told
	tracer  atomic.Pointer[trace.Tracer] // nil = nothing is traced
	ended   ended
	window  atomic.Int64 // bytes of payloads that each destination may hold
	tracked atomic.Int64 // events that wait for a retry or behind one

	sendCtx     context.Context // ends when deliveries in flight are broken off
	cancelSends context.CancelFunc
	storeCtx    context.Context // ends when the last write was made
	cancelStore context.CancelFunc

	mu      sync.Mutex
	workers map[queue.Dest]*worker
	closing atomic.Bool // written under mu
	held    atomic.Bool // see Hold
	wg      sync.WaitGroup
}

// New makes an engine for a store. Nothing runs before Configure.
func New(q Store, o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timer == nil {
		o.Timer = func(d time.Duration) (<-chan time.Time, func() bool) {
			t := time.NewTimer(d)
			return t.C, t.Stop
		}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	e := &Engine{q: q, o: o, began: o.Now(), seed: maphash.MakeSeed(), workers: map[queue.Dest]*worker{}}
	e.SetLogger(o.Logger)
	e.window.Store(largestWindow)
	e.sendCtx, e.cancelSends = context.WithCancel(context.Background())
	e.storeCtx, e.cancelStore = context.WithCancel(context.Background())
	return e
}

// SetLogger replaces the logger: a logger belongs to a config, and its writers
// are closed when that config is gone.
func (e *Engine) SetLogger(l *zap.Logger) {
	if l == nil {
		l = zap.NewNop()
	}
	e.logger.Store(l)
}

// SetNotices replaces who is told what operators may want to know: a board belongs to
// a config, too.
func (e *Engine) SetNotices(b *notice.Board) { e.notices.Store(b) }

// SetTracer replaces what makes spans of deliveries; nil makes none.
func (e *Engine) SetTracer(t *trace.Tracer) { e.tracer.Store(t) }

// tick is the time since the engine began, unmoved by jumps of the clock; never
// 0, which means "not yet".
func (e *Engine) tick() time.Duration { return e.o.Now().Sub(e.began) + 1 }

// Configure makes these the destinations. One that was there keeps its worker,
// its place in the queue and what is in flight, and continues with the new
// settings; one that is missing starts no new sends and ends when its last is
// done, its queue stays in the store. It does not wait for that.
func (e *Engine) Configure(dests []destination.Destination) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing.Load() {
		return
	}
	share := engineWindow / max(len(dests), 1)
	e.window.Store(int64(min(max(share, smallestWindow), largestWindow)))

	wanted := make(map[queue.Dest]bool, len(dests))
	for i := range dests {
		d := dests[i]
		d.Batch, d.Concurrency = max(d.Batch, 1), max(d.Concurrency, 1)
		wanted[d.Dest] = true
		if w := e.workers[d.Dest]; w != nil {
			w.assignment.set(&d)
			w.poke()
			continue
		}
		e.begin(&d)
	}
	for dest, w := range e.workers {
		if !wanted[dest] {
			w.assignment.remove()
			w.senders.halt()
			w.poke()
		}
	}
}

// begin starts a worker; e.mu is held.
func (e *Engine) begin(d *destination.Destination) {
	w := newWorker(e, d)
	e.workers[d.Dest] = w
	e.wg.Go(w.run)
}

// Drains reports whether this edge has the right to drain a destination now.
func (e *Engine) Drains(d queue.Dest) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.workers[d]
	if w == nil {
		return false
	}
	_, ok := w.drain.Epoch()
	return ok
}

// Hold keeps all destinations from delivering until Release.
func (e *Engine) Hold() { e.held.Store(true) }

// Release ends a Hold.
func (e *Engine) Release() {
	e.held.Store(false)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.workers {
		w.poke()
	}
}

// drainLook is how often Drain looks.
const drainLook = 10 * time.Millisecond

// Drain goes on delivering until nothing waits but for destinations that cannot be
// sent to (paused, parked, open), or of which nothing is due yet, or ctx ends.
func (e *Engine) Drain(ctx context.Context) {
	for {
		list, err := e.Status(ctx)
		if err != nil {
			return // then nothing is read of it, either
		}
		waits := func(s Status) bool {
			return s.Backlog > 0 && !s.rests && (s.State == StateRunning || s.State == StateRetrying)
		}
		if !slices.ContainsFunc(list, func(s Status) bool { return waits(s) && s.Kind != "" }) {
			return
		}
		next, stop := e.o.Timer(drainLook)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-next:
		}
	}
}

// Close starts no new sends, waits until ctx ends for those in flight, breaks
// off the rest, which stay in the store, and gives the queues back. It returns
// when nothing of the engine runs any more.
func (e *Engine) Close(ctx context.Context) {
	e.mu.Lock()
	e.closing.Store(true)
	for _, w := range e.workers {
		w.senders.halt()
		w.poke()
	}
	e.mu.Unlock()

	ended := make(chan struct{})
	go func() {
		e.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		e.cancelSends()
		e.mu.Lock()
		for _, w := range e.workers {
			w.poke()
		}
		e.mu.Unlock()
		late, stop := e.o.Timer(lastWriteTime)
		select {
		case <-ended:
			stop()
		case <-late:
		}
	}
	e.cancelSends()
	e.cancelStore()
	<-ended
}

// eventID is a log field.
func eventID(id queue.ID) zap.Field { return zap.Stringer("event_id", uuid.UUID(id)) }
