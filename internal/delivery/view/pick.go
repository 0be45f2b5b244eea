package view

import (
	"time"

	"github.com/leadgate/leadgate/internal/delivery/deque"
	"github.com/leadgate/leadgate/internal/queue"
)

// Pick takes the event that is sent next, nil if there is none. retries is how many
// calls with events that failed before are in flight.
func (v *View) Pick(retries int) *Entry {
	switch fresh := v.ready.Len() > 0; {
	case v.due.Len() > 0 && (!fresh || v.retriesTurn(retries)):
		v.lastRetried = true
		return v.due.Pop()
	case fresh:
		v.lastRetried = false
		return v.ready.Pop()
	}
	return nil
}

// retriesTurn leaves at least half of the places to events that never failed:
// many that time out must not hold up the rest.
func (v *View) retriesTurn(retries int) bool {
	if v.settings.Concurrency == 1 {
		return !v.lastRetried
	}
	return retries < v.settings.Concurrency/2
}

// PickBatch takes a full batch, or what there is when it has waited long enough. Of an
// empty one, until is when that will be, 0 if it is not known. reading says that there
// may be more soon.
func (v *View) PickBatch(now time.Duration, reading bool) (batch []*Entry, until time.Duration) {
	total := v.InMemory()
	if total == 0 {
		v.gathering.since = 0
		return nil, 0
	}
	if total < v.batch() {
		if reading {
			return nil, 0
		}
		if v.gathering.since == 0 {
			v.gathering.since = now
		}
		if until := v.gathering.since + v.settings.Linger; v.exhausted && now < until {
			return nil, until
		}
	}
	v.gathering.since = 0
	batch = make([]*Entry, 0, min(total, v.batch()))
	for v.due.Len() > 0 && len(batch) < cap(batch) {
		batch = append(batch, v.due.Pop())
	}
	for len(batch) < cap(batch) {
		batch = append(batch, v.ready.Pop())
	}
	return batch, 0
}

// smallBatch is how many events the first batch after a crash has.
const smallBatch = 16

// BeginSmall has batches begin small, and double until they are as large as they may be:
// whoever died may die again, and what is in doubt then is what is on its way.
func (v *View) BeginSmall() { v.gathering.most = smallBatch }

// batch is how many events a batch has at most now.
func (v *View) batch() int {
	if v.gathering.most > 0 {
		return min(v.gathering.most, v.settings.Batch)
	}
	return v.settings.Batch
}

// grow doubles a batch that began small.
func (v *View) grow() {
	if v.gathering.most *= 2; v.gathering.most >= v.settings.Batch {
		v.gathering.most = 0
	}
}

// Oldest takes the oldest event, to probe with. If that is one that failed and has no
// payload in memory, it is left, for [View.Claim]. One that waits though nothing failed is
// none before its time, and one with a receipt only where there is no other: what the
// destination says of it says little of what it takes. Both are nil where there is none.
func (v *View) Oldest(now time.Duration) (*Entry, *Failed) {
	var first *Failed
	for _, f := range v.dueHeap.items {
		switch {
		case f.waits() && f.due > now:
		case first == nil, (f.receipt == "") != (first.receipt == "") && f.receipt == "":
			first = f
		case (f.receipt == "") == (first.receipt == "") && f.pos.Less(first.pos):
			first = f
		}
	}
	from, index := &v.ready, -1
	var pos queue.Pos
	for _, d := range []*deque.Deque[*Entry]{&v.due, &v.ready} {
		for i := range d.Len() {
			if p := d.At(i).Pos; index < 0 || p.Less(pos) {
				from, index, pos = d, i, p
			}
		}
	}
	if first != nil && (index < 0 || first.receipt == "" && first.pos.Less(pos)) && (first.lane == nil || !first.lane.busy) {
		return nil, first
	}
	if index < 0 {
		return nil, nil
	}
	return from.Remove(index), nil
}

// Untried takes the oldest event in memory of a contact of which nothing failed, nil if
// there is none.
func (v *View) Untried() *Entry {
	for i := range v.ready.Len() {
		if l := v.ready.At(i).lane; l == nil || len(l.failed) == 0 {
			return v.ready.Remove(i)
		}
	}
	return nil
}

// LongestAgo is the failed event that was tried longest ago and is a contact's oldest,
// for [View.Claim]. An event whose destination asked to wait for longer is none: without
// another, until is when the first of those may be tried, 0 if there is none.
func (v *View) LongestAgo(now time.Duration) (longest *Failed, until time.Duration) {
	for _, f := range v.dueHeap.items {
		if f.lane != nil && (f.lane.busy || f.lane.failed[0] != f) {
			continue
		}
		notUntil := f.notUntil
		if f.waits() {
			notUntil = f.due
		}
		if notUntil > now {
			if until == 0 || notUntil < until {
				until = notUntil
			}
			continue
		}
		if longest == nil || f.triedAt < longest.triedAt {
			longest = f
		}
	}
	return longest, until
}

// TakeDue takes an event that was claimed, nil if it is gone or was not read.
func (v *View) TakeDue(f *Failed) *Entry {
	for i := range v.due.Len() {
		if v.due.At(i).failed == f {
			return v.due.Remove(i)
		}
	}
	return nil
}

// TakeAny takes any event in memory, nil if there is none.
func (v *View) TakeAny() *Entry {
	switch {
	case v.due.Len() > 0:
		return v.due.Pop()
	case v.ready.Len() > 0:
		return v.ready.Pop()
	}
	return nil
}
