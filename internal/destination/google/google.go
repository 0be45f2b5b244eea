// Package google is the kind of destination that reports conversions to Google Ads, by
// package google of the Data Manager API. Begin at [New].
//
// A [Planner] says which clicks and conversions are reported, to which conversion action;
// a [Sender] holds events until their click is old enough, sends them in batches, and
// asks later what became of them (ledger.go); [Check] is what the doctor says of it.
package google

import (
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// Kind is what these destinations are called in the status, the metrics and the
// Caddyfile.
const Kind = "google"

// concurrency is how many batches are under way at once.
const concurrency = 4

// Settings are a destination's, resolved: with defaults, and placeholders replaced.
type Settings struct {
	Dest     queue.Dest
	Dedupe   time.Duration // how long event ids are remembered
	RetryFor time.Duration // after the first attempt
	Batch    int           // events in one request at the most, up to google.MaxBatch
	Linger   time.Duration // how long an event waits for others to share its request
	Config
}

// New makes a destination. What differs between two of one name is the caller's to
// fill in. Events of one transaction id go one after another: a later one corrects the
// earlier, so that it waits for as long as that takes. An event that is sent twice is one
// to Google, so that nothing is noted before it leaves.
func New(s *Settings) *destination.Destination {
	return &destination.Destination{
		Dest: s.Dest, Kind: Kind, Target: s.Config.Settings.Account,
		Planner: &Planner{Settings: s.Config.Settings, Actions: s.Actions, Dedupe: s.Dedupe},
		Sender:  NewSender(s.Config),
		Ordered: true, Hold: destination.HoldForever,
		Concurrency: concurrency, RetryFor: s.RetryFor, Batch: s.Batch, Linger: s.Linger,
		InDoubt: destination.Unnoted,
	}
}

// Actions are the conversion actions of an account, by our names of events: Google has no
// names. Several names may share one.
type Actions map[string]string

// lead is the name that a contact's click is reported as.
const lead = "Lead"

// Of is the conversion action of a name, "" for none. LeadSubmitted is Lead: Meta's word
// for it in chats.
func (a Actions) Of(name string) string { return a[common(name)] }

func common(name string) string {
	if name == "LeadSubmitted" {
		return lead
	}
	return name
}
