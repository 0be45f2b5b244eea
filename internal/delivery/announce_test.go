package delivery

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
)

// hearing is a board with what was told.
type hearing struct {
	*notice.Board
	mu   sync.Mutex
	told []string
}

func hear(t *testing.T) *hearing {
	h := new(hearing)
	h.Board = notice.NewBoard(func(_ context.Context, n notice.Notice) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if n.Destination != crm.Name || n.Tenant != crm.Tenant {
			t.Errorf("of another: %+v", n)
		}
		h.told = append(h.told, string(n.Name)+" "+n.Reason)
	}, func(n notice.Notice) { t.Errorf("dropped: %+v", n) })
	h.Start()
	t.Cleanup(func() { h.Stop(time.Second) })
	return h
}

func (h *hearing) want(t *testing.T, what string, want ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.told, want) {
		t.Errorf("%s: told %q, want %q", what, h.told, want)
	}
	h.told = nil
}

// TestEndedOnce: a probe that is taken and an operator's order end a stop once, and each
// stop has an end.
func TestEndedOnce(t *testing.T) {
	var x ended
	for i, c := range []struct {
		since int64
		first bool
	}{{1, true}, {1, false}, {2, true}, {2, false}, {1, true}} {
		if got := x.first(crm, &queue.State{Parked: true, Since: c.since}); got != c.first {
			t.Errorf("%d: %v", i, got)
		}
	}
	if !x.first(queue.Dest{Tenant: "globex", Name: "other"}, &queue.State{Paused: true, Since: 1}) {
		t.Error("another destination's is told")
	}
}

// TestAnnouncesChanges: each change of a destination is told once, with its reason, and
// by who drains it: not again after a restart, and not by an edge that looks on.
func TestAnnouncesChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, h := newMemQueue(), hear(t)
		var answer atomic.Pointer[destination.Verdict]
		say := func(v destination.Verdict) { answer.Store(&v) }
		s := &sink{answer: func(context.Context, *destination.Item) destination.Verdict { return *answer.Load() }}
		say(destination.Verdict{Action: destination.Park, Reason: "token", Code: "190", Explanation: "the token has expired"})
		q.add(crm, contacts("a", "b", "c", "d")...)
		begin := func() *Engine {
			e := New(q, Options{Rand: noJitter})
			e.SetNotices(h.Board)
			e.Configure([]destination.Destination{forwardTo(s)})
			return e
		}
		e := begin()
		onlooker := start(t, q, Options{}, forwardTo(s))
		onlooker.SetNotices(h.Board)
		elapse(5 * time.Minute) // with probes that are refused
		h.want(t, "parked", "parked token (190): the token has expired")

		e.Close(t.Context())
		onlooker.Close(t.Context())
		e = begin()
		defer func() { e.Close(t.Context()) }()
		elapse(5 * time.Minute)
		h.want(t, "started again")

		say(destination.Verdict{Action: destination.Done})
		elapse(2 * time.Minute)
		h.want(t, "taken", "resumed token (190): the token has expired")

		say(destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"})
		q.add(crm, numbered("n", 20)...)
		elapse(5 * time.Minute)
		h.want(t, "down", "open 503 Service Unavailable")
		say(destination.Verdict{Action: destination.Done})
		elapse(time.Hour)
		h.want(t, "up", "closed 503 Service Unavailable")

		say(destination.Verdict{Action: destination.Gone, Reason: "410 Gone"})
		q.add(crm, contacts("x")...)
		elapse(time.Minute)
		h.want(t, "gone", "dead 410 Gone", "paused 410 Gone")
		say(destination.Verdict{Action: destination.Done})
		if err := e.Resume(t.Context(), crm.Name); err != nil {
			t.Fatal(err)
		}
		h.want(t, "resumed", "resumed 410 Gone")
		if err := e.Pause(t.Context(), crm.Name, "moving house"); err != nil {
			t.Fatal(err)
		}
		elapse(5 * time.Second)
		h.want(t, "paused", "paused moving house")
		// As another edge does it, which tells.
		if err := q.SetState(t.Context(), crm, queue.State{}); err != nil {
			t.Fatal(err)
		}
		elapse(5 * time.Second)
		h.want(t, "resumed elsewhere")
		if err := e.Resume(t.Context(), crm.Name); err != nil {
			t.Fatal(err)
		}
		h.want(t, "resumed what goes on")
	})
}
