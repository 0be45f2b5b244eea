package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestOrderModel sends thousands of events of few contacts through random
// failures, refusals, throttling, lost rights, outages of the store, pauses and
// reloads. Whatever happens, each contact's events are first tried in order,
// the next only after every earlier was delivered or died, one at a time, and
// nothing is lost or delivered twice. A death in the time of a lost right is
// another edge's to find, and so here our own.
func TestOrderModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { orderModel(t, seed) })
		})
	}
}

func orderModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	var mu sync.Mutex
	random := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return r.IntN(n)
	}
	q := newMemQueue()
	const n, people = 2000, 40
	over := map[uint64]string{} // delivered or died
	losses := 0                 // times that the right was lost
	isLost := false
	diedAt := map[uint64]int{}  // losses before an event died: its death may be refused from then on
	last := map[string]uint64{} // the newest first attempt of a contact
	byContact := map[string][]uint64{}
	s := &sink{}
	s.answer = func(ctx context.Context, it *destination.Item) destination.Verdict {
		seq, c := it.Pos.Seq, it.Header.Contact
		s.mu.Lock()
		if was := over[seq]; was != "" && (was != destination.Dead.String() || diedAt[seq] == losses) {
			t.Errorf("event %d is sent again after it was %s", seq, was)
		}
		if c != "" {
			if seq > last[c] {
				for _, earlier := range byContact[c] {
					if earlier < seq && over[earlier] == "" {
						t.Errorf("event %d of %s is sent before %d is over", seq, c, earlier)
					}
				}
				last[c] = seq
			}
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return destination.Verdict{Action: destination.Retry, Reason: "broken off"}
		case <-time.After(time.Duration(random(300)) * time.Millisecond):
		}
		o := destination.Verdict{Action: destination.Done}
		switch random(20) {
		case 0, 1, 2, 3:
			o = destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"}
		case 4:
			o = destination.Verdict{Action: destination.Dead, Reason: "400 Bad Request"}
		case 5:
			o = destination.Verdict{Action: destination.Again}
		case 6:
			if random(10) == 0 {
				o = destination.Verdict{Action: destination.Throttle, After: time.Second}
			}
		case 7:
			if random(50) == 0 {
				o = destination.Verdict{Action: destination.Park, Reason: "token"}
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.Action == destination.Done || o.Action == destination.Dead {
			over[seq] = o.Action.String()
			diedAt[seq] = losses
			if isLost {
				diedAt[seq]--
			}
		}
		return o
	}
	d := forwardTo(s)
	d.Hold = -1
	e := New(q, Options{Rand: func() float64 { return float64(random(1000)) / 1000 }})
	e.Configure([]destination.Destination{d})
	lose := func(lost bool) {
		s.mu.Lock()
		if isLost = lost; lost {
			losses++
		}
		s.mu.Unlock()
		q.change(crm, func(m *memDest) {
			if m.lost = lost; !lost {
				m.epoch++
			}
		})
	}
	for added := 0; added < n; {
		s.mu.Lock()
		for range min(1+random(50), n-added) {
			added++
			c := ""
			if random(15) > 0 {
				c = fmt.Sprint("c", random(people))
			}
			byContact[c] = append(byContact[c], uint64(added))
			q.add(crm, queue.Header{Contact: c})
		}
		s.mu.Unlock()
		elapse(time.Duration(random(2000)) * time.Millisecond)
		switch random(12) {
		case 0: // the right is lost and won again
			lose(true)
			elapse(time.Duration(random(1000)) * time.Millisecond)
			lose(false)
		case 1: // the store is away, or takes no writes
			all := random(2) == 0
			q.change(crm, func(m *memDest) { m.q.away, m.q.noDone = all, true })
			elapse(time.Duration(random(5000)) * time.Millisecond)
			q.change(crm, func(m *memDest) { m.q.away, m.q.noDone = false, false; m.epoch++ })
		case 2:
			d.Concurrency = 1 + random(16)
			e.Configure([]destination.Destination{d})
		case 3:
			e.Configure(nil)
			elapse(time.Duration(random(400)) * time.Millisecond)
			e.Configure([]destination.Destination{d})
		case 4: // a restart
			e.Close(context.Background())
			e = New(q, Options{Rand: func() float64 { return float64(random(1000)) / 1000 }})
			e.Configure([]destination.Destination{d})
		case 5:
			if err := e.Pause(context.Background(), "crm", "test"); err != nil {
				t.Fatal(err)
			}
			elapse(time.Duration(random(1000)) * time.Millisecond)
			if err := e.Resume(context.Background(), "crm"); err != nil {
				t.Fatal(err)
			}
		}
	}
	elapse(4 * time.Hour)
	e.Close(context.Background())
	entries, retries, _ := q.counts(crm)
	if entries != 0 || retries != 0 || len(over) != n {
		t.Errorf("%d entries and %d retries are left, %d of %d are over", entries, retries, len(over), n)
	}
	if s.together {
		t.Error("two events of one contact were in flight at once")
	}
}

// failsFor fails the events of some contacts and takes all others.
func failsFor(bad func(it *destination.Item) bool) func(context.Context, *destination.Item) destination.Verdict {
	return func(_ context.Context, it *destination.Item) destination.Verdict {
		if bad(it) {
			return destination.Verdict{Action: destination.Retry, Reason: "500 Internal Server Error"}
		}
		return destination.Verdict{Action: destination.Done}
	}
}

func firstAt(s *sink, seq uint64) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.sent {
		if a.seq == seq {
			return a.at.Sub(s.sent[0].at), true
		}
	}
	return 0, false
}

