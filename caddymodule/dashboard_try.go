package caddymodule

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/httperr"
)

// tried is the answer to Try now.
type tried struct {
	Tried     bool           `json:"tried"`     // an attempt has ended since
	Delivered bool           `json:"delivered"` // and something was taken
	State     delivery.State `json:"state"`
	Reason    string         `json:"reason"`
	Backlog   int            `json:"backlog"`
}

// How long Try now waits for an attempt's end, and how often it looks. A forward
// may take 10 seconds to answer.
const (
	tryFor   = 15 * time.Second
	tryEvery = 50 * time.Millisecond
)

// tryDestination resumes a destination and waits for the end of an attempt, so
// that whoever asked learns what came of it.
func tryDestination(w http.ResponseWriter, r *http.Request, name string) error {
	count := attemptsOf(name)
	ended, delivered := count.ended.Load(), count.delivered.Load()
	engine, _, err := adminEdge.Destination(r.Context(), name)
	if err != nil {
		return err
	}
	if err := engine.Delivery.Resume(context.WithoutCancel(r.Context()), name); err != nil {
		return admin.StoreError(err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), tryFor)
	defer cancel()
	tick := time.NewTicker(tryEvery)
	defer tick.Stop()
	for last := false; ; {
		_, status, err := adminEdge.Destination(r.Context(), name)
		if err != nil {
			return err
		}
		if last || status.Backlog == 0 || ctx.Err() != nil {
			return httperr.JSON(w, http.StatusOK, tried{
				Tried: count.ended.Load() > ended, Delivered: count.delivered.Load() > delivered,
				State: status.State, Reason: status.Reason, Backlog: status.Backlog,
			})
		}
		last = count.ended.Load() > ended // its state follows at once
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

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

// countAttempts counts the ends of attempts, by the name of their class.
func countAttempts(name, outcome string, events int) {
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
