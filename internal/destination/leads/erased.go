package leads

import (
	"context"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// Memory is what is known of leads in the queue.
type Memory interface {
	Remembers(ctx context.Context, tenant string, once []string) ([]bool, error)
	PutFacts(ctx context.Context, tenant string, facts []queue.Fact) error
	Facts(ctx context.Context, tenant string, groups ...string) ([]queue.Fact, error)
}

// erasedOf is the group of the fact that a lead was erased.
func erasedOf(id string) string { return "lead erased " + id }

// Erase has a lead of a tenant not be read any more, if it waits for that. It reports whether it
// is one that came, and was not erased like this before. contact is a lead's id, with l: or
// without, or something else, of which nothing is kept.
func Erase(ctx context.Context, q Memory, tenant, contact string, now time.Time) (bool, error) {
	id := strings.TrimPrefix(strings.TrimSpace(contact), "l:")
	if !isDigits([]byte(id)) {
		return false, nil
	}
	came, err := q.Remembers(ctx, tenant, []string{destination.LeadOnce(id)})
	if err != nil || !came[0] {
		return false, err
	}
	before, err := IsErased(ctx, q, tenant, id)
	if err != nil || before {
		return false, err
	}
	fact := queue.Fact{Group: erasedOf(id), Key: "1", Data: []byte("1"), Till: now.Add(destination.KeepLead).UnixMilli()}
	return true, q.PutFacts(ctx, tenant, []queue.Fact{fact})
}

// IsErased reports whether a lead was erased, whose answers are not to come any more.
func IsErased(ctx context.Context, q Memory, tenant, id string) (bool, error) {
	facts, err := q.Facts(ctx, tenant, erasedOf(id))
	return len(facts) > 0, err
}

// noQueue is the verdict where the queue takes nothing, or does not answer.
func noQueue(err error) destination.Verdict {
	return destination.Verdict{Action: destination.Throttle, After: storePause, Reason: "the queue takes nothing", Explanation: err.Error()}
}

// forgotten is the verdict of a lead that was erased, or of one of which that is not known; ok is
// false for one to go on with.
func (s *Sender) forgotten(ctx context.Context, id string) (v destination.Verdict, ok bool) {
	if s.c.Erased == nil {
		return v, false
	}
	switch erased, err := s.c.Erased(ctx, id); {
	case err != nil:
		return noQueue(err), true
	case erased:
		s.c.Logger.Info("a lead that was erased before it was read is dropped")
		return destination.Verdict{Action: destination.Done}, true
	}
	return v, false
}
