package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

func at(seqs ...uint64) (list []queue.Pos) {
	for _, seq := range seqs {
		list = append(list, queue.Pos{Seq: seq})
	}
	return list
}

// someOutcomes are those of one event each: delivered, dead, to be tried again.
func someOutcomes() outcomes {
	return outcomes{done: at(1), dead: []queue.Death{{Pos: queue.Pos{Seq: 2}}}, retry: []queue.Retry{{Pos: queue.Pos{Seq: 3}}},
		notes: []string{"own"}, left: []string{"another's"}}
}

// settlement is a store that answers with these errors, and says what it was told.
type settlement struct {
	done, dead, retry, forget error

	told string
}

func (s *settlement) Done(_ context.Context, at []queue.Pos) error {
	s.told += fmt.Sprint("done ", len(at), " ")
	return s.done
}

func (s *settlement) Dead(_ context.Context, d []queue.Death) error {
	s.told += fmt.Sprint("dead ", len(d), " ")
	return s.dead
}

func (s *settlement) Retry(_ context.Context, r []queue.Retry) error {
	s.told += fmt.Sprint("retry ", len(r), " ")
	return s.retry
}

func (s *settlement) Forget(_ context.Context, ids []string) error {
	s.told += fmt.Sprint("forget ", ids)
	return s.forget
}

func TestWrite(t *testing.T) {
	refused := errors.New("refused")
	const all = "done 1 dead 1 retry 1 "
	const forgot = "forget [own another's]"
	for name, c := range map[string]struct {
		store settlement
		want  written
		told  string
	}{
		"all well":          {settlement{}, written{done: true, dead: true, retry: true, notes: true}, all + forgot},
		"a part is refused": {settlement{dead: refused}, written{done: true, retry: true, err: refused}, all},
		"the store is away": {settlement{done: queue.ErrUnavailable}, written{err: queue.ErrUnavailable}, "done 1 "},
		"another edge drains": {
			settlement{dead: queue.ErrLost, retry: queue.ErrLost}, written{done: true, dead: true, retry: true, lost: true, notes: true},
			all + "forget [own]",
		},
		"a note stays": {
			settlement{forget: refused}, written{done: true, dead: true, retry: true, err: refused}, all + forgot,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := someOutcomes()
			if how := write(t.Context(), &c.store, &o); how != c.want {
				t.Errorf("%+v, want %+v", how, c.want)
			}
			if c.store.told != c.told {
				t.Errorf("told %q, want %q", c.store.told, c.told)
			}
		})
	}
}

// What was not written is pending again, before what came meanwhile, and is known until then.
func TestAcks(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		how               written
		done, dead, retry []uint64
		notes             int
	}{
		"all well":           {written{done: true, dead: true, retry: true, notes: true}, []uint64{10}, nil, nil, 0},
		"nothing":            {written{err: refused}, []uint64{1, 10}, []uint64{2}, []uint64{3}, 2},
		"deaths are refused": {written{done: true, retry: true, err: refused}, []uint64{10}, []uint64{2}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			a := acks{pending: someOutcomes()}
			a.begin()
			a.pending.done = at(10)
			if known := slices.Collect(a.settled()); !slices.Equal(known, at(10, 1, 2)) {
				t.Errorf("while it is written %v are settled", known)
			}
			a.end(c.how)
			if !slices.Equal(a.pending.done, at(c.done...)) || a.isWriting {
				t.Errorf("delivered: %v", a.pending.done)
			}
			if n := len(a.pending.notes) + len(a.pending.left); n != c.notes {
				t.Errorf("%d notes are to be forgotten", n)
			}
			var dead, retry []uint64
			for _, d := range a.pending.dead {
				dead = append(dead, d.Pos.Seq)
			}
			for _, r := range a.pending.retry {
				retry = append(retry, r.Pos.Seq)
			}
			if !slices.Equal(dead, c.dead) || !slices.Equal(retry, c.retry) || a.writing.len() != 0 {
				t.Errorf("dead %v, retry %v, %d are written", dead, retry, a.writing.len())
			}
		})
	}
}

func TestAcksBlock(t *testing.T) {
	var a acks
	a.pending.done = make([]queue.Pos, maxUnwritten-1)
	if a.block() {
		t.Error("there is room for one more")
	}
	a.pending.done = append(a.pending.done, queue.Pos{})
	if !a.block() {
		t.Error("more may be sent than is to be remembered")
	}
	a = acks{}
	a.outage.failed(1)
	if !a.block() {
		t.Error("more may be sent while nothing can be written")
	}
}

func TestGathering(t *testing.T) {
	now := time.Second
	for name, c := range map[string]struct {
		flying, pending int
		calls           int
		failed          bool
		want            bool
	}{
		"others are on their way":             {flying: 1, pending: 1, want: true},
		"none is":                             {pending: 1},
		"enough":                              {flying: 1, pending: 8},
		"after a write that failed":           {flying: 1, pending: 1, failed: true},
		"calls that count until it is stored": {flying: 1, pending: 1, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := acks{pending: outcomes{done: make([]queue.Pos, c.pending), calls: c.calls}}
			if c.failed {
				a.outage.failed(now)
			}
			until, gathering := a.gathering(now, c.flying, 4)
			if gathering != c.want || gathering && until != now+gatherTime {
				t.Fatalf("gathering %v until %v", gathering, until)
			}
			if _, gathering := a.gathering(now+gatherTime, c.flying, 4); gathering {
				t.Error("it gathers for too long")
			}
		})
	}
}

func TestMayGrow(t *testing.T) {
	for name, c := range map[string]struct {
		calls, seen int
		writing     bool
		want        bool
	}{
		"a call":                {calls: 1, want: true},
		"none that counts":      {},
		"a yield brought more":  {calls: 3, seen: 2, want: true},
		"a yield brought none":  {calls: 2, seen: 2},
		"half of them wait":     {calls: 4},
		"a write is on its way": {calls: 1, writing: true},
	} {
		t.Run(name, func(t *testing.T) {
			a := acks{pending: outcomes{calls: c.calls}, isWriting: c.writing}
			if got := a.mayGrow(c.seen, 8); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestOutage(t *testing.T) {
	var o outage
	now := time.Second
	for i, want := range []time.Duration{50, 100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		if begins := o.failed(now); begins != (i == 0) {
			t.Errorf("failure %d: begins %v", i, begins)
		}
		until, resting := o.resting(now)
		if !resting || until != now+want*time.Millisecond {
			t.Errorf("failure %d: resting %v for %v", i, resting, until-now)
		}
		if now = until; i == 8 {
			if _, resting := o.resting(now); resting {
				t.Error("it rests for too long")
			}
		}
	}
	if !o.worked() || o.worked() {
		t.Error("an outage ends once")
	}
	if _, resting := o.resting(0); resting {
		t.Error("it rests after the store answered")
	}
}
