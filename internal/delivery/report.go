package delivery

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// State is what a destination does, in a word of the admin API.
type State string

// The states. A destination that is paused shows nothing else, and so on down.
const (
	StateRemoved  State = "removed"  // in no config; its queue is kept
	StatePaused   State = "paused"   // by an operator or a 410, until resumed
	StateParked   State = "parked"   // Meta refuses the token, permission or configuration
	StateOpen     State = "open"     // the breaker is open
	StateRetrying State = "retrying" // some events wait for another attempt, or all since the destination asks for it
	StateRunning  State = "running"
)

// published is what others see of a worker.
type published struct {
	state  State
	reason string
	code   string // of the reason: the HTTP status, or Meta's code/subcode
	until  int64  // when it goes on or tries again by itself, ms; 0 = not known, or at once
	asked  bool   // the destination itself asks to wait
	kind   string
	target string
}

// because sets the state with its reason, and the code that stands in it.
func (p *published) because(state State, reason string) {
	p.state, p.reason, p.code = state, reason, destination.CodeOf(reason)
}

// text is the reason, and until when the destination asks to wait.
func (p *published) text() string {
	if p.until == 0 || !p.asked {
		return p.reason
	}
	return p.reason + "; it waits until " + time.UnixMilli(p.until).UTC().Format(time.RFC3339)
}

// report is what a worker says of its destination, and what that is made of.
type report struct {
	mu        sync.Mutex
	published published // written by the loop

	delivered atomic.Int64 // events, since the worker began
	inDoubt   atomic.Int64 // likewise
	awaiting  atomic.Int64 // events with a receipt, that the destination has; -1 = another edge knows
	rests     atomic.Bool  // all that there is waits for its time though nothing failed, or behind such

	// The loop's own.
	lastFailure string        // why, of the last failed attempt
	waiting     waiting       // what the whole destination waits for, by its own wish
	noticedAt   time.Duration // a line about failing
	deadAt      time.Duration // a line about dead letters
	doubtAt     time.Duration // a line about events in doubt
}

// lineEvery is how often a line of one kind is written.
const lineEvery = time.Minute

// waiting is why a whole destination waits: throttled, or blocked for a time.
type waiting struct{ why, code string }

// atLimit is said where an answer took the events, and its headers ask to wait.
var atLimit = destination.Verdict{
	Reason: "throttled", Explanation: "the destination took the last events, and says that a limit is reached; nothing to do",
}

// waits notes why the destination waits. It stays so until an event is taken.
func (r *report) waits(v *destination.Verdict) {
	if v.Action == destination.Done {
		v = &atLimit
	}
	r.waiting = waiting{v.Why(), v.Code}
}

// get returns what was published last.
func (r *report) get() published {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.published
}

// publish sets what others see. It reports whether it is another state than before.
func (r *report) publish(p published) (was State, changed bool) {
	if p == r.published { // only the loop writes it
		return p.state, false
	}
	was, changed = r.published.state, r.published.state != p.state || r.published.asked != p.asked
	r.mu.Lock()
	r.published = p
	r.mu.Unlock()
	return was, changed
}

// mayMentionDeath reports whether a line may be written about a dead letter.
func (r *report) mayMentionDeath(now time.Duration) bool { return mayMention(&r.deadAt, now) }

// mayMentionFailing reports whether a line may be written about events that fail, or do
// so no more: single ones that fail now and then would fill the log.
func (r *report) mayMentionFailing(now time.Duration) bool { return mayMention(&r.noticedAt, now) }

func mayMention(last *time.Duration, now time.Duration) bool {
	if *last > 0 && now-*last < lineEvery {
		return false
	}
	*last = now
	return true
}

// awaiting is how many events have a receipt, -1 while this edge does not drain them. Those
// that share the store are told.
func (w *worker) awaiting() int64 {
	if epoch, ok := w.drain.Epoch(); !ok || epoch != w.epoch || !w.view.Loaded() {
		return -1
	}
	n := w.view.Awaiting()
	if a, ok := w.drain.(queue.Awaiter); ok {
		a.Awaits(n)
	}
	return int64(n)
}

// publish tells the world what the destination does, when that changed.
func (w *worker) publish() {
	w.report.awaiting.Store(w.awaiting())
	w.report.rests.Store(w.senders.flying() == 0 && w.view.Rests())
	p := w.present()
	was, changed := w.report.publish(p)
	if !changed {
		return
	}
	logger := w.logger().With(zap.String("state", string(p.state)))
	switch p.state {
	case StatePaused:
		logger.Warn("destination is paused", zap.String("reason", p.reason))
	case StateParked:
		logger.Error("destination is parked, nothing is lost: its oldest event is tried every minute", zap.String("reason", p.reason))
	case StateOpen:
		logger.Warn("destination takes nothing, its events wait", zap.String("reason", p.reason))
	case StateRetrying:
		switch {
		case p.asked:
			logger.Warn("destination asks to wait, nothing is lost", zap.String("reason", p.text()))
		case w.report.mayMentionFailing(w.now):
			logger.Warn("destination fails, events are tried again", zap.String("reason", p.reason))
		}
	case StateRunning:
		if was != StateRetrying || w.report.mayMentionFailing(w.now) {
			logger.Info("destination takes events again")
		}
	}
}

// present is what the destination does now.
func (w *worker) present() published {
	p := published{state: StateRunning, kind: w.settings.Kind, target: w.settings.Target}
	probeAt, open := w.gate.Open()
	switch {
	case w.gate.Paused():
		p.state, p.reason = StatePaused, w.state.current.Reason
	case w.gate.Parked():
		p.because(StateParked, w.state.current.Reason)
	case open:
		p.because(StateOpen, w.report.lastFailure)
		p.until = w.wallAt(probeAt)
	case w.report.waiting.why != "" && !w.idle():
		p.state, p.reason, p.code, p.asked = StateRetrying, w.report.waiting.why, w.report.waiting.code, true
		if p.until = w.wallAt(w.gate.ThrottledUntil()); p.until > 0 {
			w.at(w.gate.ThrottledUntil()) // to look again whether anything waits
		}
	case w.view.Failing() > 0:
		p.because(StateRetrying, w.report.lastFailure)
		p.until = w.wallAt(w.view.NextDue())
	}
	return p
}

// idle reports whether nothing waits, as far as the worker has seen.
func (w *worker) idle() bool { return w.senders.flying() == 0 && w.view.Idle() }

// wallAt is a time to come of the loop's clock in UNIX milliseconds, to the
// second; 0 for one that has passed.
func (w *worker) wallAt(t time.Duration) int64 {
	if t <= w.now || t == never {
		return 0
	}
	return w.e.o.Now().Add(t - w.now).Round(time.Second).UnixMilli()
}

// logger names the destination in each line.
func (w *worker) logger() *zap.Logger {
	return w.e.logger.Load().With(zap.String("destination", w.dest.Name), zap.String("tenant", w.dest.Tenant))
}
