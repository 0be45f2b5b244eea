package caddymodule

import (
	"context"
	"sync"
	"time"
)

// appendTimeout is how long a webhook waits for the store. The whole answer
// must be out within 5 s, after which providers count it as failed.
const appendTimeout = 4 * time.Second

var errAppendTimeout = errorf("the queue did not answer within %s", appendTimeout)

// deadlines gives requests that come in the same sixteenth of appendTimeout the
// same context, so that they need no timer each. It is nobody's but the clock's:
// a provider that hangs up must not leave us in the dark about what was stored.
type deadlines struct {
	mu      sync.Mutex
	current context.Context
	renew   time.Time
}

var appendDeadlines deadlines

// next returns a context that ends appendTimeout from now, or a little earlier,
// with errAppendTimeout.
func (d *deadlines) next(now time.Time) context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil || now.After(d.renew) {
		ctx, cancel := context.WithTimeoutCause(context.Background(), appendTimeout, errAppendTimeout)
		context.AfterFunc(ctx, cancel)
		d.current, d.renew = ctx, now.Add(appendTimeout/16)
	}
	return d.current
}