func TestHold(t *testing.T) {
	trickle := func(q *memQueue, n int, every time.Duration) {
		for i := range n {
			q.add(crm, queue.Header{Contact: fmt.Sprint("other", i)})
			elapse(every)
		}
	}
	t.Run("ends while others are taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, s := newMemQueue(), &sink{answer: failsFor(func(it *destination.Item) bool { return it.Pos.Seq == 1 })}
			q.add(crm, contacts("a", "a", "a")...)
			start(t, q, Options{}, forwardTo(s))
			trickle(q, 290, time.Second)
			if _, sent := firstAt(s, 2); sent {
				t.Fatal("the second was sent before the hold was over")
			}
			trickle(q, 20, time.Second)
			two, sent := firstAt(s, 2)
			if !sent || two < 5*time.Minute {
				t.Fatalf("the second was sent: %v, after %v", sent, two)
			}
			if three, sent := firstAt(s, 3); !sent || three < two {
				t.Fatalf("the third was sent: %v, after %v", sent, three)
			}
		})
	})
	t.Run("does not end while nothing is taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var up atomic.Bool
			q := newMemQueue()
			s := &sink{}
			s.answer = failsFor(func(it *destination.Item) bool { return it.Pos.Seq == 1 || !up.Load() })
			q.add(crm, contacts("a", "a")...)
			start(t, q, Options{}, forwardTo(s))
			trickle(q, 3600, time.Second) // an hour's outage: the breaker opens
			up.Store(true)
			trickle(q, 60, time.Second)
			if _, sent := firstAt(s, 2); sent {
				t.Fatal("the outage counted as the event's own failure")
			}
			trickle(q, 600, time.Second)
			if _, sent := firstAt(s, 2); !sent {
				t.Fatal("the hold did not end")
			}
		})
	})
	t.Run("forever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, s := newMemQueue(), &sink{answer: failsFor(func(it *destination.Item) bool { return it.Pos.Seq == 1 })}
			q.add(crm, contacts("a", "a")...)
			d := forwardTo(s)
			d.Hold, d.RetryFor = -1, 10*time.Hour
			start(t, q, Options{}, d)
			trickle(q, 540, time.Minute)
			if _, sent := firstAt(s, 2); sent {
				t.Fatal("the second was sent")
			}
			trickle(q, 120, time.Minute) // the first dies after 10 h
			if at, sent := firstAt(s, 2); !sent || at < 10*time.Hour {
				t.Fatalf("the second was sent: %v, after %v", sent, at)
			}
		})
	})
	t.Run("a reload changes it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, s := newMemQueue(), &sink{answer: failsFor(func(it *destination.Item) bool { return it.Pos.Seq == 1 })}
			q.add(crm, contacts("a", "a")...)
			d := forwardTo(s)
			d.Hold = -1
			e := start(t, q, Options{}, d)
			trickle(q, 60, time.Second)
			d.Hold = 10 * time.Second
			e.Configure([]destination.Destination{d})
			trickle(q, 30, time.Second)
			if _, sent := firstAt(s, 2); !sent {
				t.Fatal("the hold did not end")
			}
		})
	})
}

