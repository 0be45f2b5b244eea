package dashboard

import (
	"sync"
	"sync/atomic"

	"github.com/leadgate/leadgate/internal/destination"
)

// attempts are a destination's that have ended in this process, in events.
type attempts struct{ ended, delivered atomic.Int64 }

// attemptsByName are those of all destinations.
var attemptsByName sync.Map // string → *attempts

func attemptsOf(name string) *attempts {
	if a, ok := attemptsByName.Load(name); ok {
		return a.(*attempts)
	}
	a, _ := attemptsByName.LoadOrStore(name, new(attempts))
	return a.(*attempts)
}

// CountAttempts counts the ends of attempts, by the name of their action.
func CountAttempts(name, outcome string, events int) {
	switch outcome {
	case destination.Again.String(): // not tried
	case destination.Done.String():
		a := attemptsOf(name)
		a.ended.Add(int64(events))
		a.delivered.Add(int64(events))
	default:
		attemptsOf(name).ended.Add(int64(events))
	}
}
