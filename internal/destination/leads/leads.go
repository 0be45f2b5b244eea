// Package leads is the kind of destination that fetches what a person wrote into a form of
// a lead ad: Meta's webhook has the ids alone. Begin at [New].
//
// A [Planner] has a tenant's bare leads go here, before its other destinations; a [Sender]
// reads each by its id from the Graph API, makes the whole event of it (answer.go) and has
// it queued for the others, once; a [Reconciler] finds the leads that no webhook
// brought; [Check] is what the doctor says of it.
package leads

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Kind is what these destinations are called in the status, the metrics and the Caddyfile.
const Kind = "leads"

// concurrency is how many leads are read at once.
const concurrency = 4

// Settings are a destination's, resolved: with defaults, and placeholders replaced.
type Settings struct {
	Dest     queue.Dest
	RetryFor time.Duration // after the first attempt
	Report   string        // as what each lead is reported as it comes; "" = as nothing
	Config
}

// Config is what reads leads.
type Config struct {
	Endpoint     string // https://graph.facebook.com
	GraphVersion string // v27.0
	UserAgent    string
	Credentials  graph.Credentials
	// Renew reads the secrets again, from their files; it is asked before each try while the
	// destination is parked. nil: they never change.
	Renew func() (graph.Credentials, error)
	// Complete queues a whole lead for the tenant's other destinations, once, however often
	// it is asked. emailHash is that of capi.HashEmail; "" for a lead without an address.
	Complete func(ctx context.Context, ev *normalize.Event, emailHash string) error
	// Erased reports whether a lead was erased, so that it is neither read nor handed on. nil:
	// none ever is.
	Erased func(ctx context.Context, id string) (bool, error)
	Logger *zap.Logger
	Now    func() time.Time
}

// New makes a destination. What differs between two of one name is the caller's to fill in.
func New(s *Settings) *destination.Destination {
	return &destination.Destination{
		Dest: s.Dest, Kind: Kind, Target: s.Endpoint,
		Planner: Planner{Report: s.Report}, Sender: NewSender(s.Config),
		Concurrency: concurrency, RetryFor: s.RetryFor, Batch: 1,
	}
}

// Planner has leads whose answers are not known go here.
type Planner struct{ Report string }

// Plan is [destination.Planner]'s.
func (p Planner) Plan(ev *normalize.Event, _ []*destination.Destination) (destination.Job, bool) {
	if !p.Completes(ev) {
		return destination.Job{}, false
	}
	once := queue.Once{Key: destination.LeadOnce(ev.Lead.LeadgenID.String()), Window: destination.KeepLead}
	return destination.Job{Format: queue.FormatEvent, Once: []queue.Once{once}}, true
}

// Completes is [destination.Completer]'s.
func (Planner) Completes(ev *normalize.Event) bool {
	return ev.Kind == normalize.KindLead && ev.Lead != nil && ev.Lead.Answers == nil
}

// Reports is [destination.Completer]'s.
func (p Planner) Reports() string { return p.Report }

// Overlaps is [destination.Exclusive]'s: a lead is read once.
func (Planner) Overlaps(other *destination.Destination) string {
	if _, ok := other.Planner.(Planner); ok {
		return "a tenant has one `leads` block: a token that may read the leads of all its pages, such as a system user's"
	}
	return ""
}

var (
	_ destination.Completer = Planner{}
	_ destination.Exclusive = Planner{}
)
