package dashboard

import (
	"context"
	"net/http"
	"time"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
)

// Tried is the answer to Try now.
type Tried struct {
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

// try resumes a destination and waits for the end of an attempt, so
// that whoever asked learns what came of it.
func (p *Page) try(w http.ResponseWriter, r *http.Request, name string) error {
	count := attemptsOf(name)
	ended, delivered := count.ended.Load(), count.delivered.Load()
	engine, _, err := p.Edge.Destination(r.Context(), name)
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
		_, status, err := p.Edge.Destination(r.Context(), name)
		if err != nil {
			return err
		}
		if last || status.Backlog == 0 || ctx.Err() != nil {
			return httperr.JSON(w, http.StatusOK, Tried{
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
