package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/queue"
)

// doubts counts what an engine tells of events in doubt.
type doubts struct {
	mu sync.Mutex
	n  int
}

func (*doubts) Delivered(string, string, string, int, time.Duration) {}

func (d *doubts) InDoubt(_, _ string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n += n
}

func datasetTo(s destination.Sender, d destination.InDoubt) destination.Destination {
	return destination.Destination{
		Dest: crm, Kind: dataset.Kind, Target: "1", Sender: s, Batch: 1000, Concurrency: 4, RetryFor: 7 * 24 * time.Hour, InDoubt: d,
	}
}

// departed are the places that stand in a destination's notes, whoever wrote them.
func (q *memQueue) departed(t *testing.T, d queue.Dest) (at []queue.Pos) {
	t.Helper()
	r := q.Queue.Drain(d, func() {})
	defer r.Close()
	left, err := r.Departures(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range left {
		at = append(at, left[i].Entries...)
	}
	return at
}

// leave has another edge note that entries depart, and die.
func (q *memQueue) leave(t *testing.T, d queue.Dest, at ...queue.Pos) {
	t.Helper()
	r := q.Queue.Drain(d, func() {})
	if _, err := r.Depart(context.Background(), at); err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestDepartsBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, numbered("c", 5)...)
		noted := 0
		s.answer = func(_ context.Context, it *destination.Item) destination.Verdict {
			if slices.Contains(q.departed(t, crm), it.Pos) {
				noted++
			}
			return destination.Verdict{Action: destination.Done}
		}
		e := start(t, q, Options{}, datasetTo(s, destination.Bury))
		elapse(time.Second)
		if noted != 5 || len(q.departed(t, crm)) != 0 {
			t.Errorf("%d of 5 were noted, and %d are still", noted, len(q.departed(t, crm)))
		}
		if n := statusOf(t, e, crm.Name).InDoubt; n != 0 {
			t.Errorf("%d are in doubt", n)
		}
	})
}

// What somebody left is judged once, before anything is sent.
func TestInDoubt(t *testing.T) {
	for _, then := range []destination.InDoubt{destination.SendAgain, destination.Bury} {
		synctest.Test(t, func(t *testing.T) {
			q, s := newMemQueue(), &sink{}
			q.add(crm, numbered("c", 500)...)
			var left []queue.Pos
			for n := range uint64(400) {
				left = append(left, queue.Pos{Seq: n + 1})
			}
			q.leave(t, crm, left...)
			q.alone(t, crm, func(d queue.Drain) error { return d.Done(context.Background(), left[:100]) })
			core, logs := observer.New(zap.WarnLevel)
			told := new(doubts)
			e := start(t, q, Options{Observer: told, Logger: zap.New(core)}, datasetTo(s, then))
			elapse(time.Minute)
			entries, _, dead := q.counts(crm)
			wantDead, wantSent := 0, 400
			if then == destination.Bury {
				wantDead, wantSent = 300, 100
			}
			if entries != 0 || dead != wantDead || len(s.seqs()) != wantSent {
				t.Errorf("%d wait, %d are dead, %d were sent; want 0, %d and %d", entries, dead, len(s.seqs()), wantDead, wantSent)
			}
			if n := statusOf(t, e, crm.Name).InDoubt; n != 300 || told.n != 300 {
				t.Errorf("%d and %d are in doubt, want 300", n, told.n)
			}
			if logs.FilterMessageSnippet("in doubt").Len() != 1 {
				t.Errorf("the log: %v", logs.All())
			}
			if n := len(q.departed(t, crm)); n != 0 {
				t.Errorf("%d are still noted", n)
			}
			if size := s.attempts()[0].size; size != 16 {
				t.Errorf("the first batch holds %d", size)
			}
			for _, l := range q.letters(t, crm) {
				if l.Reason.Reason != destination.Unconfirmed || l.FirstAt == 0 || l.Explanation == "" {
					t.Fatalf("dead letter %+v", l)
				}
			}
			if then != destination.Bury {
				return
			}
			// A replay is deliberate.
			if n, err := Replay(t.Context(), q, queue.DeadFilter{Reason: destination.Unconfirmed}); n != 300 || err != nil {
				t.Fatal(n, err)
			}
			elapse(time.Minute)
			if _, _, dead := q.counts(crm); dead != 0 || len(s.seqs()) != 400 {
				t.Errorf("after the replay %d are dead, %d were sent", dead, len(s.seqs()))
			}
		})
	}
}

