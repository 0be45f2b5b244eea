package codec

import (
	"github.com/leadgate/leadgate/internal/queue"
)

// KeyHash is what durable stores keep of a key.
type KeyHash = queue.KeyHash

// HashKey hashes a tenant's key.
func HashKey(tenant, key string) KeyHash { return queue.HashKey(tenant, key) }

// CountedHash is where a counter's once key is remembered, apart from those of jobs.
func CountedHash(tenant string, c *queue.Counter) KeyHash { return HashKey(tenant, "counted\n"+c.Once) }

// Mix is the finalizer of SplitMix64, which loses nothing.
func Mix(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
