package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// queueError says what a Redis error means to the queue: ErrFull, ErrUnavailable,
// the caller's own context, or a plain error for what Redis will always refuse.
func queueError(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, queue.ErrUnavailable) || errors.Is(err, queue.ErrFull) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var refused redis.Error
	if !errors.As(err, &refused) || errors.Is(err, redis.Nil) {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return fmt.Errorf("%s: %w: %w", doing, queue.ErrUnavailable, err)
	}
	code, _, _ := strings.Cut(refused.Error(), " ")
	switch code {
	case "OOM":
		return fmt.Errorf("%s: %w: redis has reached its maxmemory", doing, queue.ErrFull)
	case "WRONGTYPE":
		return fmt.Errorf("%s: %w", doing, err)
	case "READONLY":
		return fmt.Errorf("%s: %w: this redis is a read-only replica", doing, queue.ErrUnavailable)
	case "MISCONF":
		return fmt.Errorf("%s: %w: redis refuses writes, since it can't save to its disk: %w", doing, queue.ErrUnavailable, err)
	case "MOVED", "ASK":
		return fmt.Errorf("%s: %w: this redis is a node of a Cluster: name the URLs of several nodes", doing, queue.ErrUnavailable)
	case "ERR":
		// Scripts wrap the errors of their calls in some versions.
		if strings.Contains(refused.Error(), "WRONGTYPE") {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", doing, queue.ErrUnavailable, err)
}

// isNil reports whether there is no such key.
func isNil(err error) bool { return errors.Is(err, redis.Nil) }
