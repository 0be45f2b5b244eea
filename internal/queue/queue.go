// Package queue is the contract of a durable store: what an edge hands over before it
// answers 200, and what it takes out again to deliver. Begin with [Queue] and [Drain].
//
// # What comes in
//
// A verified webhook becomes a [Group] for each tenant: its events, a [Job] for each
// destination that wants some of them, the payloads that jobs share, and what is counted
// of ads, a [Counter] each. [Queue.Append] stores a group in one atomic, durable step. It looks up what it
// remembers: the ids of events, so that what comes twice is queued once, and the [Once]
// keys of jobs, so that what was reported is not reported again. A [Click] is kept under
// its contact's keys, and so is a [Note] of what became of a conversion. Beside all that a
// [Fact] is kept of what others were asked for.
//
// # What goes out
//
// A job that is queued is an [Entry] of its destination, at a [Pos]. A destination is
// drained by one edge at a time, through a [Drain]: it reads from the head, sends, and
// says what became of it. Delivered entries are removed, failed ones wait with a
// [Retry], refused ones become a [DeadLetter] by a [Death]. Entries never expire. Where
// nothing may be sent twice without a word, a [Departure] is noted before.
//
// # Stores
//
// Package embedded is a bbolt file with a journal before it, for one edge; package redis
// is streams, for several. Package memory is the same in memory, in its plainest form,
// which both are compared with by TestStoresAreOne here. Package queuetest is the
// conformance suite of all three. Package codec has the records that both durable stores
// write, package batch the gathering of writes.
//
// A new store implements Queue, passes queuetest, joins TestStoresAreOne, and gets its
// line in caddymodule. What stores decide alike is in rules.go.
//
// Times are milliseconds since 1970 where they are numbers. This package imports nothing
// of Leadgate.
package queue

import (
	"context"
	"time"
)

// ID is an event's id (UUID v5), see normalize.ID.
type ID = [16]byte

// Options are the settings of a store that a reload may change.
type Options struct {
	Dedupe         time.Duration // how long an event id is remembered at the least, from when it came or its own time, whichever is later
	RememberClicks time.Duration // how long a contact's click is kept after the contact's last click
	KeepDead       time.Duration // how long a dead letter is kept
	MaxBacklog     int           // entries of one destination; what comes beyond becomes its dead letter "overflow"
	MaxCodes       int           // codes without Claim of one Of; beyond it ErrTooManyCodes. 0 = DefaultMaxCodes
	MaxUnclaimed   int           // codes with Claim of a tenant that nobody claimed; beyond it the oldest goes. 0 = DefaultMaxUnclaimed
	MaxSize        int64         // embedded: bytes of what waits and of dead letters; over it ErrFull
}

