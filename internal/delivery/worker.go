package delivery

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/gate"
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
	retired  []Sender // of settings before, with requests still on their way
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
	view        uint64        // counts the views
	news        uint64        // counts the wakes, after which there may be more to read
	reading     bool          // ahead, beside the loop
	getting     bool          // again, beside the loop
	readings    chan *read    // that have ended
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
	thin        deque[*lane] // that soon have no payloads
	dueHeap     timeHeap
	holdHeap    timeHeap
	unmarked    []*failed
	failedCount int
	tracked     int
	bytes       int // of payloads not in flight

	windowBytes, windowEntries, meanPayload int

	got map[queue.Pos]*entry

	// What may be sent.
	gate         gate.Gate
	unsavedState bool // parked or paused, and the store does not know yet
	batchSince   time.Duration
	lastRetried  bool

	// What is in flight.
	jobs          []*job // handed to the crew
	flying        int    // how many they are
	flyingRetries int
	crew          crew
	results       chan struct{} // the crew has ended jobs
	collected     []*job        // spare memory
	freeJobs      []*job
	freeOnes      [][]*entry

	// What the store must be told.
	acks, writing acks
	gatherUntil   time.Duration // when what is gathered is written; 0 = nothing is
	isWriting     bool
	written       chan written
	lastWrite     bool // before a hard stop
	reads, writes outage

	lastFailure string        // why, of the last failed attempt
	pause       waiting       // what the whole destination waits for, by its own wish
	noticedAt   time.Duration // a line about failing
	deadAt      time.Duration // a line about dead letters
}

func newWorker(e *Engine, d *Destination) *worker {
	w := &worker{
		e: e, dest: d.Dest, next: d,
		wake:    make(chan struct{}, 1),
		results: make(chan struct{}, 1),
		written: make(chan written, 1),

		readings: make(chan *read, 2), // one of each kind
		known:    map[queue.Pos]known{},
		got:      map[queue.Pos]*entry{},
		now:      e.tick(),
	}
	w.crew.wanted.L = &w.crew.mu
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
	if w.stopping {
		w.recall()
	} else if w.enter() {
		w.saveState()
		w.dispatch()
	}
	w.flush()
	if w.flying == 0 {
		w.crew.dismiss()
	}
	w.publish()
	if !w.stopping || w.flying > 0 || w.isWriting || w.reading || w.getting {
		return false
	}
	return w.acks.len() == 0 || w.lastWrite
}

// wait sleeps until there may be something to do, and takes in what came.
func (w *worker) wait() {
	if w.again {
		select {
		case <-w.wake:
			w.woken()
		case <-w.results:
			w.collect()
		case how := <-w.written:
			w.wrote(how)
		case r := <-w.readings:
			w.arrived(r)
		default:
		}
	} else {
		select {
		case <-w.wake:
			w.woken()
		case <-w.results:
			w.collect()
		case how := <-w.written:
			w.wrote(how)
		case r := <-w.readings:
			w.arrived(r)
		case <-w.timer.until(w):
			w.timer.c = nil
		}
	}
	for {
		select {
		case <-w.results:
			w.collect()
		case how := <-w.written:
			w.wrote(how)
		case r := <-w.readings:
			w.arrived(r)
		default:
			return
		}
	}
}

// woken notes that there may be more to read.
func (w *worker) woken() {
	w.exhausted = false
	w.news++
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
	w.crew.dismiss()
	w.crew.wg.Wait()
	w.track(-w.tracked)
	w.tracked = 0
	w.drain.Close()
	for _, s := range append(w.retired, w.settings.Sender) {
		closeIdle(s)
	}

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
