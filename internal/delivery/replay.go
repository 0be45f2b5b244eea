package delivery

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// DeadStore is what a replay needs of a store.
type DeadStore interface {
	Appender
	Dead(ctx context.Context, f queue.DeadFilter) ([]queue.DeadLetter, error)
	ReplayDead(ctx context.Context, f queue.DeadFilter) (int, error)
}

// Replay puts dead letters back into their queues, and counts before it what goes
// back, so that the figures of ads know what waits again. What is counted and stays,
// for want of room, counts once.
func Replay(ctx context.Context, q DeadStore, filter queue.DeadFilter) (int, error) {
	for look := filter; ; {
		look.Limit, look.Bare = replayPage, true
		letters, err := q.Dead(ctx, look)
		if err != nil {
			return 0, err
		}
		if err := countReplayed(ctx, q, letters); err != nil {
			return 0, err
		}
		// A forward's letters have no figures.
		counted := func(l queue.DeadLetter) bool { return l.Header.Format == queue.FormatConversion }
		if len(letters) < replayPage || !slices.ContainsFunc(letters, counted) {
			return q.ReplayDead(ctx, filter)
		}
		look.After = letters[len(letters)-1].ID
	}
}

// replayPage is how many dead letters are read at once.
const replayPage = 250
