package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
)

// TestSlowReadsUnderLoad has events come in all the time, so that no read finds
// the queue at its end, to a store that answers after 10 ms, as Redis does that
// writes to disk before each answer: the reads must not hold up the deliveries.
func TestSlowReadsUnderLoad(t *testing.T) {
	for name, people := range map[string]int{"many contacts": 200, "some contacts": 24, "few contacts": 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newMemQueue()
				q.slow = 10 * time.Millisecond
				s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
					<-time.After(time.Millisecond)
					return destination.Verdict{Action: destination.Done}
				}}
				start(t, q, Options{}, forwardTo(s))
				headers := numbered("", people)
				const perMS, ms = 2, 2000
				for i := range ms {
					for j := range perMS {
						q.add(crm, headers[(perMS*i+j)%people])
					}
					elapse(time.Millisecond)
				}
				synctest.Wait()
				delivered := len(s.seqs())
				t.Logf("%d of %d events were sent while they came in, by %d reads", delivered, perMS*ms, q.readsSoFar())
				if delivered < perMS*ms*9/10 {
					t.Errorf("only %d of %d events were sent while they came in", delivered, perMS*ms)
				}
				elapse(time.Minute)
				if n, _, _ := q.counts(crm); n > 0 {
					t.Errorf("%d events are left", n)
				}
			})
		})
	}
}

// TestSlowReadsOfFewContacts has a store that answers after 10 ms, and a backlog of
// so few contacts that most of it is read twice: first to see whose it is, and
// again when its turn is near. Each contact can take an event a millisecond.
func TestSlowReadsOfFewContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.slow = 10 * time.Millisecond
		const people, each = 4, 2000
		for range each {
			q.add(crm, numbered("", people)...)
		}
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			<-time.After(time.Millisecond)
			return destination.Verdict{Action: destination.Done}
		}}
		start(t, q, Options{}, forwardTo(s))
		elapse(each * time.Millisecond)
		if delivered := len(s.seqs()); delivered < people*each/2 {
			t.Errorf("%d of %d events were sent in the time that the contacts need", delivered, people*each)
		} else {
			t.Logf("%d of %d events were sent in the time that the contacts need, by %d reads", delivered, people*each, q.readsSoFar())
		}
		elapse(time.Minute)
		if s.together {
			t.Error("two events of a contact were sent at once")
		}
		if n, _, _ := q.counts(crm); n > 0 {
			t.Errorf("%d events are left", n)
		}
	})
}
