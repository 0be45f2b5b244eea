package forward

import (
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Planner has a URL get the events it wants, whatever other destinations there
// are: in unified JSON with the contact's clicks, or the webhooks as they came.
type Planner struct {
	Wants destination.Wants
	Raw   bool
}

// Plan is [destination.Planner]'s.
func (p *Planner) Plan(ev *normalize.Event, _ []*destination.Destination) (destination.Job, bool) {
	switch {
	case !p.Wants.Event(ev):
		return destination.Job{}, false
	case p.Raw:
		return destination.Job{Format: queue.FormatRaw}, true
	}
	return destination.Job{Format: queue.FormatEvent, Attributed: true}, true
}

var _ destination.Planner = (*Planner)(nil)
