// Package retryafter reads the header Retry-After, and says what we write into it.
// It is a leaf.
package retryafter

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Ours is what a 503 asks for while the store is away or bodies are too many, in
// seconds.
const Ours = "10"

// Longest is the longest wait that is believed.
const Longest = time.Hour

// Parse returns how long a Retry-After, in seconds or as a date, asks to wait
// from now, at most [Longest]; 0 where there is none, or it is over.
func Parse(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(Longest/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), Longest)
	}
	return 0
}
