// Package destination says what a destination is: where events go, one after
// another or in batches, out of a durable queue of its own.
//
// A [Destination] is one of them as a configuration resolves it. Its kind is
// what differs between a URL and a dataset of Meta's: which events it wants, and
// as what ([Planner]), and how they are sent ([Sender]). Each kind is a package in
// a folder of this one: forward posts events to a URL, dataset reports conversions
// to Meta's Conversions API. What they have in common (queues, retries, order,
// limits, dead letters) is package delivery's.
//
// It imports the queue, for what is stored of a job, clicks, for the one that a
// conversion is credited to, and normalize, for what an event is; no Caddy, and
// nothing of delivery.
package destination

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Destination is the settings of a destination. They belong to a config; what
// is in flight and what waits belongs to the engine and outlives them.
type Destination struct {
	Dest    queue.Dest
	Kind    string // as it is called in the status, the metrics and the Caddyfile: "forward", "capi", "google"
	Target  string // what it is called in the status: the URL without query and user info, the dataset, or the account
	Sender  Sender
	Planner Planner
	// Raw is whether it gets webhooks as they came, and not the events in them.
	Raw bool
	// Options are what was configured, by the option's name, with defaults and
	// placeholders resolved: what must be equal where a name stands twice.
	Options map[string]any

	Ordered     bool          // events of one contact go one by one, in the order queued
	Concurrency int           // calls of Send at once, at least 1
	Rate        float64       // calls of Send a second; 0 = unlimited; the burst is one second's worth
	RetryFor    time.Duration // after the first attempt, then a failing event is dead
	Hold        time.Duration // how long a failing event holds back its contact's later ones; < 0 = forever
	Batch       int           // items of one Send at most, at least 1
	Linger      time.Duration // how long a batch that is not full waits for more
	InDoubt     InDoubt       // whether what is sent is noted before, and what is done with what may have arrived
}

// HoldForever is the Hold of an event that holds back its contact until it is gone.
const HoldForever time.Duration = -1

// DiffersFrom says in words in what two destinations of one name differ, "" if in
// nothing. It shows no value, for some are secrets.
func (d *Destination) DiffersFrom(other *Destination) string {
	if d.Kind != other.Kind {
		return "one is a " + d.Kind + ", the other a " + other.Kind
	}
	var options []string
	for option, value := range d.Options {
		if !reflect.DeepEqual(value, other.Options[option]) {
			options = append(options, "`"+option+"`")
		}
	}
	slices.Sort(options)
	switch {
	case len(options) == 1:
		return options[0] + " differs"
	case len(options) > 1:
		return strings.Join(options[:len(options)-1], ", ") + " and " + options[len(options)-1] + " differ"
	case d.Dest != other.Dest:
		return "the tenants differ"
	}
	return ""
}

// Overlaps says why two destinations of a tenant cannot stand side by side, "" where
// they can.
func (d *Destination) Overlaps(beside *Destination) string {
	if e, ok := d.Planner.(Exclusive); ok {
		return e.Overlaps(beside)
	}
	return ""
}
