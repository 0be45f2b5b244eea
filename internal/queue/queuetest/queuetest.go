// Package queuetest is the conformance suite of [queue.Queue]: what every store must do
// alike. A store's own tests call [Run] with a [Harness].
//
// A test is a name and a function of a suite, which has a store on an empty place, a
// clock that stands still, and helpers to append and to compare (suite.go). The other
// files are the tests, by what they are about. It imports the contract alone.
package queuetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Harness is a store under test, and what the suite may do to it.
type Harness struct {
	// Queue is empty, and was opened with DefaultOptions.
	Queue queue.Queue
	// Clock is what the store was given as its clock.
	Clock *Clock
	// Reopen closes the store, opens it again, and returns the new one.
	Reopen func(t *testing.T) queue.Queue
	// Crash is like Reopen, but the store gets no chance to close: what was
	// acknowledged must be there. Nil if the store can't.
	Crash func(t *testing.T) queue.Queue
	// Sweep makes the store throw away what has expired. Nil if it does so by
	// itself.
	Sweep func(t *testing.T)
	// Second opens another instance on the same data, as another edge would.
	// Nil for a store that one process has for itself.
	Second func(t *testing.T) queue.Queue

	// Payloads counts the payloads that are kept once for several entries or dead
	// letters. Nil if the store keeps none so. With PayloadsTogether several may be kept
	// as one, and dead letters have their own: there must be none when nobody waits.
	Payloads         func(t *testing.T) int
	PayloadsTogether bool

	OwnExpiry bool // expiry follows a server's clock and not Clock: such tests are left out
	NoMaxSize bool // the store has no MaxSize
}

// DefaultOptions are the options that a Harness is opened with: the contract's
// defaults.
func DefaultOptions() queue.Options {
	return queue.Options{
		Dedupe:         7 * 24 * time.Hour,
		RememberClicks: 28 * 24 * time.Hour,
		KeepDead:       30 * 24 * time.Hour,
		MaxBacklog:     1_000_000,
		MaxSize:        4 << 30,
	}
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows start.
func NewClock(start time.Time) *Clock { return &Clock{now: start} }

// Now returns the time shown.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock, back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Run runs the suite. open is called once for each test and cleans up by
// t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range []struct {
		name  string
		tests []test
	}{
		{"Append", appendTests},
		{"IDs", idTests},
		{"Once", onceTests},
		{"Seal", sealTests},
		{"Limits", limitTests},
		{"Drain", drainTests},
		{"Departures", departureTests},
		{"Together", togetherTests},
		{"Shared", sharedTests},
		{"Large", largeTests},
		{"Dead", slices.Concat(deadTests, replayTests)},
		{"Destinations", destinationTests},
		{"Tenants", tenantTests},
		{"Clicks", slices.Concat(clickTests, touchTests, identityTests, eraseTests)},
		{"Codes", slices.Concat(codeTests, codeLimitTests, claimTests)},
		{"Notes", noteTests},
		{"Facts", factTests},
		{"Counters", counterTests},
		{"Lifecycle", lifecycleTests},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, test := range c.tests {
				t.Run(test.name, func(t *testing.T) {
					h := open(t)
					if test.expiry && h.OwnExpiry {
						t.Skip("the store expires by a clock of its own")
					}
					test.run(&suite{T: t, Harness: h, start: h.Clock.Now().UnixMilli()})
				})
			}
		})
	}
}

type test struct {
	name   string
	expiry bool // moves the clock over an expiry
	run    func(*suite)
}
