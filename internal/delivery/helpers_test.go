package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/queue"
)

var crm = queue.Dest{Tenant: "acme", Name: "crm"}

// attempt is one event of one Send.
type attempt struct {
	at      time.Time
	contact string
	seq     uint64
	attempt int
	size    int // of its Send
	item    destination.Item
}

// sink is a Sender that records what it is sent and asks answer what to say.
type sink struct {
	answer func(ctx context.Context, it *destination.Item) destination.Verdict // nil: Done

	mu       sync.Mutex
	sent     []attempt
	flying   map[string]int // per contact
	most     int            // Sends at once
	now      int
	together bool // two of one contact at once were seen
}

func (s *sink) Send(ctx context.Context, items []destination.Item) []destination.Verdict {
	s.mu.Lock()
	if s.flying == nil {
		s.flying = map[string]int{}
	}
	s.now++
	s.most = max(s.most, s.now)
	for i := range items {
		c := items[i].Header.Contact
		if s.flying[c]++; s.flying[c] > 1 && c != "" {
			s.together = true
		}
		s.sent = append(s.sent, attempt{time.Now(), c, items[i].Pos.Seq, items[i].Attempt, len(items), items[i]})
	}
	s.mu.Unlock()
	outcomes := make([]destination.Verdict, len(items))
	for i := range items {
		outcomes[i] = destination.Verdict{Action: destination.Done}
		if s.answer != nil {
			outcomes[i] = s.answer(ctx, &items[i])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	for i := range items {
		s.flying[items[i].Header.Contact]--
	}
	return outcomes
}

// seqs returns the places of what was sent, in the order sent.
func (s *sink) seqs() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uint64
	for _, a := range s.sent {
		out = append(out, a.seq)
	}
	return out
}

func (s *sink) attempts() []attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

func (s *sink) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = nil
}

// elapse lets time pass in a synctest bubble, and all that happens in it happen.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// inspect looks at a worker's own state while it sleeps. The poke afterwards
// orders the look before what the worker does next.
func inspect(w *worker, look func(*worker)) {
	synctest.Wait()
	look(w)
	w.poke()
	synctest.Wait()
}

func retryWith(reason string) func(context.Context, *destination.Item) destination.Verdict {
	return func(context.Context, *destination.Item) destination.Verdict {
		return destination.Verdict{Action: destination.Retry, Reason: reason}
	}
}

// noJitter makes every delay its upper bound.
func noJitter() float64 { return 1 }

func forwardTo(s destination.Sender) destination.Destination {
	return destination.Destination{
		Dest: crm, Kind: forward.Kind, Target: "https://crm.example.com/hook", Sender: s,
		Ordered: true, Concurrency: 8, RetryFor: 72 * time.Hour, Hold: 5 * time.Minute,
	}
}

// start makes an engine with one destination; it is closed at the test's end.
func start(t *testing.T, q queue.Queue, o Options, d ...destination.Destination) *Engine {
	t.Helper()
	if o.Rand == nil {
		o.Rand = noJitter
	}
	e := New(q, o)
	e.Configure(d)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e.Close(ctx)
	})
	return e
}

func statusOf(t *testing.T, e *Engine, name string) Status {
	t.Helper()
	list, err := e.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no destination %s in %+v", name, list)
	return Status{}
}

// contacts returns one header for each contact named.
func contacts(names ...string) []queue.Header {
	var out []queue.Header
	for _, n := range names {
		out = append(out, queue.Header{Contact: n})
	}
	return out
}

func numbered(prefix string, n int) []queue.Header {
	var out []queue.Header
	for i := range n {
		out = append(out, queue.Header{Contact: fmt.Sprintf("%s%d", prefix, i)})
	}
	return out
}

func wantSeqs(t *testing.T, s *sink, want ...uint64) {
	t.Helper()
	if got := s.seqs(); !slices.Equal(got, want) {
		t.Fatalf("sent %v, want %v", got, want)
	}
}

func (q *memQueue) counts(d queue.Dest) (entries, retries, dead int) {
	r := q.Queue.Drain(d, func() {})
	defer r.Close()
	list, _ := r.Retries(context.Background())
	i := q.info(d)
	return i.Backlog, len(list), i.Dead
}
