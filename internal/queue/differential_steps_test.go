package queue_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
)

// held are all entries of a destination.
func (w *world) held(tw *twin, name string) (all []queue.Entry) {
	w.Helper()
	var after queue.Pos
	for {
		list, err := tw.drains[name].Read(w.Context(), after, 1+len(all), 1<<30)
		w.must(err)
		if len(list) == 0 {
			return all
		}
		after = list[len(list)-1].Pos
		all = append(all, list...)
	}
}

// deliver settles some entries of a destination in one way or another.
func (w *world) deliver() string {
	name, seed := pick(w, worldNames...), w.r.Uint64()
	n := 0
	for _, tw := range w.twins {
		r := rand.New(rand.NewPCG(seed, 1)) // the same for each
		entries := w.held(tw, name)
		d := tw.drains[name]
		var done []queue.Pos
		var retry []queue.Retry
		var dead []queue.Death
		for _, e := range entries {
			switch r.IntN(5) {
			case 0, 1:
				done = append(done, e.Pos)
			case 2:
				retry = append(retry, queue.Retry{
					Pos: e.Pos, Attempts: 1 + r.IntN(3), FirstAt: w.now(), Due: w.now() + r.Int64N(1000), Reason: "500",
					Receipt: []string{"", "request 1"}[r.IntN(2)], Note: []string{"", "again"}[r.IntN(2)],
				})
			case 3:
				if r.IntN(2) == 0 {
					dead = append(dead, queue.Death{
						Pos: e.Pos, Attempts: 1, FirstAt: w.now(), Reason: queue.Reason{Reason: []string{"x", "y"}[r.IntN(2)]},
					})
				}
			}
		}
		n = len(done) + len(retry) + len(dead)
		w.must(d.Retry(w.Context(), retry))
		w.must(d.Dead(w.Context(), dead))
		w.must(d.Done(w.Context(), done))
		w.must(d.Done(w.Context(), done)) // again: what is gone is gone
		w.must(d.Retry(w.Context(), slices.DeleteFunc(retry, func(q queue.Retry) bool { return q.Attempts > 1 })))
	}
	return fmt.Sprintf("%d of %s", n, name)
}

// depart notes of some entries of a destination that they are about to be sent.
func (w *world) depart() string {
	name, seed := pick(w, worldNames...), w.r.Uint64()
	n := 0
	for _, tw := range w.twins {
		r := rand.New(rand.NewPCG(seed, 1))
		var at []queue.Pos
		for _, e := range w.held(tw, name) {
			if r.IntN(3) == 0 {
				at = append(at, e.Pos)
			}
		}
		if n = len(at); n == 0 {
			continue
		}
		_, err := tw.drains[name].Departures(w.Context()) // what came with a move must have been looked at
		w.must(err)
		_, err = tw.drains[name].Depart(w.Context(), at)
		w.must(err)
	}
	return fmt.Sprintf("%d of %s", n, name)
}

// judge forgets what departed before a destination's drain was opened.
func (w *world) judge() string {
	name := pick(w, worldNames...)
	for _, tw := range w.twins {
		left, err := tw.drains[name].Departures(w.Context())
		w.must(err)
		var ids []string
		for i := range left {
			ids = append(ids, left[i].ID)
		}
		w.must(tw.drains[name].Forget(w.Context(), ids))
	}
	return name
}

// letters are the dead letters that a filter selects, without their ids, in an order
// of their own.
func (w *world) letters(tw *twin, f queue.DeadFilter) []queue.DeadLetter {
	w.Helper()
	list, err := tw.q.Dead(w.Context(), f)
	w.must(err)
	slices.SortStableFunc(list, compareLetters)
	return list
}

