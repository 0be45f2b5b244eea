package queue_test

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// holding is what a store holds of a destination.
type holding struct {
	Entries []queue.Entry       // without positions
	Retries map[int]queue.Retry // by the entry's index, without positions
	Doubts  map[int]int64       // when it departed, likewise
	State   queue.State
}

// compare compares all that the stores hold.
func (w *world) compare() {
	w.Helper()
	w.sweepDead()
	each(w, "destinations", func(tw *twin) []queue.Info {
		infos, err := tw.q.Destinations(w.Context())
		w.must(err)
		for i := range infos {
			if w.mixed[infos[i].Name] {
				infos[i].Dead = 0 // what stands behind a newer letter is thrown away later, and not shown
			}
		}
		return infos
	})
	for _, name := range worldNames {
		each(w, "queue of "+name, func(tw *twin) []string { return w.holding(tw, name).lines() })
	}
	each(w, "dead letters", func(tw *twin) []queue.DeadLetter {
		list := w.letters(tw, queue.DeadFilter{})
		for i := range list {
			list[i].ID = ""
		}
		return list
	})
	keys := append(slices.Clone(w.contacts), w.marks[max(len(w.marks)-40, 0):]...)
	for _, tenant := range worldTenants {
		each(w, "once keys of "+tenant, func(tw *twin) []bool {
			known, err := tw.q.Remembers(w.Context(), tenant, []string{"lead\na", "lead\nb", "sale\nc", "none"})
			w.must(err)
			return known
		})
		each(w, "clicks of "+tenant, func(tw *twin) []string {
			found, err := tw.q.Clicks(w.Context(), tenant, keys)
			w.must(err)
			var shown []string
			for i, c := range found {
				if !reflect.DeepEqual(c, queue.Clicks{}) { // nothing is nil
					shown = append(shown, fmt.Sprintf("%s: %q %q, oldest %q, newest %q", keys[i], c.First, c.Last, c.Oldest, c.Newest))
					for kind := range queue.ClickKinds {
						shown = append(shown, fmt.Sprint(c.Oldest[kind] == nil, c.Newest[kind] == nil))
					}
				}
			}
			return shown
		})
		for _, key := range keys {
			each(w, "journal of "+key+" of "+tenant, func(tw *twin) []queue.Note {
				notes, err := tw.q.Notes(w.Context(), tenant, []string{key})
				w.must(err)
				return slices.Clip(append([]queue.Note{}, notes...))
			})
		}
		each(w, "codes of "+tenant, func(tw *twin) []queue.Code {
			found, err := tw.q.Codes(w.Context(), tenant, w.codes)
			w.must(err)
			return found
		})
		each(w, "counters of "+tenant, func(tw *twin) []queue.Count {
			counts, err := tw.q.Counters(w.Context(), tenant, w.start/86_400_000-1, w.now()/86_400_000+1)
			w.must(err)
			return counts
		})
	}
}

// sweepDead has what is past keep_dead thrown away everywhere: until then some count
// it, and some don't show it.
func (w *world) sweepDead() {
	for _, tw := range w.twins {
		tw.sweep()
	}
}

// lines shows each entry in a line.
func (h holding) lines() (lines []string) {
	for i, e := range h.Entries {
		lines = append(lines, fmt.Sprintf("%+v %.80q %+v %d", e.Header, e.Payload, h.Retries[i], h.Doubts[i]))
	}
	return append(lines, fmt.Sprintf("%+v", h.State))
}

func (w *world) holding(tw *twin, name string) holding {
	w.Helper()
	h := holding{Entries: w.held(tw, name), Retries: map[int]queue.Retry{}, Doubts: map[int]int64{}}
	at := map[queue.Pos]int{}
	for i := range h.Entries {
		at[h.Entries[i].Pos] = i
		h.Entries[i].Pos = queue.Pos{}
	}
	retries, err := tw.drains[name].Retries(w.Context())
	w.must(err)
	for _, r := range retries {
		i, ok := at[r.Pos]
		if !ok {
			w.Fatalf("step %d: %s: a retry of %s is of no entry: %+v", w.step, tw.name, name, r)
		}
		r.Pos = queue.Pos{}
		h.Retries[i] = r
	}
	left, err := tw.drains[name].Departures(w.Context())
	w.must(err)
	for _, d := range left {
		for _, pos := range d.Entries {
			if i, stands := at[pos]; stands {
				h.Doubts[i] = max(h.Doubts[i], d.At)
			}
		}
	}
	h.State, err = tw.drains[name].State(w.Context())
	w.must(err)
	return h
}

// shown leaves out of lists of lines what both have.
func shown(list, other any) any {
	lines, ok := list.([]string)
	if !ok {
		return list
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(other.([]string), l) })
}
