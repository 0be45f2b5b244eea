package dashboard

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"github.com/leadgate/leadgate/normalize"
)

// How many events are kept, in memory only, and only while a dashboard is
// configured, and up to which size, in bytes, as unified JSON. An event that is
// larger is kept without the provider's own object, and not at all if that does
// not help.
const (
	KeptEvents   = 50
	maxKeptEvent = 64 << 10
)

// keptEvent is an event as unified JSON.
type keptEvent struct {
	Seq   uint64
	Event []byte
}

// eventRing keeps the last events. Its memory is used again and again.
type eventRing struct {
	mu    sync.Mutex
	seq   uint64 // of the newest
	slots [KeptEvents]keptEvent
}

// RecordEvent keeps a new event for the dashboard. Without one it costs a load.
func RecordEvent(ev *normalize.Event) {
	if r := recording.Load(); r != nil {
		r.events.add(ev)
		if own := r.ring(ev.TenantID); own != nil && ev.TenantID != "" {
			own.add(ev)
		}
	}
}

func (e *eventRing) add(ev *normalize.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	slot := &e.slots[(e.seq+1)%KeptEvents]
	out := slot.Event[:0]
	if len(ev.Raw) <= maxKeptEvent {
		out, _ = ev.AppendJSON(out)
	}
	if len(out) == 0 || len(out) > maxKeptEvent {
		small := *ev
		small.Raw = nil
		out, _ = small.AppendJSON(out[:0])
	}
	if len(out) > maxKeptEvent {
		return
	}
	if cap(out) > 2*maxKeptEvent {
		out = bytes.Clone(out)
	}
	e.seq++
	slot.Seq, slot.Event = e.seq, out
}

// after returns copies of the events with a greater number, newest first.
func (e *eventRing) after(seq uint64) []keptEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []keptEvent
	for i := range e.slots {
		if s := &e.slots[i]; s.Seq > seq {
			list = append(list, keptEvent{s.Seq, bytes.Clone(s.Event)})
		}
	}
	slices.SortFunc(list, func(a, b keptEvent) int { return cmp.Compare(b.Seq, a.Seq) })
	return list
}
