package server

import (
	"fmt"
	"strconv"
	"strings"
)

// Evicting is what a server throws away, or may: it has since the last look, or its policy
// is to make room. Where it has no limit yet, one may be set at any time.
func Evicting(f map[string]string, since int64) string {
	policy := f["maxmemory_policy"]
	switch {
	case since > 0:
		return fmt.Sprintf("redis has thrown away %d keys for want of memory, queued events among them maybe: "+
			"set maxmemory-policy noeviction, and give it more memory", since)
	case policy == "" || policy == "noeviction":
		return ""
	case strings.HasPrefix(policy, "allkeys"):
		return "redis may throw away queued events when its memory is full (" + policy + "): set maxmemory-policy noeviction"
	}
	return "redis may throw away remembered ids and clicks when its memory is full (" + policy + "): set maxmemory-policy noeviction"
}

// FailoverLoses is said where nothing keeps a master from answering alone.
const FailoverLoses = "a failover of redis loses what its master acknowledged while it was cut off from its replicas: " +
	"set min-replicas-to-write 1 and min-replicas-max-lag 10 in redis, or write `wait 1` into `queue redis`"

// LosesOnFailover reports whether another server may take the place of this one that lacks
// more than it must.
func LosesOnFailover(info map[string]string, sentinels bool, wait int) bool {
	_, guarded := info["min_slaves_good_slaves"] // there if min-replicas-to-write is set
	replicas, _ := strconv.Atoi(info["connected_slaves"])
	return (replicas > 0 || sentinels) && !guarded && wait == 0
}
