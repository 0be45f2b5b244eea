package caddymodule

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/queue"
)

// replayDead replays, and counts before it what goes back, so that the figures of
// ads know what waits again. What is counted and stays, for want of room, counts
// once.
func replayDead(ctx context.Context, q queue.Queue, filter queue.DeadFilter) (int, error) {
	for look := filter; ; {
		look.Limit, look.Bare = deadCountPage, true
		letters, err := q.Dead(ctx, look)
		if err != nil {
			return 0, err
		}
		if err := delivery.CountReplayed(ctx, q, letters); err != nil {
			return 0, err
		}
		// A forward's letters have no figures.
		counted := func(l queue.DeadLetter) bool { return l.Header.Format == queue.FormatCAPI }
		if len(letters) < deadCountPage || !slices.ContainsFunc(letters, counted) {
			return q.ReplayDead(ctx, filter)
		}
		look.After = letters[len(letters)-1].ID
	}
}

// deadCountPage is how many dead letters are read at once.
const deadCountPage = 250
