// Package notice is what an operator may want to be told at once: that a destination
// needs somebody, or goes on, and that nothing comes for a tenant. In Caddy, each is an
// event. A [Board] takes notices from anywhere, and hands them on in order. It knows the
// words of queue, and no other package of Leadgate but outbox and printable.
package notice

import "github.com/leadgate/leadgate/internal/queue"

// Name says what happened. As a Caddy event it is leadgate.<name>.
type Name string

// The names.
const (
	Parked  Name = "parked"  // a destination refuses all, by a fault of its own: a token, say
	Paused  Name = "paused"  // by an operator, or by 410
	Resumed Name = "resumed" // it is neither any more
	Open    Name = "open"    // the breaker of a destination opened
	Closed  Name = "closed"  // and closed
	Dead    Name = "dead"    // events became dead letters
	Silent  Name = "silent"  // no webhook came for a tenant for as long as `silence`
)

// Names are all of them.
var Names = []Name{Parked, Paused, Resumed, Open, Closed, Dead, Silent}

// Notice is one. It names no contact.
type Notice struct {
	Name        Name
	Destination string // "" for Silent
	Tenant      string // "" for what no tenant matched
	Reason      string // of Resumed and Closed, what it was that is over
	Count       int    // of Dead, how many events
}

// Unsent is the notice of a job that its store made a dead letter when it came, if it did.
func Unsent(job *queue.Job, o queue.Admission) (n Notice, isDead bool) {
	n = Notice{Name: Dead, Destination: job.Dest.Name, Tenant: job.Dest.Tenant, Count: 1}
	switch {
	case o == queue.Overflow:
		n.Reason = queue.OverflowReason.Reason + ": " + queue.OverflowReason.Explanation
	case o == queue.Died && job.Dead != nil:
		n.Reason = job.Dead.Reason
		if job.Dead.Explanation != "" {
			n.Reason += ": " + job.Dead.Explanation
		}
	default:
		return n, false
	}
	return n, true
}
