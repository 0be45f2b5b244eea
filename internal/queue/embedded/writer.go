package embedded

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/leadgate/leadgate/internal/queue"
)

// request is what one caller waits for.
type request struct {
	units []unit
	done  chan struct{} // holds one
}

// requests are used again, with their channels: four allocations less a webhook.
var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

func newRequest(units int) *request {
	r := requests.Get().(*request)
	r.units = slices.Grow(r.units, units)
	return r
}

// free gives a request back that the writer is done with.
func (r *request) free() {
	clear(r.units)
	r.units = r.units[:0]
	requests.Put(r)
}

// commitBytes bounds what one transaction brings: it is held in memory several
// times. Usual webhooks are a thousandth of it.
const commitBytes = 8 << 20

// writer hands changes to one goroutine, which commits whatever waits. There
// is no timer: who arrives while a commit runs goes with the next one.
type writer struct {
	commit func([]*request)

	mu     sync.Mutex
	queue  []*request
	wake   chan struct{}
	closed bool
	owner  sync.WaitGroup
}

func newWriter(commit func([]*request)) *writer {
	w := &writer{commit: commit, wake: make(chan struct{}, 1)}
	w.owner.Go(w.run)
	return w
}

// do has a request's units committed, and waits for that or for ctx; their own
// errors are in the units. After an error of do the request still belongs to the
// writer.
func (w *writer) do(ctx context.Context, r *request) error {
	if !w.start(r) {
		return fmt.Errorf("%w: it is closed", queue.ErrUnavailable)
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// start queues a request without waiting; false if the writer is closed.
func (w *writer) start(r *request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.queue = append(w.queue, r)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

func (w *writer) run() {
	var batch []*request
	for range w.wake {
		for batch = w.gather(batch[:0]); len(batch) > 0; batch = w.gather(batch[:0]) {
			w.commit(batch)
			for _, r := range batch {
				r.done <- struct{}{}
			}
			clear(batch)
		}
	}
}

// gather takes what waits, after everybody who is ready to run had their turn:
// under load they bring their webhooks too. With 64 connections 20 go with one
// write and not 14, which saves 4 µs of CPU each; when idle it costs nothing.
func (w *writer) gather(batch []*request) []*request {
	runtime.Gosched()
	return w.take(batch)
}

// take moves what waits to batch, up to commitBytes.
func (w *writer) take(batch []*request) []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var bytes int64
	n := 0
	for ; n < len(w.queue) && bytes < commitBytes; n++ {
		for i := range w.queue[n].units {
			bytes += w.queue[n].units[i].adds
		}
	}
	batch = append(batch, w.queue[:n]...)
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	return batch
}

// close waits for what was accepted; later requests are refused.
func (w *writer) close() {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.mu.Unlock()
	if !already {
		close(w.wake)
	}
	w.owner.Wait()
}
