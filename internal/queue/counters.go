package queue

import (
	"time"
)

// DayMS is a day in milliseconds, by which [Counter.Day] counts.
const DayMS = int64(24 * time.Hour / time.Millisecond)

// Counter adds to a figure that a store keeps for a tenant, a day and a key; an
// ad's id, say. It is written in the same step as its group, or not at all.
type Counter struct {
	Day   int64  // UTC, days since 1970-01-01
	Key   string // what is counted; without NUL and line feed
	Field string // which of its figures; likewise
	Add   int64  // what is added, from 0 up to MaxAdd
	Text  string // not "": the field holds this text from now on, and Add is nothing
	When  When
	Of    int // the index into Group.Events, for WhenQueued into Group.Jobs
	// Once is not "": what counts counts only if this key is not remembered, and
	// is then remembered for Window. It is no [Once] of a job.
	Once   string
	Window time.Duration
}

// When says which outcome a counter counts.
type When uint8

// The outcomes that count.
const (
	WhenNew    When = iota // the event is new
	WhenFirst              // the event is new, and its click is the contact's first that is stored
	WhenQueued             // the job is queued: no duplicate, no dead letter

	// Of notes alone.
	WhenDuplicate // the job is a duplicate, of an event that is new
	WhenDead      // the job is a dead letter from the beginning
)

// Count is a figure, or a text, as it stands.
type Count struct {
	Day        int64
	Key, Field string
	N          int64
	Text       string
}

const (
	// KeepCounters is how long counters are kept after their day.
	KeepCounters = 400 * 24 * time.Hour
	// MaxAdd bounds what one counter adds, so that sums stay exact in Redis,
	// whose scripts count in 53 bits: for nine million times that.
	MaxAdd = 1_000_000_000
	// MaxCounters bounds the fields of a tenant and day. What would be one more
	// is not counted.
	MaxCounters = 100_000
)
