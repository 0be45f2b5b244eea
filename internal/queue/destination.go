package queue

// Dest names a destination's queue. Names are global in a configuration: the name
// is the queue's identity, and the tenant is where a Redis Cluster keeps it.
type Dest struct{ Tenant, Name string }

// Unmatched is the destination whose dead letters are the events that no
// tenant's match wanted: the newest UnmatchedKeep of them.
var Unmatched = Dest{Name: "unmatched"}

// UnmatchedKeep is how many unmatched events are kept.
const UnmatchedKeep = 10_000

// State is what a destination remembers over restarts.
type State struct {
	Paused bool   // by an operator, or by a 410
	Parked bool   // by Meta's refusal of the token, the permission or the configuration
	Reason string // in words
	Since  int64  // ms; of one that is neither, when an operator last had it go on
}

// Info is what a store knows of a destination.
type Info struct {
	Dest
	Backlog  int
	Dead     int
	OldestAt int64 // QueuedAt of the oldest entry, ms; 0 if empty
	Awaiting int   // entries with a receipt, as the [Awaiter] that drains it said last; 0 where none did
	State    State
}
