package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"sync"
)

// Key makes and checks HMAC-SHA256 signatures with states from a pool, since
// setting one up costs as much as signing a kilobyte.
type Key struct{ pool sync.Pool }

type state struct {
	mac hash.Hash
	sum Sum
}

// Sum is a signature.
type Sum [sha256.Size]byte

// Hex is the signature in 64 lower-case hex digits.
func (s Sum) Hex() string { return hex.EncodeToString(s[:]) }

// NewKey makes the key of a secret.
func NewKey(secret string) *Key {
	k := new(Key)
	k.pool.New = func() any { return &state{mac: hmac.New(sha256.New, []byte(secret))} }
	return k
}

// Sign signs a body.
func (k *Key) Sign(body []byte) Sum {
	s := k.pool.Get().(*state)
	s.mac.Reset()
	_, _ = s.mac.Write(body)
	s.mac.Sum(s.sum[:0])
	sum := s.sum
	k.pool.Put(s)
	return sum
}

// Keys are keys of which any may have signed.
type Keys []*Key

// Find returns the key that made a body's signature, nil if none did. All keys
// are tried, so that the time tells nothing of which one it was.
func (ks Keys) Find(body []byte, given Sum) *Key {
	var found *Key
	for _, k := range ks {
		if sum := k.Sign(body); hmac.Equal(sum[:], given[:]) {
			found = k
		}
	}
	return found
}

// SumPrefix stands before the digits in X-Hub-Signature-256.
const SumPrefix = "sha256="

// ParseSum reads the 64 hex digits of a signature.
func ParseSum(digits string) (sum Sum, ok bool) {
	if len(digits) != 2*sha256.Size {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(digits))
	return sum, err == nil
}

// SignPart signs a part of a body with the key that the whole was signed with, by
// one of r's headers: [SumPrefix], which may lack, and the digits. ok reports
// whether there is such a key.
func (ks Keys) SignPart(r *http.Request, header string, body, part []byte) (sum Sum, ok bool) {
	given, ok := ParseSum(strings.TrimPrefix(r.Header.Get(header), SumPrefix))
	if !ok {
		return sum, false
	}
	key := ks.Find(body, given)
	if key == nil {
		return sum, false
	}
	return key.Sign(part), true
}
