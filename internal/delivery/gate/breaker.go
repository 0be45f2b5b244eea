package delivery

import (
	"slices"
	"time"
)

// What opens a breaker: so many failures in a row, from so many contacts.
const (
	breakerFailures = 10
	breakerContacts = 3
)

// breaker stops the sends to a destination that takes nothing. While it is
// open, one probe at a time is sent.
type breaker struct {
	fails    int
	contacts []uint64 // the first breakerContacts of those that failed in a row

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
			b.probeAt = now + max(wish, doubled(firstProbe, longestProbe, b.probes))
		}
		return
	}
	b.fails++
	if len(b.contacts) < breakerContacts && !slices.Contains(b.contacts, contact) {
		b.contacts = append(b.contacts, contact)
	}
	if b.fails >= breakerFailures && len(b.contacts) >= breakerContacts {
		b.open = true
		b.probes = 0
		b.probeAt = now + max(wish, firstProbe)
	}
}

// success closes the breaker.
func (b *breaker) success() {
	b.fails, b.contacts, b.open = 0, b.contacts[:0], false
}
