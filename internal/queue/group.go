package queue

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
