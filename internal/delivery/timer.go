package delivery

import (
	"time"

	"github.com/leadgate/leadgate/internal/delivery/gate"
)

// never is a time that does not come.
const never = gate.Never

// timer is the loop's alarm.
type timer struct {
	c      <-chan time.Time
	at     time.Duration
	cancel func() bool
}

// until returns the channel that fires when the loop must run again; nil if it
// need not.
func (t *timer) until(w *worker) <-chan time.Time {
	if t.c != nil && (t.at > w.nextAt || w.nextAt == never) {
		t.stop()
	}
	if t.c == nil && w.nextAt != never {
		t.c, t.cancel = w.e.o.Timer(max(w.nextAt-w.e.tick(), 0))
		t.at = w.nextAt
	}
	return t.c
}

func (t *timer) stop() {
	if t.c != nil {
		t.cancel()
		t.c = nil
	}
}
