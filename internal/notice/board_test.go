package notice

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// told are the notices of a board whose taker is quick.
func told(t *testing.T) (b *Board, take func() []Notice) {
	t.Helper()
	var mu sync.Mutex
	var got []Notice
	taken := func(_ context.Context, n Notice) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, n)
	}
	b = NewBoard(taken, func(n Notice) { t.Errorf("dropped %+v", n) })
	return b, func() []Notice {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		list := got
		got = nil
		return list
	}
}

// TestDeadTogether: the first dead letter of a destination is told of at once, those of
// the minute after it together, and at the end at once what is left.
func TestDeadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, take := told(t)
		b.Start()
		dead := func(destination, reason string) {
			b.Tell(Notice{Name: Dead, Destination: destination, Tenant: "acme", Reason: reason, Count: 1})
		}
		dead("crm", "first")
		dead("n8n", "other")
		for range 100_000 {
			dead("crm", "later")
		}
		want := []Notice{
			{Dead, "crm", "acme", "first", 1}, {Dead, "n8n", "acme", "other", 1},
		}
		if got := take(); !slices.Equal(got, want) {
			t.Fatalf("%+v", got)
		}
		time.Sleep(deadEvery + time.Second)
		if got := take(); !slices.Equal(got, []Notice{{Dead, "crm", "acme", "later", 100_000}}) {
			t.Fatalf("after a minute: %+v", got)
		}
		dead("n8n", "again")
		dead("crm", "in the same minute")
		if got := take(); !slices.Equal(got, []Notice{{Dead, "n8n", "acme", "again", 1}}) {
			t.Fatalf("after a quiet minute: %+v", got)
		}
		if left := b.Stop(time.Second); left != 0 {
			t.Errorf("%d left", left)
		}
		if got := take(); !slices.Equal(got, []Notice{{Dead, "crm", "acme", "in the same minute", 1}}) {
			t.Errorf("at the end: %+v", got)
		}
		b.Tell(Notice{Name: Parked})
		dead("crm", "too late")
		time.Sleep(time.Hour)
		if got := take(); len(got) > 0 {
			t.Errorf("after the end: %+v", got)
		}
	})
}

// TestNobodyWaits: who tells does not wait for a taker that hangs; what there is no room
// for is dropped and said.
func TestNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dropped := 0
		b := NewBoard(func(ctx context.Context, _ Notice) { <-ctx.Done() }, func(Notice) { dropped++ })
		for range waiting + 3 { // also before it has begun
			b.Tell(Notice{Name: Open})
		}
		b.Start()
		synctest.Wait()
		b.Tell(Notice{Name: Open})
		b.Tell(Notice{Name: Open})
		if dropped != 4 {
			t.Errorf("%d dropped", dropped)
		}
		if left := b.Stop(time.Second); left != waiting {
			t.Errorf("%d left", left)
		}
	})
}

// TestNoContact: a destination's own words may have a phone number in them.
func TestNoContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, take := told(t)
		b.Start()
		b.Tell(Notice{Name: Parked, Reason: "no such number\n15551234567 " + strings.Repeat("ä", longestReason)})
		got := take()
		if len(got) != 1 || !strings.HasPrefix(got[0].Reason, "no such number *******4567 ") || len(got[0].Reason) > longestReason {
			t.Errorf("%+v", got)
		}
		b.Stop(0)
	})
}

func TestUnsent(t *testing.T) {
	job := queue.Job{Dest: queue.Dest{Tenant: "acme", Name: "crm"}}
	for _, o := range []queue.Admission{queue.Queued, queue.Duplicate} {
		if n, dead := Unsent(&job, o); dead {
			t.Errorf("%v: %+v", o, n)
		}
	}
	if n, dead := Unsent(&job, queue.Overflow); !dead || n.Destination != "crm" || !strings.HasPrefix(n.Reason, "overflow: ") || n.Count != 1 {
		t.Errorf("overflow: %+v, %v", n, dead)
	}
	job.Dead = &queue.Reason{Reason: "unmatched"}
	if n, dead := Unsent(&job, queue.Died); !dead || n.Reason != "unmatched" {
		t.Errorf("died: %+v, %v", n, dead)
	}
	var nobody *Board
	nobody.Tell(Notice{})
	nobody.Stop(0)
}
