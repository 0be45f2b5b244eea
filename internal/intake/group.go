package intake

import (
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// draft is what a group is made of, beside what the store must know.
type draft struct {
	tenant *Tenant // nil: no tenant wanted them
	events []int   // per event of the group: its index in batch.Events
	encode []int32 // per event of the group: its payload, 0 = not encoded yet, else index + 1

	attribution []uint32  // per payload of the group: where attribution goes
	reports     []string  // per job of the group: the conversion's event name, "" for others
	said        []verdict // what its events say of conversions
	preset      bool      // the first event's payload is made already
}

// group returns the index of the tenant's group.
func (w *Webhook) group(t *Tenant) int {
	for g := range w.drafts {
		if w.drafts[g].tenant == t {
			return g
		}
	}
	g := len(w.groups)
	if g < cap(w.groups) && g < cap(w.drafts) {
		// What an earlier webhook left there is used again.
		w.groups, w.drafts = w.groups[:g+1], w.drafts[:g+1]
	} else {
		w.groups, w.drafts = append(w.groups, queue.Group{}), append(w.drafts, draft{})
	}
	w.drafts[g].tenant = t
	w.groups[g].Tenant = t.name()
	return g
}

// add adds a job to the draft's group; report is the event name of a conversion.
func (d *draft) add(group *queue.Group, job queue.Job, report string) {
	group.Jobs = append(group.Jobs, job)
	d.reports = append(d.reports, report)
}

// payload encodes event n of a group once, for all the jobs that carry it.
func (w *Webhook) payload(g, n int) (payload int, attribution uint32) {
	group, d := &w.groups[g], &w.drafts[g]
	if d.encode[n] == 0 {
		start := len(w.encoded)
		out, at := w.batch.Events[d.events[n]].AppendJSON(w.encoded)
		w.encoded = out
		group.Payloads = append(group.Payloads, out[start:len(out):len(out)])
		d.encode[n] = int32(len(group.Payloads))
		d.attribution = append(d.attribution, uint32(at-start))
	}
	payload = int(d.encode[n]) - 1
	return payload, d.attribution[payload]
}

// preset gives the first event of a group a payload that is made already.
func (w *Webhook) preset(g int, payload []byte, attribution uint32) {
	group, d := &w.groups[g], &w.drafts[g]
	group.Payloads = append(group.Payloads, payload)
	d.attribution = append(d.attribution, attribution)
	d.preset = true
}

// planAgain empties the plan of those groups that are not stored. The store has done with
// them: that a code is another's is its answer.
func (w *Webhook) planAgain(results []queue.Result) {
	for g := range results {
		if results[g].Err == nil {
			w.stored = append(w.stored, w.drafts[g].tenant)
		}
		w.emptyGroup(g)
	}
	w.groups, w.drafts = w.groups[:0], w.drafts[:0]
}

// isStored reports whether a tenant's group is stored by an earlier plan.
func (w *Webhook) isStored(t *Tenant) bool { return slices.Contains(w.stored, t) }

// keepGroups drops the groups that nobody wants: they need not be remembered,
// unless one is a click or moves some, or says a conversion.
func (w *Webhook) keepGroups() {
	kept := 0
	for g := range w.groups {
		if len(w.groups[g].Jobs) > 0 || touchesClicks(w.groups[g].Events) || len(w.drafts[g].said) > 0 {
			w.groups[kept], w.groups[g] = w.groups[g], w.groups[kept]
			w.drafts[kept], w.drafts[g] = w.drafts[g], w.drafts[kept]
			kept++
		}
	}
	for g := kept; g < len(w.groups); g++ {
		w.emptyGroup(g)
	}
	w.groups, w.drafts = w.groups[:kept], w.drafts[:kept]
}

func touchesClicks(events []queue.Event) bool {
	for i := range events {
		if len(events[i].Clicks) > 0 || len(events[i].Former) > 0 {
			return true
		}
	}
	return false
}

// emptyGroup empties a group and keeps its memory.
func (w *Webhook) emptyGroup(g int) {
	group, d := &w.groups[g], &w.drafts[g]
	*group = queue.Group{
		Events: emptied(group.Events), Payloads: emptied(group.Payloads),
		Jobs: emptied(group.Jobs), Counters: emptied(group.Counters), Notes: emptied(group.Notes),
	}
	*d = draft{events: d.events[:0], encode: d.encode[:0], attribution: d.attribution[:0], reports: emptied(d.reports), said: emptied(d.said)}
}

// emptied is a list without its elements, unless it has room for very many.
func emptied[T any](list []T) []T {
	if cap(list) > 256 {
		return nil
	}
	clear(list)
	return list[:0]
}
