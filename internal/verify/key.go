package caddymodule

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// signingKey makes and checks HMAC-SHA256 signatures with states from a pool,
// since setting one up costs as much as signing a kilobyte.
type signingKey struct{ pool sync.Pool }

type signingState struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newSigningKey(secret string) *signingKey {
	k := new(signingKey)
	k.pool.New = func() any { return &signingState{mac: hmac.New(sha256.New, []byte(secret))} }
	return k
}

func (k *signingKey) sum(body []byte) (sum [sha256.Size]byte) {
	s := k.pool.Get().(*signingState)
	s.mac.Reset()
	_, _ = s.mac.Write(body)
	s.mac.Sum(s.sum[:0])
	sum = s.sum
	k.pool.Put(s)
	return sum
}

func (k *signingKey) verify(body, given []byte) bool {
	sum := k.sum(body)
	return hmac.Equal(sum[:], given)
}

const signaturePrefix = "sha256="

// readSum reads the 64 hex digits of a signature.
func readSum(digits string) (sum [sha256.Size]byte, ok bool) {
	if len(digits) != 2*sha256.Size {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(digits))
	return sum, err == nil
}

// matchingKey returns the key that made a signature, nil if none did. All keys
// are tried, so that the time tells nothing of which one it was.
func matchingKey(keys []*signingKey, body, given []byte) *signingKey {
	var found *signingKey
	for _, key := range keys {
		if key.verify(body, given) {
			found = key
		}
	}
	return found
}
