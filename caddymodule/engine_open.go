package caddymodule

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

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
