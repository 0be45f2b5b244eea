package queue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What stores decide alike. Package memory decides it once more, by itself.

// KeptClicks are the event's clicks that are to be kept: those of a contact, with data.
func (ev *Event) KeptClicks() []Click {
	if ev.Contact == "" {
		return nil
	}
	for i := range ev.Clicks {
		if len(ev.Clicks[i].Data) == 0 {
			return slices.DeleteFunc(slices.Clone(ev.Clicks), func(c Click) bool { return len(c.Data) == 0 })
		}
	}
	return ev.Clicks
}

// SealEvent is an event's seal as the event that it is remembered as, nil for none.
func (ev *Event) SealEvent() *Event {
	if ev.Seal == (ID{}) {
		return nil
	}
	return &Event{ID: ev.Seal}
}

// FormerKeys are the keys of old identities, of which no store takes more than maxFormer:
// their number has six bits in a call of Redis.
func (ev *Event) FormerKeys() []string {
	if len(ev.Former) == 0 {
		return nil
	}
	keys := slices.DeleteFunc(slices.Clone(ev.Former), func(key string) bool { return key == "" })
	return keys[:min(len(keys), maxFormer)]
}

const maxFormer = 63

// aheadMs is how far in the future a provider's time is believed. An id whose
// event is later still counts from then, or it would be remembered for years.
const aheadMs = 2 * 24 * int64(time.Hour/time.Millisecond)

// RememberedFrom is when the window of an event's id begins, ms: when it came, or at
// its own time, whichever is later. Another copy may carry another time, and none
// of them may come through while one is remembered.
func RememberedFrom(at, now int64) int64 { return max(now, min(at, now+aheadMs)) }

// OverflowReason is why a dead letter is one for which there was no room.
var OverflowReason = Reason{
	Reason:      "overflow",
	Explanation: "the destination's backlog was full (max_backlog) when the event came; replay it when the destination takes events again",
}

// NoRoom is the error of a replay of n letters that these destinations had no
// room for all of, nil if there were none.
func NoRoom(n int, full map[string]bool) error {
	if len(full) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(full))
	return fmt.Errorf("%w: %d went back, the rest stay: the backlog of %s has reached max_backlog", ErrFull, n, strings.Join(names, " and "))
}

// Failed are the results of n groups that failed alike.
func Failed(n int, err error) []Result {
	results := make([]Result, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}

// Counts reports whether a counter counts, by the outcome of its group. first reports
// for an event whether its click is its contact's first.
func (c *Counter) Counts(r *Result, first func(event int) bool) bool {
	switch c.When {
	case WhenQueued:
		return r.Jobs[c.Of] == Queued
	case WhenFirst:
		return r.New[c.Of] && first(c.Of)
	}
	return r.New[c.Of]
}

// CompareCounts orders figures by day, key and field.
func CompareCounts(a, b Count) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Field, b.Field))
}
