package links

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// How many new codes there are in a minute.
const (
	perAddress = 30
	perLink    = 600
)

// minute is for how long a code counts.
const minute = time.Minute

// maxCounted is how many addresses and links are counted at once. What is counted made
// a code in the last minute, and so are links' own limits long before.
const maxCounted = 1 << 17

// Limits bounds how many new codes an address and a link get in a minute. It keeps no
// address, but what a key of its own, which nobody has, makes of one; and that for a
// minute.
type Limits struct {
	now func() time.Time
	key [32]byte

	mu    sync.Mutex
	count map[limited]*window
	swept time.Time
}

// limited is an address or a link, by its MAC.
type limited [16]byte

// window counts from its first code on.
type window struct {
	until time.Time
	n     int
}

// NewLimits makes an empty one.
func NewLimits(now func() time.Time) *Limits {
	l := &Limits{now: now, count: make(map[limited]*window)}
	_, _ = rand.Read(l.key[:]) // never fails: crypto/rand
	return l
}

// which limit was reached.
type limit uint8

const (
	within limit = iota
	linkFull
	addressFull
)

// take counts a code for a link and an address, or says which of them has too many;
// back takes that back where the code was none new.
func (l *Limits) take(tenant, link, address string) (reached limit, back func()) {
	ofLink, ofAddress := l.mac("link", tenant, link), l.mac("address", network(address))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	if !l.add(ofLink, perLink) {
		return linkFull, func() {}
	}
	if !l.add(ofAddress, perAddress) {
		l.drop(ofLink)
		return addressFull, func() {}
	}
	return within, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.drop(ofLink)
		l.drop(ofAddress)
	}
}

func (l *Limits) add(of limited, most int) bool {
	now := l.now()
	w := l.count[of]
	if w == nil {
		if len(l.count) >= maxCounted {
			return false
		}
		w = new(window)
		l.count[of] = w
	}
	if !now.Before(w.until) {
		*w = window{until: now.Add(minute)}
	}
	if w.n >= most {
		return false
	}
	w.n++
	return true
}

// drop counts one less. What counts nothing is forgotten: a visitor who made no code.
func (l *Limits) drop(of limited) {
	w := l.count[of]
	if w == nil || w.n == 0 {
		return // its minute is over
	}
	if w.n--; w.n == 0 {
		delete(l.count, of)
	}
}

// sweep forgets, once a minute, those whose minute is over.
func (l *Limits) sweep() {
	now := l.now()
	if now.Before(l.swept.Add(minute)) {
		return
	}
	l.swept = now
	for of, w := range l.count {
		if !now.Before(w.until) {
			delete(l.count, of)
		}
	}
}

func (l *Limits) mac(words ...string) (of limited) {
	h := hmac.New(sha256.New, l.key[:])
	for _, word := range words {
		_, _ = h.Write([]byte(word)) // never fails: hash.Hash
		_, _ = h.Write([]byte{0})
	}
	copy(of[:], h.Sum(nil))
	return of
}

// network is what counts as one address: of IPv6 the 64 bits that one customer has at
// the least.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.Prefix(64) // of IPv6 there is one
	return prefix.String()
}
