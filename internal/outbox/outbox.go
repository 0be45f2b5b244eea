// Package outbox hands things on one after another, off the way of whoever puts them
// there: however slow the taker is, nobody waits for it, and no more than a fixed number
// wait. It is a leaf.
package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Outbox is a bounded queue in memory and the goroutine that empties it.
type Outbox[T any] struct {
	hand func(context.Context, T)

	mu      sync.Mutex
	items   chan T
	begun   bool
	stopped bool

	cancel context.CancelFunc
	ended  chan struct{}
	left   atomic.Int64 // given up
}

// New makes an outbox for so many, which hands nothing on before Start. hand's context
// ends when the outbox is given up.
func New[T any](size int, hand func(context.Context, T)) *Outbox[T] {
	return &Outbox[T]{hand: hand, items: make(chan T, size), ended: make(chan struct{})}
}

// Put adds one, and reports whether it did: a full outbox takes none, nor one that was
// stopped. It never blocks.
func (o *Outbox[T]) Put(item T) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return false
	}
	select {
	case o.items <- item:
		return true
	default:
		return false
	}
}

// Start hands on what is put, until Stop.
func (o *Outbox[T]) Start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.begun || o.stopped {
		return
	}
	o.begun = true
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	go func() {
		defer cancel()
		defer close(o.ended)
		for item := range o.items {
			if ctx.Err() != nil {
				o.left.Add(1)
				continue
			}
			o.hand(ctx, item)
		}
	}()
}

// deaf is how long is waited for a taker that does not heed the end of its context.
const deaf = time.Second

// Stop takes no more, hands on what waits for as long as grace, and ends the context of
// what is handed on then. It returns how many were left. Of an outbox that was never
// started, these are all.
func (o *Outbox[T]) Stop(grace time.Duration) (left int) {
	o.mu.Lock()
	if o.stopped {
		o.mu.Unlock()
		return 0
	}
	o.stopped = true
	close(o.items)
	begun := o.begun
	o.mu.Unlock()
	if !begun {
		return len(o.items)
	}
	defer o.cancel()
	if waitFor(o.ended, grace) {
		return 0
	}
	o.cancel()
	waitFor(o.ended, deaf)
	return int(o.left.Load()) + len(o.items)
}

func waitFor(c <-chan struct{}, d time.Duration) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-c:
		return true
	case <-late.C:
		return false
	}
}
