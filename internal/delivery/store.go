package delivery

import (
	"context"

	"github.com/leadgate/leadgate/internal/queue"
)

// Store is what an Engine needs of a [queue.Queue], where each method is described.
type Store interface {
	Appender
	Drain(d queue.Dest, wake func()) queue.Drain
	Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error)
	Destinations(ctx context.Context) ([]queue.Info, error)
	SetState(ctx context.Context, d queue.Dest, s queue.State) error
}

// Appender is what counting needs of a store.
type Appender interface {
	Append(ctx context.Context, groups []queue.Group) []queue.Result
}
