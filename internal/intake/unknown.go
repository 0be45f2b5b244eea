package intake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// Who sends codes that stand for nothing may be guessing. After some in a day the codes
// of that contact are not looked up until the day is over.
const (
	maxUnknownCodes = 5
	maxUnknownNames = 1 << 16 // contacts that are counted; beyond it one is forgotten
)

// unknownCodes are those of all blocks.
var unknownCodes = newUnknowns()

// unknowns counts messages with codes that stand for nothing, by contact and day (UTC).
// It keeps no name of a contact, but what a key of its own, which nobody has, makes of one.
type unknowns struct {
	key [32]byte

	mu    sync.Mutex
	day   int64
	count map[[16]byte]guesses
}

// guesses are a contact's: its messages, each once however often it is delivered.
type guesses struct {
	n  int
	of [maxUnknownCodes][8]byte
}

func newUnknowns() *unknowns {
	u := &unknowns{count: make(map[[16]byte]guesses)}
	_, _ = rand.Read(u.key[:]) // never fails: crypto/rand
	return u
}

// resting reports whether a contact's codes are not looked up today.
func (u *unknowns) resting(tenant, contact string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begin(now)
	return len(u.count) > 0 && u.count[u.name(tenant, contact)].n >= maxUnknownCodes
}

// add counts a message, of this key, with a code that stands for nothing.
func (u *unknowns) add(tenant, contact string, message []byte, now time.Time) {
	name, of := u.name(tenant, contact), u.name(tenant, string(message))
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begin(now)
	its, counted := u.count[name]
	if its.n >= maxUnknownCodes || slices.Contains(its.of[:its.n], [8]byte(of[:8])) {
		return
	}
	if !counted && len(u.count) >= maxUnknownNames {
		for other := range u.count {
			delete(u.count, other)
			break
		}
	}
	its.of[its.n] = [8]byte(of[:8])
	its.n++
	u.count[name] = its
}

// begin forgets yesterday.
func (u *unknowns) begin(now time.Time) {
	if day := now.Unix() / int64(24*time.Hour/time.Second); day != u.day {
		u.day = day
		clear(u.count)
	}
}

func (u *unknowns) name(tenant, contact string) (name [16]byte) {
	h := hmac.New(sha256.New, u.key[:])
	_, _ = h.Write([]byte(tenant + "\x00" + contact)) // never fails: hash.Hash
	copy(name[:], h.Sum(nil))
	return name
}