func compareLetters(a, b queue.DeadLetter) int {
	return cmp.Or(cmp.Compare(a.Dest.Tenant, b.Dest.Tenant), cmp.Compare(a.Dest.Name, b.Dest.Name), cmp.Compare(a.DiedAt, b.DiedAt),
		slices.Compare(a.Header.EventID[:], b.Header.EventID[:]), slices.Compare(a.Payload, b.Payload), cmp.Compare(a.Attempts, b.Attempts),
		cmp.Compare(a.Reason.Reason, b.Reason.Reason), cmp.Compare(a.Header.QueuedAt, b.Header.QueuedAt),
		cmp.Compare(a.Header.Contact, b.Header.Contact), cmp.Compare(a.Header.Attribution, b.Header.Attribution),
		cmp.Compare(len(a.Header.Meta), len(b.Header.Meta)))
}

// filter picks dead letters by destination, perhaps tenant, and reason or time, or one by
// its id.
func (w *world) filter() (f queue.DeadFilter, index int) {
	f, index = queue.DeadFilter{Destination: pick(w, worldNames...)}, -1
	if w.r.IntN(3) == 0 {
		f.Tenant = pick(w, worldTenants...)
	}
	switch n := w.r.IntN(4); {
	case n == 0 || w.mixed[f.Destination]:
		index = w.r.IntN(5)
	case n == 1:
		f.Reason = pick(w, "x", "y", "overflow")
	case n == 2:
		f.Since = w.now() - w.r.Int64N(3_600_000)
	}
	return f, index
}

// chosen is the filter as one store takes it.
func (w *world) chosen(tw *twin, f queue.DeadFilter, index int) queue.DeadFilter {
	if index >= 0 {
		f.IDs = []string{"none"}
		if list := w.letters(tw, f2(f)); index < len(list) {
			f.IDs = []string{list[index].ID}
		}
	}
	return f
}

func f2(f queue.DeadFilter) queue.DeadFilter {
	return queue.DeadFilter{Tenant: f.Tenant, Destination: f.Destination}
}

type counted struct {
	N    int
	Full bool
}

func (w *world) replay() string {
	f, index := w.filter()
	n := each(w, "replay", func(tw *twin) counted {
		n, err := tw.q.ReplayDead(w.Context(), w.chosen(tw, f, index))
		return counted{n, err != nil}
	})
	return fmt.Sprintf("%+v, %d: %+v", f, index, n)
}

func (w *world) dropDead() string {
	f, index := w.filter()
	n := each(w, "drop dead", func(tw *twin) int {
		n, err := tw.q.DropDead(w.Context(), w.chosen(tw, f, index))
		w.must(err)
		return n
	})
	return fmt.Sprintf("%+v, %d: %d", f, index, n)
}

// erase forgets somebody by a key that leads to clicks, or by an order key: how far an
// erase follows names that lead nowhere any more is no store's promise.
func (w *world) erase() string {
	tenant := pick(w, worldTenants...)
	keys := slices.Concat(w.contacts, w.marks)
	found, err := w.twins[0].q.Clicks(w.Context(), tenant, keys)
	w.must(err)
	known := slices.Clone(worldOrders[1:])
	for i := range found {
		if found[i].Last != nil {
			known = append(known, keys[i])
		}
	}
	key := pick(w, known...)
	n := 0
	for _, tw := range w.twins {
		removed, err := tw.q.Erase(w.Context(), tenant, key)
		w.must(err)
		if n = max(n, removed); n > 0 && removed == 0 && tw.name == "embedded" {
			w.Fatalf("step %d: %s erased nothing, where there was something", w.step, tw.name)
		}
	}
	return fmt.Sprint(tenant, " ", key, " ", n)
}

// move moves a destination to another of its tenant. It is empty then, and still
// drained.
func (w *world) move() string {
	from, to := pick(w, worldNames...), pick(w, worldNames...)
	n := each(w, "move", func(tw *twin) counted {
		n, err := tw.q.Move(w.Context(), queue.Dest{Tenant: w.home[from], Name: from}, queue.Dest{Tenant: w.home[to], Name: to})
		return w.moved(from, n, err)
	})
	if !n.Full {
		w.mixed[to] = true
	}
	return fmt.Sprint(from, " ", to, " ", n)
}

// moved leaves out how many it were where some may be past keep_dead.
func (w *world) moved(name string, n int, err error) counted {
	if w.mixed[name] {
		n = 0
	}
	return counted{n, err != nil}
}

