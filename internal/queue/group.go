package queue

import (
	"slices"
	"time"
)

// Group is one tenant's part of one webhook: stored whole or not at all.
// The store may read its bytes until Append has returned; when Append returns
// an error, also after that: the caller then leaves them to the collector.
type Group struct {
	Tenant   string
	Events   []Event
	Payloads [][]byte // shared by jobs
	Jobs     []Job
	Counters []Counter
}

// Event is what a store must know of an event to store it once.
type Event struct {
	ID   ID
	Time int64 // the provider's time, ms; 0 if it gave none. Copies of an event may differ in it

	// Seal is an id of what vouches for the event, where that would vouch for
	// another too: the event is new only if its seal is. It is remembered with
	// the event, by the day of its arrival. The zero ID is none.
	Seal ID

	// Contact is the contact's key, see package clicks; "" if the event has
	// none. Aliases are the contact's other keys, MessageID the message's key.
	// They are written when the contact has a click, or this event is one.
	Contact   string
	Aliases   []string
	MessageID string
	Click     *Click // nil if the event is no ad click

	// Former are contact keys of the same person's old identities. What is stored
	// under them moves to Contact, and they become aliases of it.
	Former []string
}

// KeptClick is the event's click, nil where there is none to be kept.
func (ev *Event) KeptClick() *Click {
	if c := ev.Click; c != nil && len(c.Data) > 0 && ev.Contact != "" {
		return c
	}
	return nil
}

// SealEvent is an event's seal as the event that it is remembered as, nil for none.
func (ev *Event) SealEvent() *Event {
	if ev.Seal == (ID{}) {
		return nil
	}
	return &Event{ID: ev.Seal}
}

// FormerKeys are the keys of old identities, of which no store takes more than maxFormer:
// their number has six bits in a call of Redis.
func (ev *Event) FormerKeys() []string {
	if len(ev.Former) == 0 {
		return nil
	}
	keys := slices.DeleteFunc(slices.Clone(ev.Former), func(key string) bool { return key == "" })
	return keys[:min(len(keys), maxFormer)]
}

const maxFormer = 63

// aheadMs is how far in the future a provider's time is believed. An id whose
// event is later still counts from then, or it would be remembered for years.
const aheadMs = 2 * 24 * int64(time.Hour/time.Millisecond)

// RememberedFrom is when the window of an event's id begins, ms: when it came, or at
// its own time, whichever is later. Another copy may carry another time, and none
// of them may come through while one is remembered.
func RememberedFrom(at, now int64) int64 { return max(now, min(at, now+aheadMs)) }

// Click is what is kept of an ad click. Of each contact a store keeps the
// oldest, the newest and the newest with a click id.
type Click struct {
	At      int64  // ms; one in the future counts as now
	HasClid bool   // carries a ctwa_clid
	Data    []byte // JSON, see package clicks; a click without it is none
}

// Clicks are a contact's stored clicks; nil for a contact without.
type Clicks struct {
	First, Last, LastClid []byte // JSON; LastClid is the newest with a ctwa_clid
}
