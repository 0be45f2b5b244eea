package delivery

import (
	"cmp"
	"runtime"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// worker drains one destination's queue. Its loop, [worker.run], alone touches what is
// not marked as shared; sends, reads ahead and writes to the store run beside it.
type worker struct {
	e     *Engine
	dest  queue.Dest
	drain queue.Drain
	wake  chan struct{} // something may have changed

	view    *view.View // what was read of the queue, and in which order it may be sent
	gate    gate.Gate  // whether it may be sent now
	reader  reader
	senders senders
	departs outage // of notes of what is sent
	acks    acks   // what became of events, until the store knows

	assignment assignment  // what the configs want; shared
	state      storedState // paused or parked
	report     report      // what is said of the destination
	announced  announced   // what operators were told of its breaker

	settings *destination.Destination
	retired  []destination.Sender // of settings before, with requests still on their way
	stopping bool
	epoch    uint64        // of the right to drain, that the view is of
	resumes  uint64        // by operators
	hurry    bool          // after one of them, what failed is still to be hurried
	now      time.Duration // since the engine began; never 0
	alarm    alarm
	spares   spares
}

func newWorker(e *Engine, d *destination.Destination) *worker {
	w := &worker{e: e, dest: d.Dest, wake: make(chan struct{}, 1), now: e.tick()}
	w.assignment.next = d
	w.report.published.state = StateRunning
	w.alarm.e = e
	w.view = view.New(e.seed, &e.tracked)
	w.drain = e.q.Drain(d.Dest, w.poke)
	w.reader = reader{
		e: e, entries: w.drain, clicks: e.q, tenant: d.Dest.Tenant,
		results: make(chan *reading, 2), // one of each kind
		outage:  outage{what: "reading"},
	}
	w.senders.init(e, w.drain, w.logger)
	w.departs.what = "noting what is sent"
	w.acks = acks{written: make(chan written, 1), outage: outage{what: "writing"}}
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
	w.alarm.clear()
	w.adopt()
	if w.stopping {
		w.recall()
	} else if w.enter() {
		w.hurryUp()
		w.saveState()
		w.dispatch()
	}
	w.flush()
	w.watchStore()
	flying := w.senders.flying() > 0
	if !flying {
		w.senders.dismiss()
	}
	w.publish()
	w.announce()
	if !w.stopping || flying || w.acks.isWriting || w.reader.busy() {
		return false
	}
	return w.acks.pending.len() == 0 || w.acks.last
}

// wait sleeps until there may be something to do, and takes in what came.
func (w *worker) wait() {
	if !w.alarm.atOnce {
		select {
		case <-w.wake:
			w.view.Woken()
		case <-w.senders.results:
			w.collect()
		case how := <-w.acks.written:
			w.wrote(how)
		case r := <-w.reader.results:
			w.arrived(r)
		case <-w.alarm.until():
			w.alarm.c = nil
		}
	} else {
		select {
		case <-w.wake:
			w.view.Woken()
		default:
		}
	}
	w.takeIn()
}

// takeIn takes in what has come. Before outcomes are written that calls wait for, whoever
// is ready to run brings its own: on an idle machine that costs nothing, and on a busy one
// dozens go with a write.
func (w *worker) takeIn() {
	seen := 0
	for {
		select {
		case <-w.senders.results:
			w.collect()
		case how := <-w.acks.written:
			w.wrote(how)
		case r := <-w.reader.results:
			w.arrived(r)
		default:
			if !w.acks.mayGrow(seen, w.settings.Concurrency) {
				return
			}
			seen = w.acks.pending.calls
			runtime.Gosched()
		}
	}
}

// at notes when the loop must run again at the latest.
func (w *worker) at(t time.Duration) { w.alarm.next = min(w.alarm.next, t) }

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

	w.alarm.stop()
	w.senders.dismiss()
	w.senders.wg.Wait()
	w.view.Close()
	w.drain.Close()
	for _, s := range append(w.retired, w.settings.Sender) {
		closeIdle(s)
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.workers, w.dest)
	next, removed := w.assignment.peek()
	if !e.closing.Load() && !removed {
		// Named again while the drain was closed: start afresh.
		e.begin(cmp.Or(next, w.settings))
	}
	return true
}

// isRemoved reports whether no config names the destination.
func (w *worker) isRemoved() bool {
	_, removed := w.assignment.peek()
	return removed
}

// wall is the time now in ms.
func (w *worker) wall() int64 { return w.e.o.Now().UnixMilli() }