// Queue is a durable store. All its methods may be called at once. What fails for want
// of the store is [ErrUnavailable], for want of room [ErrFull].
type Queue interface {
	// Append stores each group in one atomic, durable step: it looks up the
	// events' ids, and queues the jobs of the new ones, with the clicks.
	// A group that fails leaves the others alone: the results, one for each group,
	// have their own errors. It waits for durability, or until ctx ends: what was on
	// its way then may still be stored.
	//
	// A new event with a Claim makes the code its contact's, in the same step. If that is
	// not to be (see [Code.ClaimableBy]) its group fails with ErrClaimed. An event that
	// is known claims nothing, and nothing is asked of its code.
	Append(ctx context.Context, groups []Group) []Result

	// Drain asks for the right to drain d, which one edge has at a time, and
	// keeps asking until the Drain is closed. wake is called, from any
	// goroutine and never blocking long, when there may be something to do:
	// entries came, the right was won or lost, the state was set, the store
	// came back, and once at the beginning. It must not close the Drain.
	//
	// What destinations of d's name of other tenants have becomes d's first: their
	// entries, before d's own, with their retry state, their dead letters, and
	// their state where d has none. Who drains them is waited for.
	Drain(d Dest, wake func()) Drain

	// Clicks returns the clicks of contacts (keys, aliases or message ids),
	// one for each key, the zero Clicks where there are none.
	Clicks(ctx context.Context, tenant string, keys []string) ([]Clicks, error)
	// Remembers reports for each once key whether it is remembered.
	Remembers(ctx context.Context, tenant string, once []string) ([]bool, error)
	// Notes returns the journals of contacts, by keys as Clicks takes them, together: each
	// note once, the newest first.
	Notes(ctx context.Context, tenant string, keys []string) ([]Note, error)
	// Erase removes a contact's clicks and journal, what leads to them, the codes that it
	// claimed, and the dead letters of the tenant and of Unmatched that name it, by any of its
	// keys. It counts the clicks, or the journal where there are none, as one, each alias,
	// each code, and each dead letter.
	Erase(ctx context.Context, tenant string, key string) (int, error)

	// PutCode stores a code, unless one is stored under its Key: it returns the one that
	// is in force, and whether it is new. The error is ErrCodeTaken where the code stands
	// for another key, ErrTooManyCodes where MaxCodes are stored without Claim of this Of,
	// and ErrFull where the store is. Beyond MaxUnclaimed of those that nobody claimed one
	// goes: the oldest, which is the one that would be gone first.
	PutCode(ctx context.Context, tenant string, c Code) (Code, bool, error)
	// Codes looks codes up, one for each, the zero Code where none is stored.
	Codes(ctx context.Context, tenant string, codes []string) ([]Code, error)

	// Counters returns a tenant's counters of the days from to to, both
	// included, by day, key and field. Days are UTC, since 1970-01-01.
	Counters(ctx context.Context, tenant string, from, to int64) ([]Count, error)

	// PutFacts keeps facts, each in the place of the one with its group and key. The error is
	// ErrTooManyFacts for a group that would have too many.
	PutFacts(ctx context.Context, tenant string, facts []Fact) error
	// Facts returns the facts of groups, by group as asked for, and key.
	Facts(ctx context.Context, tenant string, groups ...string) ([]Fact, error)
	// Claim gives a tenant's task to one of those that ask for it, until d has passed, and
	// reports whether it is by's: who has it may claim it again, and so keep it. It is no
	// right, as that to drain is: it spares work that may be done twice.
	Claim(ctx context.Context, tenant, task, by string, d time.Duration) (bool, error)

	// Destinations lists every destination that the store knows.
	Destinations(ctx context.Context) ([]Info, error)
	// SetState replaces what a destination remembers, and wakes who drains it.
	SetState(ctx context.Context, d Dest, s State) error
	// Move appends the entries and dead letters of a destination to another of
	// the same tenant, in order, and forgets the first; they have failed nowhere
	// yet. It returns how many there were. The error is ErrNotFound for a
	// destination that the store doesn't know.
	Move(ctx context.Context, from, to Dest) (int, error)
	// Drop discards a destination with its entries and dead letters, some at a time, and
	// returns how many there were. The error is ErrNotFound as in Move.
	Drop(ctx context.Context, d Dest) (int, error)

	// Dead lists dead letters, newest first.
	Dead(ctx context.Context, f DeadFilter) ([]DeadLetter, error)
	// ReplayDead puts dead letters back at the end of their queue; DropDead
	// discards them. Both return how many, and ask neither for a limit nor for a
	// place in the list. Letters for which a destination's backlog has no room
	// stay, and the error is then ErrFull, beside the number of those that went.
	// A dead letter of Unmatched is not replayed here: the edge routes it again
	// and drops it.
	ReplayDead(ctx context.Context, f DeadFilter) (int, error)
	// DropDead discards dead letters, see ReplayDead.
	DropDead(ctx context.Context, f DeadFilter) (int, error)

	// Configure replaces the options, from the next call on.
	Configure(Options)
	// Close stops everything and waits for it: what was accepted is stored first.
	// Drains must be closed before.
	Close() error
}

// Awaiter is a Drain of a store that several edges share: it lets the others know how many
// entries have a receipt, which only who drains them knows, by Info.Awaiting. That goes
// away by itself when nobody says it any more.
type Awaiter interface {
	// Awaits says how many it is now; it returns at once.
	Awaits(n int)
}

// Drain is the reading end of a destination's queue, of one edge. All its methods may
// be called at once.
//
// A reader that has the right to drain begins at the zero [Pos] and reads on behind
// the last entry that it read; the store keeps no place for it. When the epoch changes,
// it begins again.
type Drain interface {
	// Epoch reports whether this edge may start new sends now. The number changes
	// when the right was lost or the store was away in between: the reader must then
	// forget what it knew of its entries and read again from the head.
	Epoch() (epoch uint64, ok bool)

	// State is the destination's state as last read or set.
	State(ctx context.Context) (State, error)
	// Retries returns the retry state of all entries that have one.
	Retries(ctx context.Context) ([]Retry, error)
	// Read returns up to n entries after a position, in order, of about at most
	// maxBytes together (at least one if there is one).
	Read(ctx context.Context, after Pos, n, maxBytes int) ([]Entry, error)
	// Get returns the entries at these positions; missing ones are left out.
	Get(ctx context.Context, at []Pos) ([]Entry, error)

	// Done removes delivered entries, whoever has the right to drain: they were
	// delivered.
	Done(ctx context.Context, at []Pos) error
	// Retry stores that entries wait, why, and when they are due. Entries that are
	// gone are left out. The error is ErrLost if another edge has the right to
	// drain, or nobody: what is not stored by then is not.
	Retry(ctx context.Context, r []Retry) error
	// Dead moves entries to the dead letters, under the same conditions.
	Dead(ctx context.Context, d []Death) error

	// Depart notes that entries are about to be sent, and returns the note's id when it
	// is durable. The error is ErrLost as for Retry: nothing may be sent then. An id beside
	// an error is of a note that may stand all the same, to be forgotten.
	Depart(ctx context.Context, at []Pos) (id string, err error)
	// Departures returns the notes that stand, but for those of this Drain itself: what
	// an edge left that died or lost the right to drain, or this one before it was
	// closed. They stay when entries come to another name or tenant.
	Departures(ctx context.Context) ([]Departure, error)
	// Forget removes notes, whoever has the right to drain: what became of their entries
	// is stored, or nothing was sent.
	Forget(ctx context.Context, ids []string) error

	// Close gives the right back.
	Close()
}
