package redis

import (
	"cmp"
	"time"
)

// waiting is for how many replicas an append waits, and how long.
type waiting struct {
	replicas int
	timeout  time.Duration
}

func (c *Config) waiting() *waiting {
	return &waiting{replicas: c.Wait, timeout: cmp.Or(c.WaitTimeout, time.Second)}
}

// sentinels reports whether sentinels look after the server.
func (r *Store) sentinels() bool { return r.cfg.SentinelMaster != "" }
