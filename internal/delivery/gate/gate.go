// Package gate decides whether a destination may be sent to: what of it, how many
// calls at once, and when to ask again. A destination is held up by a pause, since it
// is parked, by its own wish (throttled), by its breaker, by its rate, and by a store
// that does not answer.
//
// It is pure: it knows no store, no clock and no goroutine, and imports nothing of this
// repository but package backoff. Times are durations since the engine began, never 0.
// Begin with [Gate.Check].
package gate

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// Never is a time that does not come.
const Never = time.Duration(math.MaxInt64)

// parkedProbe is how long a parked destination waits for its next probe.
const parkedProbe = time.Minute

// Settings are those of a destination that the gate depends on.
type Settings struct {
	Concurrency int     // calls at once
	Batch       int     // events of one call; 1 = no batches
	Rate        float64 // calls a second; 0 = unlimited; the burst is one second's worth
}

// Mode says what may be sent.
type Mode uint8

// The modes.
const (
	Nothing      Mode = iota
	All               // whatever is next
	BreakerProbe      // one event, of another contact than the last: the breaker is open
	ParkProbe         // one event, the oldest: the destination is parked
)

// Gate is the gate of one destination. The zero Gate lets everything pass, once it has
// its Settings. It is for one goroutine.
type Gate struct {
	settings Settings
	limiter  *rate.Limiter // nil = no rate

	paused, parked bool
	writing        time.Duration // since when a write to the store is on its way; 0 = none is
	throttledUntil time.Duration
	parkProbeAt    time.Duration
	parkProbing    bool
	breaker        breaker
}

// Configure takes over settings. Others may be what the destination waited for, so
// that it is probed at once.
func (g *Gate) Configure(s Settings, now time.Duration) {
	g.settings = s
	g.parkProbeAt, g.breaker.probeAt = now, now
	if s.Rate <= 0 {
		g.limiter = nil
		return
	}
	burst := max(int(math.Ceil(s.Rate)), 1)
	if g.limiter == nil {
		g.limiter = rate.NewLimiter(rate.Limit(s.Rate), burst)
		return
	}
	g.limiter.SetLimitAt(clock(now), rate.Limit(s.Rate))
	g.limiter.SetBurstAt(clock(now), burst)
}

// clock is a time as the limiter wants it, which only looks at differences.
func clock(now time.Duration) time.Time { return time.Unix(0, 0).Add(now) }

// Check says what may be sent now. For Nothing, next is when that changes by itself,
// Never if it does not.
func (g *Gate) Check(now time.Duration) (m Mode, next time.Duration) {
	m = All
	_, silent := g.Silent(now)
	switch {
	case g.paused, silent:
		return Nothing, Never
	case g.throttledUntil > now:
		return Nothing, g.throttledUntil
	case g.parked && g.parkProbing, g.breaker.open && g.breaker.probing:
		return Nothing, Never
	case g.parked:
		if g.parkProbeAt > now {
			return Nothing, g.parkProbeAt
		}
		m = ParkProbe
	case g.breaker.open:
		if g.breaker.probeAt > now {
			return Nothing, g.breaker.probeAt
		}
		m = BreakerProbe
	}
	if wait := g.rateWait(now); wait > 0 {
		return Nothing, now + wait
	}
	return m, Never
}

// rateWait is how long the rate makes the next call wait.
func (g *Gate) rateWait(now time.Duration) time.Duration {
	if g.limiter == nil {
		return 0
	}
	missing := 1 - g.limiter.TokensAt(clock(now))
	if missing <= 0 {
		return 0
	}
	return max(time.Duration(missing/g.settings.Rate*float64(time.Second)), time.Microsecond)
}

// Limit is how many calls may be handed out: those at once, and as many again that lie
// ready behind them, unless the next outcome, or the time, says what may be sent.
// failing says that events wait for another attempt.
func (g *Gate) Limit(failing bool) int {
	n := g.settings.Concurrency
	if failing || g.settings.Batch > 1 || g.limiter != nil || g.breaker.fails > 0 || g.breaker.open || g.parked {
		return n
	}
	return 2 * n
}

// Began notes that a call was handed out in a mode that Check gave.
func (g *Gate) Began(m Mode, now time.Duration) {
	if g.limiter != nil {
		g.limiter.AllowN(clock(now), 1)
	}
	g.probing(m, true)
}

// Ended notes that a call came back, or was not made.
func (g *Gate) Ended(m Mode) { g.probing(m, false) }

func (g *Gate) probing(m Mode, on bool) {
	switch m {
	case BreakerProbe:
		g.breaker.probing = on
	case ParkProbe:
		g.parkProbing = on
	}
}

// Succeeded notes that the destination took something.
func (g *Gate) Succeeded() { g.breaker.success() }

// Failed notes that a contact's event failed, in a call of this mode, and how long the
// destination asks to be left alone.
func (g *Gate) Failed(contact uint64, m Mode, now, wish time.Duration) {
	g.breaker.failure(contact, m == BreakerProbe, now, wish)
	if m == ParkProbe {
		g.parkProbeAt = now + max(wish, parkedProbe)
	}
}

// Refused notes that a destination is parked, once more or for the first time.
func (g *Gate) Refused(now time.Duration) { g.parkProbeAt = now + parkedProbe }

// ParkProbed notes that a probe of a parked destination said nothing of it.
func (g *Gate) ParkProbed(now time.Duration) {
	if g.parkProbeAt <= now {
		g.parkProbeAt = now + parkedProbe
	}
}

// Throttle has all wait until a time, if they do not wait longer already.
func (g *Gate) Throttle(until time.Duration) { g.throttledUntil = max(g.throttledUntil, until) }

// Enter takes over whether the destination is paused and parked. It reports whether it
// begins to be: then it may wait for long. A parked one is probed at once.
func (g *Gate) Enter(paused, parked bool, now time.Duration) (stops bool) {
	stops = paused && !g.paused || parked && !g.parked
	g.paused, g.parked = paused, parked
	if stops {
		g.parkProbeAt = now
	}
	return stops
}

// Resume forgets what made the destination wait, but a pause or that it is parked: see Enter.
func (g *Gate) Resume() {
	g.throttledUntil = 0
	g.breaker.success()
}

// Paused reports whether nothing may be sent until the destination is resumed.
func (g *Gate) Paused() bool { return g.paused }

// Parked reports whether the destination itself refuses all, by what its events do not help.
func (g *Gate) Parked() bool { return g.parked }

// Open reports whether the breaker is open, and when the next probe may be sent.
func (g *Gate) Open() (probeAt time.Duration, open bool) { return g.breaker.probeAt, g.breaker.open }

// ThrottledUntil is until when all wait by the destination's own wish.
func (g *Gate) ThrottledUntil() time.Duration { return g.throttledUntil }
