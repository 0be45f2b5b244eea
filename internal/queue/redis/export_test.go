package redis

import (
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Timing is the protocol between edges, shortened: a sweep every sweep,
// leases of ttl, renewed three times in it, held for two thirds of it.
func Timing(sweep, ttl, timeout time.Duration) redisTiming {
	return redisTiming{sweep: sweep, ttl: ttl, renew: ttl / 3, hold: ttl * 2 / 3, trim: time.Hour, timeout: timeout}
}

// OpenWith is Open with a timing of its own.
func OpenWith(cfg Config, opts queue.Options, timing redisTiming) (*Store, error) {
	return open(cfg, opts, timing)
}

// RememberedID is what Redis remembers of an id.
func RememberedID(id queue.ID) int64 { return rememberedID(id) }
