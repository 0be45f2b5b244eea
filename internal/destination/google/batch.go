package google

import (
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
)

// batch is the events of one conversion action, and where they stand among the items.
type batch struct {
	action string
	at     []int
	events []google.Event
	kept   []kept
	ids    map[string]bool
}

// question is the items of one request.
type question struct {
	request string
	at      []int
	kept    []kept
}

func (c *call) batch(action string) *batch {
	for _, b := range c.batches {
		if b.action == action && len(b.at) < google.MaxBatch {
			return b
		}
	}
	b := &batch{action: action, ids: map[string]bool{}}
	c.batches = append(c.batches, b)
	return b
}

// add adds an event, unless one of its id is there: then it waits for that one.
func (b *batch) add(c *call, i int, e *google.Event, k *kept) {
	if b.ids[e.TransactionID] {
		c.verdicts[i] = destination.Verdict{Action: destination.Again}
		return
	}
	b.ids[e.TransactionID] = true
	b.at, b.events, b.kept = append(b.at, i), append(b.events, *e), append(b.kept, *k)
}

func (c *call) question(request string) *question {
	for _, q := range c.questions {
		if q.request == request {
			return q
		}
	}
	q := &question{request: request}
	c.questions = append(c.questions, q)
	return q
}

func (q *question) add(i int, k *kept) { q.at, q.kept = append(q.at, i), append(q.kept, *k) }
