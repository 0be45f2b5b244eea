package cluster

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestNodeNamed has nodes named as other nodes name them: who is named by a host that means
// something there only is one of those that are known, or nobody.
func TestNodeNamed(t *testing.T) {
	known := &topology{clients: map[string]*redis.Client{}}
	for _, addr := range []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.2:6380", "[fd00::1]:6381", "localhost:7000", "127.0.0.1:7001"} {
		known.clients[addr] = nil
	}
	for addr, want := range map[string]string{
		"10.0.0.2:6380":         "10.0.0.2:6380",
		"10.0.0.9:6379":         "10.0.0.9:6379", // that joined just now
		"redis-4.internal:6379": "redis-4.internal:6379",
		":6380":                 "10.0.0.2:6380",
		"?:6381":                "[fd00::1]:6381",
		"127.0.0.1:6380":        "10.0.0.2:6380",
		"127.0.0.1:7000":        "localhost:7000",
		"127.0.0.1:7001":        "127.0.0.1:7001",
		"[::1]:6381":            "[fd00::1]:6381",
		":6379":                 "", // either
		"127.0.0.1:9":           "",
		"":                      "",
		"6380":                  "",
	} {
		if got := known.nodeNamed(addr); got != want {
			t.Errorf("%q is %q, want %q", addr, got, want)
		}
	}
	known.clients["127.0.0.1:7000"] = nil // by two names, which are the same
	if got := known.nodeNamed(":7000"); got == "" {
		t.Error("a node on this host is not found by its port")
	}
}
