// Package dataset is the kind of destination that reports conversions to a dataset
// of Meta's Conversions API, through package capi. Begin at [New].
//
// A [Planner] says which events are conversions of its, under which name, and what
// makes them duplicates; [Stages] does of a dataset that hears what becomes of lead ads'
// leads; a [Sender] builds and posts them in batches and reads what
// the answer means; [Check] is what the doctor says of it.
package dataset

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// Kind is what these destinations are called in the status, the metrics and the
// Caddyfile.
const Kind = "capi"

// Channels are those of which Meta takes conversions.
var Channels = []string{"whatsapp", "messenger", "instagram"}

// LeadAds is what stands in the place of channels of a dataset that stages of leads go to. It
// stands alone: such a dataset belongs to no chat.
const LeadAds = "lead_ads"

// concurrency is how many batches are under way at once.
const concurrency = 4

// Settings are a destination's, resolved: with defaults, and placeholders replaced.
type Settings struct {
	Dest     queue.Dest
	Channels []string      // none: what no other dataset of the tenant names; or LeadAds alone
	Dedupe   time.Duration // how long event ids are remembered
	RetryFor time.Duration // after the first attempt; at most capi.MaxAge
	Batch    int           // events in one request at the most, up to capi.MaxBatch
	Linger   time.Duration // how long an event waits for others to share its request
	Config
}

// New makes a destination. What differs between two of one name is the caller's to
// fill in.
func New(s *Settings) *destination.Destination {
	inDoubt := destination.SendAgain
	if s.Config.Settings.OnTimeoutDrop {
		inDoubt = destination.Bury
	}
	var planner destination.Planner = &Planner{Settings: s.Config.Settings, Channels: s.Channels, Dedupe: s.Dedupe}
	if slices.Contains(s.Channels, LeadAds) {
		planner = &Stages{Settings: s.Config.Settings}
	}
	return &destination.Destination{
		Dest: s.Dest, Kind: Kind, Target: s.Config.Settings.Dataset,
		Planner:     planner,
		Sender:      NewSender(s.Config),
		Concurrency: concurrency, RetryFor: s.RetryFor, Batch: s.Batch, Linger: s.Linger,
		InDoubt: inDoubt,
	}
}
