package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// journal is a contact's notes, the oldest first.
type journal struct {
	notes []queue.Note
	till  int64 // ms
}

// note writes a note, if it is one of what became of its group.
func (t *tenant) note(g *queue.Group, n *queue.Note, r *queue.Result, now, remember int64) {
	fresh := false
	switch n.When {
	case queue.WhenNew:
		fresh = r.New[n.Of]
	case queue.WhenQueued:
		fresh = r.Jobs[n.Of] == queue.Queued
	case queue.WhenDuplicate:
		for _, event := range g.Jobs[n.Of].Events {
			fresh = fresh || r.New[event] && r.Jobs[n.Of] == queue.Duplicate
		}
	case queue.WhenDead:
		fresh = r.Jobs[n.Of] == queue.Died || r.Jobs[n.Of] == queue.Overflow
	}
	if !fresh {
		return
	}
	key, _ := t.contacts.of(n.Contact, now, remember)
	j := t.journal(key, now)
	known := slices.IndexFunc(j.notes, func(o queue.Note) bool { return o.ID == n.ID })
	switch {
	case len(n.Data) == 0 && known < 0:
		return
	case len(n.Data) == 0:
		j.notes[known].Outcome = copyOf(n.Outcome)
	default:
		j.notes = slices.DeleteFunc(j.notes, func(o queue.Note) bool { return o.ID == n.ID })
		j.notes = append(j.notes, queue.Note{ID: n.ID, At: min(n.At, now), Data: copyOf(n.Data), Outcome: copyOf(n.Outcome)})
	}
	t.keep(key, j.notes, max(j.till, now+remember))
}

// keep sorts a journal, cuts it to its limits, and stores it.
func (t *tenant) keep(key string, notes []queue.Note, till int64) {
	slices.SortFunc(notes, byAge)
	size := func() (n int) {
		for _, note := range notes {
			n += len(note.Data) + len(note.Outcome)
		}
		return n
	}
	for len(notes) > 100 || size() > 32768 {
		notes = notes[1:]
	}
	t.journals[key] = journal{notes, till}
}

func byAge(a, b queue.Note) int {
	return cmp.Or(cmp.Compare(a.At, b.At), bytes.Compare(a.ID[:], b.ID[:]))
}

// journal is what stands under a key.
func (t *tenant) journal(key string, now int64) journal {
	if j := t.journals[key]; j.till > now {
		return j
	}
	return journal{}
}

// follow has what stands under an event's keys stand under its contact's, if that has
// clicks.
func (t *tenant) follow(ev *queue.Event, now, remember int64) {
	key, p := t.contacts.of(ev.Contact, now, remember)
	if ev.Contact == "" || p == nil {
		return
	}
	for _, other := range slices.Concat(ev.Aliases, ev.Former, p.aliases) {
		j := t.journal(other, now)
		if other == key || len(j.notes) == 0 {
			continue
		}
		mine := t.journal(key, now)
		for _, n := range j.notes {
			if !slices.ContainsFunc(mine.notes, func(o queue.Note) bool { return o.ID == n.ID }) {
				mine.notes = append(mine.notes, n)
			}
		}
		delete(t.journals, other)
		t.keep(key, mine.notes, max(mine.till, j.till))
	}
}

// eraseJournals reports whether any of these keys had one.
func (t *tenant) eraseJournals(keys map[string]bool, now int64) (any bool) {
	for key := range keys {
		any = any || len(t.journal(key, now).notes) > 0
		delete(t.journals, key)
	}
	return any
}

// Notes implements [queue.Queue].
func (q *Queue) Notes(ctx context.Context, tenant string, keys []string) (notes []queue.Note, err error) {
	err = q.with(ctx, func() error {
		t, now := q.d.tenant(tenant), q.d.ms()
		for _, key := range keys {
			of, p := t.contacts.find(key, now, q.d.opts.RememberClicks.Milliseconds())
			if p == nil {
				of = key
			}
			for _, n := range t.journal(of, now).notes {
				if !slices.ContainsFunc(notes, func(o queue.Note) bool { return o.ID == n.ID }) {
					notes = append(notes, queue.Note{ID: n.ID, At: n.At, Data: copyOf(n.Data), Outcome: copyOf(n.Outcome)})
				}
			}
		}
		slices.SortFunc(notes, func(a, b queue.Note) int { return byAge(b, a) })
		return nil
	})
	return notes, err
}
