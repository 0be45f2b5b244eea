package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestNothingIsLostOrOutOfOrder does at random what can be done to a view. At no time
// are two events of a contact in flight; without holds that end, a contact's events are
// settled in order; in the end all are, and nothing is left in memory.
func TestNothingIsLostOrOutOfOrder(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := ordered
			s.Hold = -1
			s.Concurrency = 1 + r.IntN(8)
			w := walk{table: lay(t, s), r: r, done: map[string]uint64{}, retries: map[queue.Pos]queue.Retry{}}
			w.v.SetWindow(1 + r.IntN(2000))
			for range 2000 {
				w.step()
			}
			w.finish()
		})
	}
}

type walk struct {
	*table
	r       *rand.Rand
	done    map[string]uint64         // settled, by contact
	retries map[queue.Pos]queue.Retry // in the store
	pending []*Read                   // on its way
}

func (w *walk) step() {
	switch n := w.r.IntN(100); {
	case n < 20:
		w.add(fmt.Sprint("c", w.r.IntN(12)))
		w.v.Woken()
	case n < 30:
		if !w.onItsWay(false) {
			w.pending = append(w.pending, w.v.Ahead(1+w.r.IntN(40)))
		}
	case n < 40:
		w.v.CollectDue(w.now)
		if w.onItsWay(true) {
			return
		}
		if r := w.v.Again(); r != nil {
			w.pending = append(w.pending, r)
		}
	case n < 55:
		w.arrive(w.r.IntN(10) == 0)
	case n < 75:
		if e := w.v.Pick(w.r.IntN(4)); e != nil {
			w.send(e)
		}
	case n < 97:
		w.end()
	case n < 98:
		w.v.Hurry(w.now, w.wall())
	case n < 99:
		w.now += time.Duration(w.r.IntN(5000)) * time.Millisecond
	default:
		w.v.Reset(slices.Values(w.flying), nil)
		w.v.Load(w.stored())
	}
}

// onItsWay reports whether a read of a kind is: there is one of each at a time.
func (w *walk) onItsWay(again bool) bool {
	return slices.ContainsFunc(w.pending, func(r *Read) bool { return len(r.At) > 0 == again })
}

func (w *walk) stored() (list []queue.Retry) {
	for _, r := range w.retries {
		list = append(list, r)
	}
	return list
}

// arrive has a read come, or fail.
func (w *walk) arrive(fails bool) {
	if len(w.pending) == 0 {
		return
	}
	r := w.pending[0]
	w.pending = w.pending[1:]
	switch {
	case !w.v.IsFor(r):
	case fails:
		w.v.Undo(r)
	default:
		_, unsaved := w.apply(w.carryOut(r))
		for _, u := range unsaved {
			w.retries[u.Pos] = u
		}
	}
}

func (w *walk) send(e *Entry) {
	for _, f := range w.flying {
		if f.Header.Contact == e.Header.Contact {
			w.t.Fatalf("%d and %d of %s are in flight", f.Pos.Seq, e.Pos.Seq, e.Header.Contact)
		}
	}
	w.begin(e)
}

// end has something become of an event that is in flight.
func (w *walk) end() {
	if len(w.flying) == 0 {
		return
	}
	e := w.flying[w.r.IntN(len(w.flying))]
	switch n := w.r.IntN(10); {
	case n < 6:
		if last := w.done[e.Header.Contact]; last > e.Pos.Seq {
			w.t.Fatalf("%s: %d after %d", e.Header.Contact, e.Pos.Seq, last)
		}
		w.done[e.Header.Contact] = e.Pos.Seq
		delete(w.retries, e.Pos)
		w.deliver(e.Pos.Seq)
	case n < 8:
		delay := time.Duration(w.r.IntN(3000)) * time.Millisecond
		x := Failure{At: w.now, Delay: delay, Due: w.wall() + delay.Milliseconds()}
		e.Receipt, e.Note = []string{"", "receipt"}[w.r.IntN(2)], []string{"", "note"}[w.r.IntN(2)]
		if r, ok := w.v.Later(w.land(e.Pos.Seq), x); ok {
			w.retries[r.Pos] = r
		}
	case n < 9:
		if r, ok := w.fail(e.Pos.Seq, time.Duration(w.r.IntN(3000))*time.Millisecond); ok {
			w.retries[r.Pos] = r
		}
	default:
		w.v.Requeue(w.land(e.Pos.Seq), w.wall())
	}
}

// finish delivers all that is left.
func (w *walk) finish() {
	for len(w.pending) > 0 {
		w.arrive(false)
	}
	for rounds := 0; len(w.entries) > 0; rounds++ {
		if rounds > 100_000 {
			w.t.Fatalf("%d events are left, %+v", len(w.entries), w.v.Size())
		}
		w.now += time.Second
		w.fetch()
		if w.v.MayRead() {
			w.pending = append(w.pending, w.v.Ahead(0))
			w.arrive(false)
		}
		for e := w.v.Pick(0); e != nil; e = w.v.Pick(0) {
			w.send(e)
		}
		for len(w.flying) > 0 {
			e := w.flying[0]
			if last := w.done[e.Header.Contact]; last > e.Pos.Seq {
				w.t.Fatalf("%s: %d after %d", e.Header.Contact, e.Pos.Seq, last)
			}
			w.done[e.Header.Contact] = e.Pos.Seq
			w.deliver(e.Pos.Seq)
		}
	}
	if size := w.v.Size(); size != (Size{}) || w.v.Failing() != 0 || w.tracked.Load() != 0 || w.v.Deferred() != 0 {
		w.t.Errorf("left in memory: %+v, %d fail, %d wait", size, w.v.Failing(), w.v.Deferred())
	}
	if w.read(); w.v.Awaiting() != 0 {
		w.t.Errorf("%d are awaited in the end", w.v.Awaiting())
	}
}
