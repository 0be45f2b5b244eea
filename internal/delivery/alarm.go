package delivery

import (
	"time"

	"github.com/leadgate/leadgate/internal/delivery/gate"
)

// never is a time that does not come.
const never = gate.Never

// alarm says when a worker's loop must run again.
type alarm struct {
	e      *Engine
	next   time.Duration // at the latest
	atOnce bool

	c      <-chan time.Time // that fires at at; nil = it is not set
	at     time.Duration
	cancel func() bool
}

// clear forgets when the loop must run again.
func (a *alarm) clear() { a.next, a.atOnce = never, false }

// until returns the channel that fires when the loop must run again; nil if it
// need not.
func (a *alarm) until() <-chan time.Time {
	if a.c != nil && (a.at > a.next || a.next == never) {
		a.stop()
	}
	if a.c == nil && a.next != never {
		a.c, a.cancel = a.e.o.Timer(max(a.next-a.e.tick(), 0))
		a.at = a.next
	}
	return a.c
}

func (a *alarm) stop() {
	if a.c != nil {
		a.cancel()
		a.c = nil
	}
}