// Thousands of contacts whose events fail, each with others behind, hold back
// nobody else.
func TestPoisonedContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const poisoned = 1500
		q := newMemQueue()
		s := &sink{answer: func(ctx context.Context, it *destination.Item) destination.Verdict {
			if it.Header.Contact[0] == 'p' {
				// A workflow that hangs on them.
				select {
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
				return destination.Verdict{Action: destination.Retry, Reason: "timeout after 10s"}
			}
			return destination.Verdict{Action: destination.Done}
		}}
		var headers []queue.Header
		for i := range poisoned {
			headers = append(headers, queue.Header{Contact: fmt.Sprint("p", i)}, queue.Header{Contact: fmt.Sprint("p", i)},
				queue.Header{Contact: fmt.Sprint("good", i)})
		}
		q.add(crm, headers...)
		d := forwardTo(s)
		d.Hold = -1
		e := start(t, q, Options{}, d)
		// 1500 × 100 ms ÷ 8, with half of the places left to first attempts.
		elapse(3 * time.Minute)
		good, behind := 0, 0
		for _, a := range s.attempts() {
			if a.contact[0] == 'g' {
				good++
			} else if a.seq%3 == 2 {
				behind++
			}
		}
		if good != poisoned || behind != 0 {
			t.Fatalf("%d of %d good events were sent, and %d behind a failing one", good, poisoned, behind)
		}
		// With nothing but failing events left the breaker is open; who comes
		// now is the next probe.
		if st := statusOf(t, e, "crm"); st.State != StateOpen || st.Backlog != 2*poisoned {
			t.Fatalf("status %+v", st)
		}
		q.add(crm, contacts("good again")...)
		elapse(31 * time.Second)
		if _, sent := firstAt(s, 3*poisoned+1); !sent {
			t.Fatal("a new contact waits behind the failing ones")
		}
	})
}

// What waits behind a failing event is kept without its payload.
func TestWaitingCostsNoPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{answer: failsFor(func(it *destination.Item) bool { return it.Pos.Seq == 1 })}
		q.add(crm, contacts(slices.Repeat([]string{"a"}, 5000)...)...)
		d := forwardTo(s)
		e := start(t, q, Options{}, d)
		elapse(time.Second / 2)
		inspect(e.workers[crm], func(w *worker) {
			if size := w.view.Size(); size.Bytes != 0 || size.Ready != 0 || size.Tracked != 5000 {
				t.Fatalf("%d bytes, %d ready, %d tracked", size.Bytes, size.Ready, size.Tracked)
			}
		})
	})
}

// A contact with many events takes only its own turn.
func TestOneContactsFloodHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict {
			<-time.After(time.Second)
			return destination.Verdict{Action: destination.Done}
		}}
		q.add(crm, contacts(slices.Repeat([]string{"flood"}, 3000)...)...)
		q.add(crm, contacts("b", "c")...)
		start(t, q, Options{}, forwardTo(s))
		elapse(500 * time.Millisecond)
		if got := s.seqs(); len(got) != 3 || !slices.Contains(got, 3001) || !slices.Contains(got, 3002) {
			t.Fatalf("sent %v", got)
		}
		elapse(time.Hour)
		if n, _, _ := q.counts(crm); n != 0 || s.together {
			t.Fatalf("%d left; two at once: %v", n, s.together)
		}
	})
}
