package queue

import "time"

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

// Admission is what became of a job when it was appended.
type Admission uint8

// The admissions.
const (
	Queued    Admission = iota + 1
	Duplicate           // its events, or one of its once keys, were known
	Overflow            // became a dead letter, since the destination's backlog is full
	Died                // became a dead letter, as the job asked
)

// Result is what became of a group.
type Result struct {
	New  []bool      // per event
	Jobs []Admission // per job
	Err  error       // ErrFull, ErrUnavailable or another; then nothing of the group is stored, as far as is known
}
