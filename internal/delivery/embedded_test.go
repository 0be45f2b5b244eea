package delivery

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
)

func openEmbedded(tb testing.TB, dir string) *embedded.Store {
	tb.Helper()
	q, err := embedded.Open(embedded.Config{Dir: dir}, queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour,
		MaxBacklog: 10_000_000, MaxSize: 64 << 30,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return q
}

// fillStore queues events of a destination, as many as numbers.
func fillStore(tb testing.TB, q queue.Queue, from, to, people int, payload []byte) {
	tb.Helper()
	const at = 500
	for i := from; i < to; i += at {
		var groups []queue.Group
		g := queue.Group{Tenant: crm.Tenant, Payloads: [][]byte{payload}}
		for n := i; n < min(i+at, to); n++ {
			id := queue.ID{12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
			g.Events = append(g.Events, queue.Event{ID: id, Time: time.Now().UnixMilli()})
			g.Jobs = append(g.Jobs, queue.Job{
				Dest: crm, Events: []int{n - i},
				Header: queue.Header{
					EventID: id, Format: queue.FormatEvent, Kind: 1, Contact: fmt.Sprint("whatsapp:", n%people),
					Time: time.Now().UnixMilli(), QueuedAt: time.Now().UnixMilli(),
				},
			})
		}
		groups = append(groups, g)
		for _, r := range q.Append(context.Background(), groups) {
			if r.Err != nil {
				tb.Fatal(r.Err)
			}
		}
	}
}

// With the real store: failures, a pause, a restart in the middle; nothing is
// lost, and every contact's events first arrive in order.
func TestEngineOnEmbeddedStore(t *testing.T) {
	const n, people = 2000, 50
	dir := t.TempDir()
	q := openEmbedded(t, dir)
	fillStore(t, q, 0, n, people, []byte(`{"id":"x"}`))
	var mu sync.Mutex
	delivered := map[int]int{}
	last := map[string]int{}
	half, all := make(chan struct{}), make(chan struct{})
	s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
		number := int(it.Header.EventID[14])<<8 | int(it.Header.EventID[15])
		mu.Lock()
		defer mu.Unlock()
		if before, ok := last[it.Header.Contact]; ok && number > before && delivered[before] == 0 {
			t.Errorf("event %d is sent before %d is delivered", number, before)
		}
		last[it.Header.Contact] = max(last[it.Header.Contact], number)
		// Scattered, or the contacts would come to fail all at once, and open
		// the breaker.
		if (int(uint32(number)*2654435761>>16)+it.Attempt)%11 == 0 {
			return destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"}
		}
		delivered[number]++
		switch len(delivered) {
		case n / 2:
			if delivered[number] == 1 {
				close(half)
			}
		case n:
			if delivered[number] == 1 {
				close(all)
			}
		}
		return destination.Verdict{Action: destination.Done}
	}}
	d := forwardTo(s)
	d.Hold = -1
	few := func() float64 { return 0.001 }
	e := New(q, Options{Rand: few})
	e.Configure([]destination.Destination{d})
	<-half
	e.Close(context.Background())
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = openEmbedded(t, dir)
	defer q.Close()
	e = New(q, Options{Rand: few})
	e.Configure([]destination.Destination{d})
	<-all
	e.Close(context.Background())
	for number, times := range delivered {
		if times != 1 {
			t.Errorf("event %d was delivered %d times", number, times)
		}
	}
	infos, err := q.Destinations(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if i.Backlog != 0 || i.Dead != 0 {
			t.Errorf("left: %+v", i)
		}
	}
}

type senderFunc func(items []destination.Item) []destination.Verdict

func (f senderFunc) Send(_ context.Context, items []destination.Item) []destination.Verdict {
	return f(items)
}
