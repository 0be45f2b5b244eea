// Package queue is the durable store of an edge: for each destination an
// ordered set of undelivered entries, with append, read-from and delete; beside
// it the dead letters, the retry state, the contacts' clicks and the remembered
// ids.
//
// There are two implementations, in package embedded (a bbolt file) and in package
// redis (streams), a third in memory, in package memory, that they are compared
// with, and one conformance suite for all in queuetest.
package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Errors that callers branch on. The first two are answered with 503 by the edge.
var (
	// ErrFull says that the store takes no more: over max_size, disk full, or
	// Redis out of memory. Draining still works.
	ErrFull = errors.New("queue is full")
	// ErrUnavailable says that the store cannot be reached or written.
	ErrUnavailable = errors.New("queue is unavailable")
	// ErrLost says that another edge drains the destination now: what failed here
	// is for that one to try and to judge.
	ErrLost = errors.New("the right to drain was lost")
	// ErrNotFound says that a named destination or dead letter does not exist.
	ErrNotFound = errors.New("not found")
	// ErrInvalid says that what was asked for can't be: a parameter is no id.
	ErrInvalid = errors.New("bad parameter")
)

// ID is an event's id (UUID v5), see normalize.ID.
type ID = [16]byte

// Dest names a destination's queue. Names are global in a configuration: the name
// is the queue's identity, and the tenant is where a Redis Cluster keeps it.
type Dest struct{ Tenant, Name string }

// Unmatched is the destination whose dead letters are the events that no
// tenant's match wanted: the newest UnmatchedKeep of them.
var Unmatched = Dest{Name: "unmatched"}

// UnmatchedKeep is how many unmatched events are kept.
const UnmatchedKeep = 10_000

// Options are the settings of a store that a reload may change.
type Options struct {
	Dedupe         time.Duration // how long an event id is remembered at the least, from when it came or its own time, whichever is later
	RememberClicks time.Duration // how long a contact's click is kept after the contact's last click
	KeepDead       time.Duration // how long a dead letter is kept
	MaxBacklog     int           // entries of one destination; what comes beyond becomes its dead letter "overflow"
	MaxSize        int64         // embedded: bytes of what waits and of dead letters; over it ErrFull
}

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

// Job puts one payload into one destination's queue, if any of its events is
// new and none of the once keys that it looks up is remembered.
type Job struct {
	Dest    Dest
	Events  []int // indexes into Group.Events
	Once    []Once
	Payload int // index into Group.Payloads
	Header  Header
	Dead    *Reason // set: the entry becomes a dead letter at once (to Unmatched, of a group without tenant)
}

// Once is a key that makes a job a duplicate while it is remembered: for Window
// from the time that it was set. A job of which one key that it looks up is
// remembered is not queued, and none of its keys is set.
type Once struct {
	Key    string
	Window time.Duration
	Use    Use
}

// Use is what a job does with a once key.
type Use uint8

// The uses of a key.
const (
	Claim Use = iota // a duplicate if it is remembered, else set it
	Look             // a duplicate if it is remembered; don't set it
	Mark             // set it, whether it is remembered or not
)

// Format says what an entry's payload is.
type Format uint8

// The formats.
const (
	FormatEvent Format = iota + 1 // unified JSON
	FormatRaw                     // a webhook's body as it came
	FormatCAPI                    // unified JSON, to be reported to the Conversions API
)

// Header is what an entry carries beside its payload.
type Header struct {
	EventID     ID
	Format      Format
	Kind        uint8  // normalize.Kind, 0 for FormatRaw
	Contact     string // the order key; "" = unordered
	ClickKey    string // the contact's key in the click store; "" = no attribution
	Time        int64  // the event's own time, ms
	QueuedAt    int64  // when the edge took it, ms
	Attribution uint32 // offset of the null in the payload that attribution replaces; 0 = none
	HTTP        []HTTPHeader
	Meta        []byte // for the sender's own use, opaque here
}

// HTTPHeader is a header of the webhook that a raw entry passes on.
type HTTPHeader struct{ Name, Value string }

// Outcome says what became of a job in Append.
type Outcome uint8

// The outcomes.
const (
	Queued    Outcome = iota + 1
	Duplicate         // its events, or one of its once keys, were known
	Overflow          // became a dead letter, since the destination's backlog is full
	Died              // became a dead letter, as the job asked
)

// Result is what became of a group.
type Result struct {
	New  []bool    // per event
	Jobs []Outcome // per job
	Err  error     // ErrFull, ErrUnavailable or another; then nothing of the group is stored, as far as is known
}

// Pos is an entry's place in its destination's queue; later entries have
// greater ones. In Redis Ms is that of the stream id, in the embedded store 0.
type Pos struct{ Ms, Seq uint64 }

