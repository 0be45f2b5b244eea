package verify

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Secrets are the digests of secrets of which any may be right: to compare
// digests takes the same time whatever the length of what was sent.
type Secrets [][sha256.Size]byte

// Add adds a secret, which must not be empty.
func (s *Secrets) Add(text string) { *s = append(*s, sha256.Sum256([]byte(text))) }

// Has reports whether a text is one of the secrets. All are compared, so that the
// time tells nothing of which one it was.
func (s Secrets) Has(text string) bool {
	digest := sha256.Sum256([]byte(text))
	found := 0
	for i := range s {
		found |= subtle.ConstantTimeCompare(digest[:], s[i][:])
	}
	return found == 1
}

// Bearer reports whether a request brings one of the secrets as
// Authorization: Bearer <token>. The word may be written in any case.
func (s Secrets) Bearer(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && s.Has(strings.TrimLeft(token, " "))
}
