package delivery

import (
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/delivery/backoff"
	"github.com/leadgate/leadgate/internal/delivery/gate"
)

// How long a store that does not answer is left alone: doubled from the first on.
const (
	firstOutage   = 50 * time.Millisecond
	longestOutage = 5 * time.Second
)

// silenceSaid is how long the store may hold up deliveries by its silence until that is
// said.
const silenceSaid = time.Second

// outage is a time in which the store does not answer.
type outage struct {
	what    string // that fails: "reading"
	fails   int
	retryAt time.Duration
	said    bool // that the store does not answer
}

// failed notes that the store did not answer; it reports whether that is to be said.
func (o *outage) failed(now time.Duration) (begins bool) {
	o.retryAt = now + backoff.Doubled(firstOutage, longestOutage, o.fails)
	o.fails++
	return o.silent()
}

// rest leaves the store alone for a moment.
func (o *outage) rest(now time.Duration) {
	o.fails, o.retryAt = max(o.fails, 1), now+firstOutage
}

// silent notes that the store is taking too long; it reports whether that is to be said.
func (o *outage) silent() (begins bool) {
	begins, o.said = !o.said, true
	return begins
}

// worked notes that the store answered; it reports whether it was said that it does not.
func (o *outage) worked() (ends bool) {
	ends, o.said = o.said, false
	o.fails = 0
	return ends
}

// resting reports whether it is too early to try the store again, and until when.
func (o *outage) resting(now time.Duration) (until time.Duration, resting bool) {
	return o.retryAt, o.fails > 0 && o.retryAt > now
}

// storeFailed notes that the store did not answer, and says so once.
func (w *worker) storeFailed(o *outage, err error) {
	if w.e.storeCtx.Err() != nil {
		o.retryAt = never
		return
	}
	if o.failed(w.now) {
		w.logger().Warn("queue does not answer, deliveries wait", zap.String("while", o.what), zap.Error(err))
	}
	w.at(o.retryAt)
}

// watchStore takes back what lies ready when the store has left a write without an
// answer for too long, and says so if that goes on.
func (w *worker) watchStore() {
	at, silent := w.gate.Silent(w.now)
	if !silent {
		w.at(at)
		return
	}
	w.recall()
	switch said := at - gate.StorePatience + silenceSaid; {
	case w.now < said:
		w.at(said)
	case w.acks.outage.silent():
		w.logger().Warn("queue does not answer, deliveries wait", zap.String("while", w.acks.outage.what),
			zap.Duration("for", silenceSaid))
	}
}

// storeAnswered notes that the store answered, and says so if it had not.
func (w *worker) storeAnswered(o *outage) {
	if o.worked() {
		w.logger().Info("queue answers again", zap.String("after", o.what))
	}
}

// resting reports whether it is too early to try the store again.
func (w *worker) resting(o *outage) bool {
	until, resting := o.resting(w.now)
	if resting {
		w.at(until)
	}
	return resting
}
