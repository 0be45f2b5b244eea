package delivery

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/leadgate/leadgate/internal/queue"
)

// worker drains one destination's queue. Its loop alone touches what is not
// marked as shared; sends and writes to the store run beside it.
type worker struct {
	e     *Engine
	dest  queue.Dest
	drain queue.Drain
	wake  chan struct{} // something may have changed

	// Shared, under mu.
	mu        sync.Mutex
	next      *Destination // settings to take over
	removed   bool         // no config names the destination; written under Engine.mu too
	stored    queue.State
	resumed   bool
	published published
	stateIO   sync.Mutex // held over a change or a read of the stored state

	inFlight  atomic.Int64 // events
	delivered atomic.Int64

	// The loop's own.
	settings *Destination
	state    queue.State
	stopping bool
	now      time.Duration // since the engine began; never 0
	nextAt   time.Duration // when the loop must run again
	again    bool          // the loop must run again at once
	timer    timer

	// What was read, and its order: the view.
	epoch       uint64
	loaded      bool
	stateAt     time.Duration // when the stored state is looked at again
	cursor      queue.Pos
	exhausted   bool
	readAfter   time.Duration // when the next read ahead may begin while others are sent
	known       map[queue.Pos]known
	settled     map[queue.Pos]struct{}
	aloft       map[queue.Pos]*entry // in flight since before the view
	lanes       map[uint64]*lane
	freeLanes   []*lane
	ready       deque[*entry] // to be sent, never failed
	due         deque[*entry] // to be sent again
	wanted      deque[wanted]
	wantedDue   deque[*failed]
	dueHeap     timeHeap
	holdHeap    timeHeap
	unmarked    []*failed
	failedCount int
	tracked     int
	bytes       int // of payloads not in flight

	windowBytes, windowEntries, meanPayload int

	places    []queue.Pos
	got       map[queue.Pos]*entry
	clicks    []queue.Clicks
	clickKeys []string
	clickAt   []int

	// What may be sent.
	limiter        *rate.Limiter
	breaker        breaker
	throttledUntil time.Duration
	parkProbeAt    time.Duration
	parkProbing    bool
	unsavedState   bool // parked or paused, and the store does not know yet
	batchSince     time.Duration
	lastRetried    bool

	// What is in flight.
	jobs          map[*job]struct{}
	flying        int // jobs
	flyingRetries int
	results       chan *job
	senders       pool
	freeJobs      []*job
	freeOnes      [][]*entry

	// What the store must be told.
	acks, writing acks
	isWriting     bool
	written       chan written
	lastWrite     bool // before a hard stop
	reads, writes outage

	lastFailure string
	noticedAt   time.Duration // a line about failing
	deadAt      time.Duration // a line about dead letters
}

func newWorker(e *Engine, d *Destination) *worker {
	w := &worker{
		e: e, dest: d.Dest, next: d,
		wake:    make(chan struct{}, 1),
		results: make(chan *job, 64),
		written: make(chan written, 1),
		jobs:    map[*job]struct{}{},
		known:   map[queue.Pos]known{},
		got:     map[queue.Pos]*entry{},
		now:     e.tick(),
	}
	w.reads.what, w.writes.what = "reading", "writing"
	w.published.state = StateRunning
	w.reset()
	return w
}

// run is the worker's loop.
func (w *worker) run() {
	for {
		if w.step() {
			if w.leave() {
				return
			}
			continue
		}
		w.wait()
	}
}

// step does what can be done now; it says when nothing is left to do for good.
func (w *worker) step() (ended bool) {
	w.now = w.e.tick()
	w.nextAt, w.again = never, false
	w.adopt()
	if !w.stopping {
		if w.enter() {
			w.saveState()
			w.dispatch()
		}
	}
	w.flush()
	if w.flying == 0 {
		w.senders.retire()
	}
	w.publish()
	if !w.stopping || w.flying > 0 || w.isWriting {
		return false
	}
	return w.acks.len() == 0 || w.lastWrite
}

