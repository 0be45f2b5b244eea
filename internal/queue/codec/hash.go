package codec

import (
	"crypto/sha256"

	"github.com/leadgate/leadgate/internal/queue"
)

// KeyHash stands for a key of a tenant: the first 16 bytes of a SHA-256. Hashed,
// keys are short and of one length, and no phone number is stored beside the
// entries'.
type KeyHash [16]byte

// HashKey hashes a tenant's key.
func HashKey(tenant, key string) (h KeyHash) {
	buf := make([]byte, 0, 128)
	buf = append(buf, tenant...)
	buf = append(buf, 0)
	buf = append(buf, key...)
	sum := sha256.Sum256(buf)
	copy(h[:], sum[:])
	return h
}

// CountedHash is where a counter's once key is remembered, apart from those of jobs.
func CountedHash(tenant string, c *queue.Counter) KeyHash { return HashKey(tenant, "counted\n"+c.Once) }

// Mix is the finalizer of SplitMix64, which loses nothing.
func Mix(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
