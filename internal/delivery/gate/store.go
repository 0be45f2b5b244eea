package gate

import "time"

// StorePatience is how long a write to the store may go without an answer while more is
// sent: what is sent meanwhile is sent again by whoever drains next, should the answer
// never come. It leaves room, in the quarter of a second that the contract names, for what
// was sent while the write before was on its way.
const StorePatience = 200 * time.Millisecond

// Writing notes that a write to the store has begun, one at a time.
func (g *Gate) Writing(now time.Duration) { g.writing = now }

// Written notes that the store has answered it, or that it failed.
func (g *Gate) Written() { g.writing = 0 }

// Silent reports whether the store has let a write wait for too long, and when it will
// have, or has: Never while nothing is written.
func (g *Gate) Silent(now time.Duration) (at time.Duration, silent bool) {
	if g.writing == 0 {
		return Never, false
	}
	at = g.writing + StorePatience
	return at, now >= at
}
