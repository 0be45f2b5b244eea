package delivery

import "time"

// The schedule of retries, and the longest Retry-After that is believed.
const (
	firstDelay    = time.Second
	longestDelay  = 10 * time.Minute
	firstProbe    = time.Second
	longestProbe  = 30 * time.Second
	parkedProbe   = time.Minute
	againPause    = time.Second
	firstOutage   = 50 * time.Millisecond
	longestOutage = 5 * time.Second
)

// doubled returns first × 2^n, at most longest.
func doubled(first, longest time.Duration, n int) time.Duration {
	for range n {
		if first *= 2; first >= longest {
			return longest
		}
	}
	return first
}

// retryDelay is how long an event waits after its attempts-th failure:
// exponential with full jitter, random being uniform in [0, 1).
func retryDelay(attempts int, random float64) time.Duration {
	return time.Duration(random * float64(doubled(firstDelay, longestDelay, max(attempts, 1)-1)))
}