// wait sleeps until there may be something to do, and takes in what came.
func (w *worker) wait() {
	if w.again {
		select {
		case <-w.wake:
			w.exhausted = false
		case j := <-w.results:
			w.finish(j)
		case how := <-w.written:
			w.wrote(how)
		default:
		}
	} else {
		select {
		case <-w.wake:
			w.exhausted = false
		case j := <-w.results:
			w.finish(j)
		case how := <-w.written:
			w.wrote(how)
		case <-w.timer.until(w):
			w.timer.c = nil
		}
	}
	for {
		select {
		case j := <-w.results:
			w.finish(j)
		case how := <-w.written:
			w.wrote(how)
		default:
			return
		}
	}
}

// at notes when the loop must run again at the latest.
func (w *worker) at(t time.Duration) { w.nextAt = min(w.nextAt, t) }

// poke makes the loop run. It never blocks.
func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// adopt takes over the newest settings, and what was asked of the worker.
func (w *worker) adopt() {
	w.mu.Lock()
	next, resumed, stored := w.next, w.resumed, w.stored
	w.next, w.resumed = nil, false
	w.stopping = w.removed || w.e.closing.Load()
	w.mu.Unlock()

	if !w.unsavedState {
		w.enterState(stored)
	}
	if resumed {
		w.unsavedState = false
		w.enterState(stored)
		w.throttledUntil = 0
		w.breaker.success()
	}
	if share := int(w.e.window.Load()); share != w.windowBytes {
		w.windowBytes = share
		w.windowEntries = min(max(share/4096, 16), windowEntries)
	}
	if next == nil {
		return
	}
	old := w.settings
	w.settings = next
	// Other settings may be what the destination waited for.
	w.parkProbeAt, w.breaker.probeAt = w.now, w.now
	w.setRate()
	if old == nil {
		return
	}
	if old.Ordered != next.Ordered {
		w.reset()
	} else if old.Hold != next.Hold {
		w.rehold()
	}
	if old.Concurrency != next.Concurrency {
		w.senders.retire()
	}
	if old.Sender != next.Sender {
		closeIdle(old.Sender)
	}
}

func (w *worker) setRate() {
	r := w.settings.Rate
	if r <= 0 {
		w.limiter = nil
		return
	}
	burst := max(int(math.Ceil(r)), 1)
	if w.limiter == nil {
		w.limiter = rate.NewLimiter(rate.Limit(r), burst)
		return
	}
	now := w.e.o.Now()
	w.limiter.SetLimitAt(now, rate.Limit(r))
	w.limiter.SetBurstAt(now, burst)
}

// leave ends the worker, unless a config has named the destination again.
func (w *worker) leave() bool {
	e := w.e
	e.mu.Lock()
	if !e.closing.Load() && !w.isRemoved() {
		e.mu.Unlock()
		return false
	}
	e.mu.Unlock()

	w.timer.stop()
	w.senders.retire()
	w.senders.wait()
	w.track(-w.tracked)
	w.tracked = 0
	w.drain.Close()
	closeIdle(w.settings.Sender)

	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.workers, w.dest)
	if !e.closing.Load() && !w.isRemoved() {
		// Named again while the drain was closed: start afresh.
		w.mu.Lock()
		settings := w.next
		w.mu.Unlock()
		if settings == nil {
			settings = w.settings
		}
		e.begin(settings)
	}
	return true
}

func (w *worker) isRemoved() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.removed
}

func (w *worker) wall() int64 { return w.e.o.Now().UnixMilli() }

// contactOf returns the hash that an entry's contact is known by.
func (w *worker) contactOf(h *queue.Header) uint64 {
	if h.Contact == "" {
		return maphash.Bytes(w.e.seed, h.EventID[:])
	}
	return maphash.String(w.e.seed, h.Contact)
}

func closeIdle(s Sender) {
	if c, ok := s.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
