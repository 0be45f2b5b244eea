package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// realStores opens each store.
var realStores = map[string]func(t *testing.T) queue.Queue{
	"embedded": func(t *testing.T) queue.Queue {
		q := openEmbedded(t, t.TempDir())
		closeAtEnd(t, q)
		return q
	},
	"redis": func(t *testing.T) queue.Queue {
		server := redistest.Start(t)
		q, err := redis.Open(redis.Config{URLs: []string{server.URL()}}, queue.Options{
			Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour, MaxBacklog: 10_000_000,
		})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, q)
		return q
	},
}

func closeAtEnd(t *testing.T, q queue.Queue) {
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
}

// faulty is a store whose next writes fail, after they were made.
type faulty struct {
	queue.Queue
	appends, dones, deads atomic.Int32 // how many still fail
}

type faultyDrain struct {
	queue.Drain
	f *faulty
}

var errLate = errors.New("no answer")

func failing(n *atomic.Int32) bool { return n.Add(-1) >= 0 }

func (f *faulty) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	results := f.Queue.Append(ctx, groups)
	if len(groups[0].Jobs) == 0 && failing(&f.appends) {
		results[0].Err = errLate
	}
	return results
}

func (f *faulty) Drain(d queue.Dest, wake func()) queue.Drain {
	return &faultyDrain{f.Queue.Drain(d, wake), f}
}

func (d *faultyDrain) Done(ctx context.Context, at []queue.Pos) error {
	if failing(&d.f.dones) {
		return errLate // and what was delivered stays
	}
	return d.Drain.Done(ctx, at)
}

func (d *faultyDrain) Dead(ctx context.Context, list []queue.Death) error {
	if failing(&d.f.deads) {
		return errLate
	}
	return d.Drain.Dead(ctx, list)
}

// TestFatesAreCountedOnce counts what became of events once, whatever part of a
// write fails, with both stores.
func TestFatesAreCountedOnce(t *testing.T) {
	const n = 20
	for name, open := range realStores {
		t.Run(name, func(t *testing.T) {
			f := &faulty{Queue: open(t)}
			day := time.Now().UnixMilli() / (24 * time.Hour).Milliseconds()
			g := queue.Group{Tenant: crm.Tenant, Payloads: [][]byte{[]byte(`{"id":"x"}`)}}
			for i := range n {
				h := queue.Header{
					EventID: queue.ID{3: 9, 15: byte(i)}, Format: queue.FormatConversion, QueuedAt: int64(i),
					Meta: destination.Tally{Day: day, Key: "ad"}.Meta(),
				}
				if i == 0 {
					h.Meta = nil // of an older Leadgate
				}
				g.Events = append(g.Events, queue.Event{ID: h.EventID})
				g.Jobs = append(g.Jobs, queue.Job{Dest: crm, Events: []int{i}, Header: h})
			}
			if r := f.Append(t.Context(), []queue.Group{g})[0]; r.Err != nil {
				t.Fatal(r.Err)
			}
			f.appends.Store(1)
			f.dones.Store(2)
			f.deads.Store(1)
			sender := senderFunc(func(items []destination.Item) []destination.Verdict {
				out := make([]destination.Verdict, len(items))
				for i := range items {
					out[i].Action = destination.Done
					if items[i].Header.EventID[15] >= n-5 {
						out[i] = destination.Verdict{Action: destination.Dead, Reason: "bad"}
					}
				}
				return out
			})
			e := start(t, f, Options{}, destination.Destination{
				Dest: crm, Kind: dataset.Kind, Concurrency: 4, Batch: n, RetryFor: 72 * time.Hour, Sender: sender,
			})
			figures := func() string {
				counts, err := f.Counters(t.Context(), crm.Tenant, day, day)
				if err != nil {
					t.Fatal(err)
				}
				text := ""
				for _, c := range counts {
					text += fmt.Sprintf("%s %s %d\n", c.Key, c.Field, c.N)
				}
				return text
			}
			want := fmt.Sprintf("ad dead %s 5\nad reported %s %d\n", crm.Name, crm.Name, n-6)
			until(t, func() bool { s := statusOf(t, e, crm.Name); return s.Backlog == 0 && s.Dead == 5 && figures() == want })

			letters, err := f.Dead(t.Context(), queue.DeadFilter{})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := countReplayed(t.Context(), f, letters); err != nil {
					t.Fatal(err)
				}
			}
			want = fmt.Sprintf("ad dead %s 5\nad replayed %s 5\nad reported %s %d\n", crm.Name, crm.Name, crm.Name, n-6)
			if got := figures(); got != want {
				t.Errorf("after a replay\n%s", got)
			}
			// Dead again, at another place of the queue: that is another death.
			if count, err := f.ReplayDead(t.Context(), queue.DeadFilter{}); count != 5 || err != nil {
				t.Fatal(count, err)
			}
			want = fmt.Sprintf("ad dead %s 10\nad replayed %s 5\nad reported %s %d\n", crm.Name, crm.Name, crm.Name, n-6)
			until(t, func() bool { s := statusOf(t, e, crm.Name); return s.Backlog == 0 && s.Dead == 5 && figures() == want })
		})
	}
}

// until waits until something is so. The limit only ends a test that has failed.
func until(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for !so() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not come to be")
		}
	}
}