// An answer that says nothing is no success, and none that a second request may follow.
func TestNoAnswerIsInDoubt(t *testing.T) {
	for _, then := range []destination.InDoubt{destination.SendAgain, destination.Bury, destination.Unnoted} {
		synctest.Test(t, func(t *testing.T) {
			q, s := newMemQueue(), &sink{}
			q.add(crm, numbered("c", 3)...)
			s.answer = func(_ context.Context, it *destination.Item) destination.Verdict {
				switch {
				case it.Attempt > 1:
					return destination.Verdict{Action: destination.Done}
				case it.Pos.Seq == 3:
					panic("after the request was sent")
				}
				return destination.Verdict{Action: destination.Retry, InDoubt: true, Reason: "timeout"}
			}
			told := new(doubts)
			d := datasetTo(s, then)
			d.Batch = 1
			e := start(t, q, Options{Observer: told}, d)
			elapse(time.Minute)
			_, _, dead := q.counts(crm)
			sent, wantDead, wantSent, wantDoubts := len(s.seqs()), 0, 6, 3
			switch then {
			case destination.Bury:
				wantDead, wantSent = 3, 3
			case destination.Unnoted:
				wantDoubts = 0
			}
			if n := statusOf(t, e, crm.Name).InDoubt; dead != wantDead || sent != wantSent || int(n) != wantDoubts || told.n != wantDoubts {
				t.Errorf("then %d: %d dead, %d sent, %d and %d in doubt", then, dead, sent, n, told.n)
			}
			if n := len(q.departed(t, crm)); n != 0 {
				t.Errorf("%d are still noted", n)
			}
		})
	}
}

// What could not be noted is not sent, until it can.
func TestNoNoteNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.noDone = true
		q.add(crm, numbered("c", 3)...)
		start(t, q, Options{}, datasetTo(s, destination.Bury))
		elapse(time.Minute)
		wantSeqs(t, s)
		q.change(crm, func(*memDest) { q.noDone = false })
		elapse(time.Minute)
		wantSeqs(t, s, 1, 2, 3)
		if entries, _, dead := q.counts(crm); entries+dead != 0 {
			t.Errorf("%d wait, %d are dead", entries, dead)
		}
	})
}

// What we break off ourselves stays noted, for whoever drains next.
func TestBrokenOffStaysInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.add(crm, numbered("c", 3)...)
		s.answer = func(ctx context.Context, _ *destination.Item) destination.Verdict {
			<-ctx.Done()
			return destination.Verdict{Action: destination.Retry, InDoubt: true, Reason: fmt.Sprint(ctx.Err())}
		}
		e := New(q, Options{})
		e.Configure([]destination.Destination{datasetTo(s, destination.SendAgain)})
		elapse(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		e.Close(ctx)
		if n := len(q.departed(t, crm)); n != 3 {
			t.Errorf("%d are noted, want 3", n)
		}
	})
}

// TestStoppedWhileItIsNoted has a note of what is to be sent take its time, and an
// operator stop the destination meanwhile: nothing new is sent, and nothing is in doubt.
func TestStoppedWhileItIsNoted(t *testing.T) {
	for name, c := range map[string]struct {
		stop func(*Engine)
		goOn func(*Engine, destination.Destination)
	}{
		"paused": {
			stop: func(e *Engine) { _ = e.Pause(context.Background(), crm.Name, "by hand") },
			goOn: func(e *Engine, _ destination.Destination) { _ = e.Resume(context.Background(), crm.Name) },
		},
		"removed": {
			stop: func(e *Engine) { e.Configure(nil) },
			goOn: func(e *Engine, d destination.Destination) { e.Configure([]destination.Destination{d}) },
		},
		"closed": {stop: func(e *Engine) { go e.Close(context.Background()) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, s := newMemQueue(), &sink{}
				q.departs = make(chan struct{})
				q.add(crm, numbered("c", 3)...)
				d := datasetTo(s, destination.Bury)
				e := start(t, q, Options{}, d)
				elapse(time.Second)
				if n := len(q.departed(t, crm)); n != 3 {
					t.Fatalf("%d are noted", n)
				}
				c.stop(e)
				elapse(2 * time.Second) // the loop has taken back what lay ready
				close(q.departs)
				elapse(time.Minute)
				wantSeqs(t, s)
				if n := len(q.departed(t, crm)); n != 0 {
					t.Errorf("%d are noted still", n)
				}
				want := 3
				if c.goOn != nil {
					c.goOn(e, d)
					elapse(time.Minute)
					wantSeqs(t, s, 1, 2, 3)
					want = 0
				}
				if entries, _, dead := q.counts(crm); entries != want || dead != 0 {
					t.Errorf("%d wait, %d are dead", entries, dead)
				}
			})
		})
	}
}

// TestNoteOfNothing has notes be written whose answers do not arrive: nothing is sent, and
// nothing stands for whoever drains next to hold for sent.
func TestNoteOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newMemQueue(), &sink{}
		q.unheard = true
		q.add(crm, numbered("c", 3)...)
		e := New(q, Options{})
		e.Configure([]destination.Destination{datasetTo(s, destination.Bury)})
		elapse(time.Minute)
		wantSeqs(t, s)
		e.Close(t.Context())
		if n := len(q.departed(t, crm)); n != 0 {
			t.Errorf("%d are noted", n)
		}
	})
}
