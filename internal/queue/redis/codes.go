package redis

import (
	"context"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// PutCode implements [queue.Queue].
func (r *Store) PutCode(context.Context, string, queue.Code) (queue.Code, bool, error) {
	return queue.Code{}, false, fmt.Errorf("storing code: %w: this store has none yet", queue.ErrUnavailable)
}

// Codes implements [queue.Queue].
func (r *Store) Codes(context.Context, string, []string) ([]queue.Code, error) {
	return nil, fmt.Errorf("looking codes up: %w: this store has none yet", queue.ErrUnavailable)
}