// Less says whether p comes before q.
func (p Pos) Less(q Pos) bool { return p.Ms < q.Ms || p.Ms == q.Ms && p.Seq < q.Seq }

// Entry is an undelivered job.
type Entry struct {
	Pos     Pos
	Header  Header
	Payload []byte // the caller's own
}

// Retry is the state of an entry that failed and waits.
type Retry struct {
	Pos      Pos
	Attempts int
	FirstAt  int64 // of the first attempt, ms
	Due      int64 // ms
	Reason   string
}

// Failed are the results of n groups that failed alike.
func Failed(n int, err error) []Result {
	results := make([]Result, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}

// Reason is why something became a dead letter.
type Reason struct {
	Reason      string // a word or a short sentence: overflow, expired, "404 Not Found"
	Code        string // the HTTP status, or Meta's code/subcode; "" if none
	Explanation string // what it means and what to do
}

// OverflowReason is why a dead letter is one for which there was no room.
var OverflowReason = Reason{
	Reason:      "overflow",
	Explanation: "the destination's backlog was full (max_backlog) when the event came; replay it when the destination takes events again",
}

// NoRoom is the error of a replay of n letters that these destinations had no
// room for all of, nil if there were none.
func NoRoom(n int, full map[string]bool) error {
	if len(full) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(full))
	return fmt.Errorf("%w: %d went back, the rest stay: the backlog of %s has reached max_backlog", ErrFull, n, strings.Join(names, " and "))
}

// Death moves an entry to the dead letters.
type Death struct {
	Pos      Pos
	Attempts int
	FirstAt  int64 // ms, 0 if it was never tried
	Reason
}

// DeadLetter is an event that a destination refused for good.
type DeadLetter struct {
	ID       string // unique in the store; orders by time within a destination
	Dest     Dest
	Attempts int
	FirstAt  int64
	DiedAt   int64
	Reason
	Header  Header
	Payload []byte
}

// DeadFilter selects dead letters. The zero value selects all.
type DeadFilter struct {
	Destination string // "" = all
	IDs         []string
	Reason      string // "" = all
	Since       int64  // died at or after, ms
	After       string // an ID; list what comes after it (newest first). ErrInvalid if it can be none
	Limit       int    // 0 = no limit
	Bytes       int    // list no more after the letter with which payloads are larger than this; 0 = no limit
	Bare        bool   // list without payloads
}

// State is what a destination remembers over restarts.
type State struct {
	Paused bool   // by an operator, or by a 410
	Parked bool   // by Meta's refusal of the token, the permission or the configuration
	Reason string // in words
	Since  int64  // ms
}

// Info is what a store knows of a destination.
type Info struct {
	Dest
	Backlog  int
	Dead     int
	OldestAt int64 // QueuedAt of the oldest entry, ms; 0 if empty
	State    State
}

// Queue is a durable store. All its methods may be called at once.
type Queue interface {
	// Append stores each group in one atomic, durable step: it looks up the
	// events' ids, and queues the jobs of the new ones, with the clicks.
	// A group that fails leaves the others alone. It waits for durability, or
	// until ctx ends: what was on its way then may still be stored.
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
	// Erase removes a contact's clicks, what leads to them, and the dead letters
	// of the tenant and of Unmatched that name it, by any of its keys. It counts
	// the clicks as one, each alias, and each dead letter.
	Erase(ctx context.Context, tenant string, key string) (int, error)

	// Counters returns a tenant's counters of the days from to to, both
	// included, by day.
	Counters(ctx context.Context, tenant string, from, to int64) ([]Count, error)

	// Destinations lists every destination that the store knows.
	Destinations(ctx context.Context) ([]Info, error)
	SetState(ctx context.Context, d Dest, s State) error
	// Move appends the entries and dead letters of a destination to another of
	// the same tenant, in order, and forgets the first; they have failed nowhere
	// yet. Drop discards them.
	Move(ctx context.Context, from, to Dest) (int, error)
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
	DropDead(ctx context.Context, f DeadFilter) (int, error)

	Configure(Options)
	// Close stops everything and waits for it. Drains must be closed before.
	Close() error
}

// Drain is the reading end of a destination's queue.
type Drain interface {
	// Epoch says whether this edge may start new sends now, and changes when
	// the right was lost or the store was away in between: the reader must then
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
	// Retry stores that entries failed and when they are due. Entries that are
	// gone are left out. The error is ErrLost if another edge has the right to
	// drain, or nobody: what is not stored by then is not.
	Retry(ctx context.Context, r []Retry) error
	// Dead moves entries to the dead letters, under the same conditions.
	Dead(ctx context.Context, d []Death) error

	// Close gives the right back.
	Close()
}