func (w *world) drop() string {
	name := pick(w, worldNames...)
	n := each(w, "drop", func(tw *twin) counted {
		n, err := tw.q.Drop(w.Context(), queue.Dest{Tenant: w.home[name], Name: name})
		return w.moved(name, n, err)
	})
	w.mixed[name] = false
	return fmt.Sprint(name, " ", n)
}

func (w *world) state() string {
	name, s := pick(w, worldNames...), queue.State{}
	if w.chance(70) {
		s = queue.State{Paused: w.chance(50), Parked: w.chance(50), Reason: "by an operator", Since: w.now()}
	}
	for _, tw := range w.twins {
		w.must(tw.q.SetState(w.Context(), queue.Dest{Tenant: w.home[name], Name: name}, s))
	}
	return fmt.Sprint(name, " ", s)
}

// tick moves the clock on, never back: what has expired is thrown away by some stores
// and merely not shown by others, until the clock says otherwise.
func (w *world) tick() string {
	d := pick(w, time.Second, time.Minute, 7*time.Minute, 50*time.Minute, 11*time.Hour, 29*time.Hour, 8*24*time.Hour, 31*24*time.Hour)
	if d > 24*time.Hour && w.chance(50) {
		d = time.Minute
	}
	w.clock.Advance(d)
	return d.String()
}

func (w *world) reopen() string {
	for _, tw := range w.twins {
		closeDrains(tw)
		tw.q = tw.reopen()
		w.openDrains(tw)
	}
	w.configured()
	return ""
}

// rename gives a destination to the other tenant, for which webhooks may have come
// before it is drained.
func (w *world) rename() string {
	name := pick(w, worldNames...)
	w.home[name] = map[string]string{"acme": "initech", "initech": "acme"}[w.home[name]]
	said := name + " to " + w.home[name]
	early := w.chance(50)
	for _, tw := range w.twins {
		tw.drains[name].Close()
	}
	if early {
		g := *w.group(w.home[name])
		said += ", early: " + describe([]queue.Group{g})
		each(w, "append early", func(tw *twin) []queue.Result { return w.results(tw, []queue.Group{g}) })
	}
	for _, tw := range w.twins {
		w.openDrain(tw, queue.Dest{Tenant: w.home[name], Name: name})
	}
	return said
}

// late has a webhook come for a destination under its tenant of before.
func (w *world) late() string {
	name := pick(w, worldNames...)
	tenant := map[string]string{"acme": "initech", "initech": "acme"}[w.home[name]]
	w.events++
	id := w.id(w.events)
	g := queue.Group{
		Tenant: tenant, Events: []queue.Event{{ID: id, Time: w.now()}}, Payloads: [][]byte{[]byte(`{"late":true}`)},
		Jobs: []queue.Job{{Dest: queue.Dest{Tenant: tenant, Name: name}, Events: []int{0}, Header: queue.Header{EventID: id, QueuedAt: w.now()}}},
	}
	if w.backlog > 0 {
		return "" // it may overflow, and a letter is fetched another time
	}
	each(w, "append late", func(tw *twin) []queue.Result { return w.results(tw, []queue.Group{g}) })
	for _, tw := range w.twins {
		w.until(tw, tw.drains[name], "what came late", func() bool {
			infos, err := tw.q.Destinations(w.Context())
			w.must(err)
			return !slices.ContainsFunc(infos, func(i queue.Info) bool { return i.Dest == g.Jobs[0].Dest })
		})
	}
	return name
}

func (w *world) configure() string {
	w.backlog = pick(w, 0, 3, 8)
	w.configured()
	return fmt.Sprint(w.backlog)
}

func (w *world) configured() {
	o := queuetest.DefaultOptions()
	o.MaxCodes, o.MaxUnclaimed = 1, 3
	if w.backlog > 0 {
		o.MaxBacklog = w.backlog
	}
	for _, tw := range w.twins {
		tw.q.Configure(o)
	}
}

func (w *world) sweepAll() string {
	for _, tw := range w.twins {
		tw.sweep()
	}
	return ""
}
