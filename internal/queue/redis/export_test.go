package queue

import "time"

// RedisTiming is the protocol between edges, shortened: a sweep every sweep,
// leases of ttl, renewed three times in it, held for two thirds of it.
func RedisTiming(sweep, ttl, timeout time.Duration) redisTiming {
	return redisTiming{sweep: sweep, ttl: ttl, renew: ttl / 3, hold: ttl * 2 / 3, trim: time.Hour, timeout: timeout}
}

// OpenRedisWith is OpenRedis with a timing of its own.
func OpenRedisWith(cfg RedisConfig, opts Options, timing redisTiming) (*Redis, error) {
	return openRedis(cfg, opts, timing)
}

// RememberedID is what Redis remembers of an id.
func RememberedID(id ID) int64 { return rememberedID(id) }
