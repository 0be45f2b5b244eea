// Package backoff is how long to wait after failures: of an event, of a destination
// and of the store. It knows neither, and imports nothing of this repository.
package backoff

import "time"

// The schedule of an event's retries.
const (
	firstDelay   = time.Second
	longestDelay = 10 * time.Minute
)

// Delay is how long an event waits after its attempts-th failure: exponential with
// full jitter, random being uniform in [0, 1).
func Delay(attempts int, random float64) time.Duration {
	return time.Duration(random * float64(Doubled(firstDelay, longestDelay, max(attempts, 1)-1)))
}

// Doubled returns first × 2^n, at most longest.
func Doubled(first, longest time.Duration, n int) time.Duration {
	for range n {
		if first *= 2; first >= longest {
			return longest
		}
	}
	return first
}
