package server

import (
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/finding"
)

// Findings is what the doctor says of a server.
func (r *Report) Findings() (found finding.List) {
	where := "queue: redis at " + r.Addr
	if r.Version != "" {
		where = fmt.Sprintf("queue: %s %s at %s", r.Name, r.Version, r.Addr)
	}
	switch {
	case r.TooOld:
		found.Fail(where+" is too old", "Leadgate needs Redis 7.0 or later, or Valkey")
		return found
	case r.LoneNode:
		found.Fail(where+" is a node of a Cluster and keeps only a part of the keys", "name the URLs of several of its nodes in `queue redis`")
		return found
	case r.Version == "":
		found.Warn(where+" answers, but this user may not ask for its version and settings",
			"allow INFO and CONFIG GET, or check by hand: Redis 7 or Valkey, appendonly yes, maxmemory-policy noeviction")
		return found
	}
	if crash := where + ": a crash of it " + r.Durability; r.Journaled {
		found.OK(crash)
	} else {
		found.Warn(crash, "set appendonly yes; with appendfsync always not even the last second is lost")
	}
	if failover := where + ": a failover " + r.Failover; r.Guarded {
		found.OK(failover)
	} else {
		found.Warn(failover, "set min-replicas-to-write 1 and min-replicas-max-lag 10 in it, or write `wait 1` into `queue redis`")
	}
	switch {
	case strings.HasPrefix(r.Policy, "allkeys"):
		found.Warn(where+" throws away queued events when its memory is full ("+r.Policy+")", "set maxmemory-policy noeviction")
	case r.Policy != "" && r.Policy != "noeviction":
		found.Warn(where+" throws away remembered ids and clicks when its memory is full ("+r.Policy+")", "set maxmemory-policy noeviction")
	}
	return found
}
