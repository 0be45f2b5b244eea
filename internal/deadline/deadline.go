// Package deadline says until when a request may wait for the store before it is
// answered. It is a leaf.
package deadline

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// timeout is how long a webhook waits for the store. The whole answer must be out
// within 5 s, after which providers count it as failed.
const timeout = 4 * time.Second

var errTimeout = fmt.Errorf("the queue did not answer within %s", timeout)

// shared is the context of the requests that come in the same sixteenth of
// timeout, so that they need no timer each. It is nobody's but the clock's: a
// provider that hangs up must not leave us in the dark about what was stored.
var shared struct {
	sync.Mutex

	current context.Context
	renew   time.Time
}

// Of returns the context of a request that came at a time: it ends four seconds
// from then, or a little earlier, with a cause that says so.
func Of(came time.Time) context.Context {
	shared.Lock()
	defer shared.Unlock()
	if shared.current == nil || came.After(shared.renew) {
		ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, errTimeout)
		context.AfterFunc(ctx, cancel)
		shared.current, shared.renew = ctx, came.Add(timeout/16)
	}
	return shared.current
}
