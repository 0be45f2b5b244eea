package gate

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/backoff"
)

// What opens a breaker: so many failures in a row, from so many contacts.
const (
	BreakerFailures = 10
	BreakerContacts = 3
)

// How long an open breaker waits for its next probe: doubled from the first on.
const (
	firstProbe   = time.Second
	longestProbe = 30 * time.Second
)

// breaker stops the sends to a destination that takes nothing. While it is
// open, one probe at a time is sent.
type breaker struct {
	fails    int
	contacts []uint64 // the first BreakerContacts of those that failed in a row

	open    bool
	probing bool
	probes  int           // that failed in a row
	probeAt time.Duration // when the next may be sent
}

// failure notes a failed attempt, and the destination's wish to be left alone.
// The wish counts in full for the event that it was said of; a probe is another
// event, and waits no longer than probes do, or one event's wish would stop all.
func (b *breaker) failure(contact uint64, probe bool, now, wish time.Duration) {
	wish = min(wish, longestProbe)
	if b.open {
		if probe {
			b.probes++
			b.probeAt = now + max(wish, backoff.Doubled(firstProbe, longestProbe, b.probes))
		}
		return
	}
	b.fails++
	if len(b.contacts) < BreakerContacts && !slices.Contains(b.contacts, contact) {
		b.contacts = append(b.contacts, contact)
	}
	if b.fails >= BreakerFailures && len(b.contacts) >= BreakerContacts {
		b.open = true
		b.probes = 0
		b.probeAt = now + max(wish, firstProbe)
	}
}

// success closes the breaker.
func (b *breaker) success() {
	b.fails, b.contacts, b.open = 0, b.contacts[:0], false
}
