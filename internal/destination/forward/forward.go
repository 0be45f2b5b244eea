// Package forward is the kind of destination that posts events to a URL, one at a
// time: as unified JSON, or the provider's webhook as it came. Begin at [New].
//
// A [Planner] says which events it gets, a [Sender] posts them and reads what the
// answer means, and [Check] is what the doctor says of it.
package forward

import (
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
)

// Kind is what these destinations are called in the status, the metrics and the
// Caddyfile.
const Kind = "forward"

// Settings are a destination's, resolved: with defaults, and placeholders replaced.
type Settings struct {
	Dest     queue.Dest
	Wants    destination.Wants
	Rate     float64       // requests a second; 0 = unlimited
	RetryFor time.Duration // after the first attempt
	Hold     time.Duration // how long a failing event holds back its contact's later ones, or destination.HoldForever
	Config
}

// New makes a destination. Its errors show no secret. What differs between two of
// one name is the caller's to fill in.
func New(s *Settings) (*destination.Destination, error) {
	sender, err := NewSender(s.Config)
	if err != nil {
		return nil, err
	}
	return &destination.Destination{
		Dest: s.Dest, Kind: Kind, Target: printable.URL(s.URL), Raw: s.Raw,
		Planner: &Planner{Wants: s.Wants, Raw: s.Raw}, Sender: sender,
		Ordered: true, Concurrency: s.Concurrency, Rate: s.Rate, RetryFor: s.RetryFor, Hold: s.Hold, Batch: 1,
	}, nil
}
