package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// clock is the real one, moved.
type clock struct{ by atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.by.Load())) }

func (c *clock) jump(d time.Duration) { c.by.Add(int64(d)) }

// clockEdge is a store and its engine in this process, on a clock that jumps.
type clockEdge struct {
	t      *testing.T
	clock  clock
	sink   *sink
	open   func() (queue.Queue, error)
	queue  queue.Queue
	engine *delivery.Engine

	mu     sync.RWMutex // held for writing while the store is exchanged
	events atomic.Int64 // acknowledged
	again  atomic.Int64 // redeliveries that were queued again
}

var clockOptions = queue.Options{
	Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour,
	MaxBacklog: 1_000_000, MaxSize: 4 << 30,
}

// start opens the store and begins to deliver.
func (e *clockEdge) start() {
	e.t.Helper()
	q, err := e.open()
	if err != nil {
		e.t.Fatal(err)
	}
	f, err := forward.NewSender(forward.Config{Timeout: 10 * time.Second, URL: e.sink.URL, Tenant: "acme", Version: "test", Now: e.clock.now})
	if err != nil {
		e.t.Fatal(err)
	}
	e.queue, e.engine = q, delivery.New(q, delivery.Options{Now: e.clock.now})
	e.engine.Configure([]destination.Destination{{
		Dest: queue.Dest{Tenant: "acme", Name: crm}, Kind: forward.Kind, Sender: f, Ordered: true, Concurrency: 8,
		// The clock's jumps are longer than any retry_for.
		RetryFor: 100 * 365 * 24 * time.Hour, Hold: -1,
	}})
}

// stop ends both.
func (e *clockEdge) stop() {
	e.t.Helper()
	e.engine.Close(context.Background())
	if err := e.queue.Close(); err != nil {
		e.t.Fatal(err)
	}
}

// post queues a contact's n-th event, until the store takes it, and redelivers
// it once in a while.
func (e *clockEdge) post(contact string, n int) {
	name := nameOf(contact, n)
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(name))
	at := e.clock.now().UnixMilli()
	payload := fmt.Appendf(nil, `{"id":%q,"waId":%q,"message":{"id":%q}}`, id, contact, name)
	group := queue.Group{
		Tenant: "acme", Events: []queue.Event{{ID: id, Time: at, Contact: contact}}, Payloads: [][]byte{payload},
		Jobs: []queue.Job{{Dest: queue.Dest{Tenant: "acme", Name: crm}, Events: []int{0}, Header: queue.Header{
			EventID: id, Format: queue.FormatEvent, Kind: 1, Contact: contact, Time: at, QueuedAt: at,
		}}},
	}
	for redelivery := false; ; {
		e.mu.RLock()
		r := e.queue.Append(context.Background(), []queue.Group{group})[0]
		e.mu.RUnlock()
		switch {
		case r.Err != nil:
			e.t.Errorf("queueing %s: %v", name, r.Err)
			return
		case redelivery:
			if r.New[0] {
				e.again.Add(1)
			}
			return
		}
		e.events.Add(1)
		if n%10 != 0 {
			return
		}
		redelivery = true
	}
}

// TestClockJumps moves the clock forwards and back under traffic, in this
// process, and past the edge's start with a restart in between, as monotonic
// clocks have it. One delivery in ten fails.
func TestClockJumps(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			const hour, day = time.Hour, 24 * time.Hour
			e := &clockEdge{t: t, sink: newSink(t)}
			if store == "redis" {
				url := redistest.Start(t, always...).URL()
				e.open = func() (queue.Queue, error) {
					return redis.Open(redis.Config{URLs: []string{url}, Now: e.clock.now}, clockOptions)
				}
			} else {
				dir := t.TempDir()
				e.open = func() (queue.Queue, error) {
					return embedded.Open(embedded.Config{Dir: dir, Now: e.clock.now}, clockOptions)
				}
			}
			e.sink.behave(func(w http.ResponseWriter, _ *http.Request, take func()) {
				if rand.IntN(10) == 0 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				take()
			})
			e.start()
			defer func() { e.stop() }()

			var stopping atomic.Bool
			var wg sync.WaitGroup
			events := make([]int, contacts)
			stop := func() { stopping.Store(true); wg.Wait() }
			defer stop()
			for c := range contacts {
				wg.Go(func() {
					tick := time.NewTicker(40 * time.Millisecond)
					defer tick.Stop()
					for n := 0; !stopping.Load(); n++ {
						e.post(fmt.Sprintf("1555%07d", c), n)
						events[c] = n + 1
						<-tick.C
					}
				})
			}
			more := func(n int64) {
				t.Helper()
				before := e.events.Load()
				edgetest.Until(t, "more events are queued", func() bool { return e.events.Load() >= before+n })
			}
			for range form(1, 3) {
				for _, d := range []time.Duration{hour, -hour, day, -2 * hour, time.Minute, 40 * day, -39 * day, -day} {
					more(40)
					e.clock.jump(d)
				}
				for _, d := range []time.Duration{-hour, -20 * day, -10 * 365 * day, 11 * 365 * day} {
					more(40)
					e.mu.Lock()
					e.stop()
					e.clock.jump(d)
					e.start()
					e.mu.Unlock()
				}
			}
			edgetest.Until(t, "events are queued", func() bool { return e.events.Load() >= int64(form(250, 2000)) })
			stop()
			e.sink.behave(takes)
			posted := int(e.events.Load())
			// What failed is due by the clock, which may be far back by now.
			tick := time.NewTicker(200 * time.Millisecond)
			defer tick.Stop()
			late := time.NewTimer(edgetest.GiveUp)
			defer late.Stop()
			for waiting := true; waiting && e.sink.delivered() < posted; {
				select {
				case <-tick.C:
					e.clock.jump(hour)
				case <-late.C:
					waiting = false
				}
			}
			r := row{scenario: "clock jumps, in process", queue: store, webhooks: posted, events: posted,
				delivered: e.sink.delivered(), repeated: e.sink.repeated, disordered: len(e.sink.late)}
			r.lost = posted - r.delivered
			results.add(r)
			if r.lost > 0 || r.repeated > 0 || r.disordered > 0 || len(e.sink.strange) > 0 || e.again.Load() > 0 {
				t.Errorf("%+v; %d redeliveries were queued again; out of order: %q; %q", r, e.again.Load(), few(e.sink.late), few(e.sink.strange))
			}
		})
	}
}
