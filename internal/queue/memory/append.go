package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// Append implements [queue.Queue].
func (q *Queue) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	if len(groups) == 0 {
		return nil
	}
	results := make([]queue.Result, len(groups))
	err := q.with(ctx, func() error {
		for i := range groups {
			if results[i].Err = groups[i].Validate(); results[i].Err != nil {
				continue
			}
			results[i] = q.d.append(&groups[i])
		}
		return nil
	})
	for i := range results {
		if err != nil {
			results[i] = queue.Result{Err: err}
		}
	}
	return results
}

// append stores a group. Once its claims are found to be good, nothing of it can fail.
func (d *data) append(g *queue.Group) queue.Result {
	t, now := d.tenant(g.Tenant), d.ms()
	if !t.claimable(g, now) {
		return queue.Result{Err: queue.ErrClaimed}
	}
	r := queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Admission, len(g.Jobs))}
	first := make([]bool, len(g.Events))
	for i := range g.Events {
		ev, dedupe := &g.Events[i], d.opts.Dedupe.Milliseconds()
		r.New[i] = (ev.Seal == queue.ID{} || t.fresh(ev.Seal, 0, now, dedupe)) && t.fresh(ev.ID, ev.Time, now, dedupe)
	}
	for i := range g.Jobs {
		r.Jobs[i] = d.job(t, g, &g.Jobs[i], r.New, now)
	}
	for i := range g.Events {
		if r.New[i] {
			t.claim(&g.Events[i], now+d.opts.RememberClicks.Milliseconds())
			first[i] = t.contacts.touch(&g.Events[i], now, d.opts.RememberClicks.Milliseconds())
			t.follow(&g.Events[i], now, d.opts.RememberClicks.Milliseconds())
		}
	}
	for i := range g.Counters {
		t.count(&g.Counters[i], &r, first, now)
	}
	for i := range g.Notes {
		t.note(g, &g.Notes[i], &r, now, d.opts.RememberClicks.Milliseconds())
	}
	return r
}

// fresh remembers an id, and reports whether it was not remembered before.
func (t *tenant) fresh(id queue.ID, at, now, dedupe int64) bool {
	if t.ids[id] > now {
		return false
	}
	t.ids[id] = remembered(at, now, dedupe)
	return true
}

// remembered is until when an event's id is: from when it came or from its own time,
// whichever is later, which is not believed far into the future.
func remembered(at, now, dedupe int64) int64 {
	return max(now, min(at, now+2*queue.DayMS)) + dedupe
}

// job decides what becomes of a job, and does it.
func (d *data) job(t *tenant, g *queue.Group, j *queue.Job, fresh []bool, now int64) queue.Admission {
	if !slices.ContainsFunc(j.Events, func(n int) bool { return fresh[n] }) {
		return queue.Duplicate
	}
	for _, o := range j.Once {
		if o.Use != queue.Mark && t.once[o.Key] > now {
			return queue.Duplicate
		}
	}
	for _, o := range j.Once {
		if o.Use != queue.Look {
			t.once[o.Key] = now + o.Window.Milliseconds()
		}
	}
	m := d.need(j.Dest)
	e := queue.Entry{Header: copyHeader(j.Header), Payload: copyOf(g.Payloads[j.Payload])}
	switch {
	case j.Dead != nil:
		d.bury(j.Dest, queue.DeadLetter{DiedAt: now, Reason: *j.Dead, Header: e.Header, Payload: e.Payload})
		return queue.Died
	case d.opts.MaxBacklog > 0 && len(m.entries) >= d.opts.MaxBacklog:
		d.bury(j.Dest, queue.DeadLetter{DiedAt: now, Reason: queue.Reason{
			Reason:      "overflow",
			Explanation: "the destination's backlog was full (max_backlog) when the event came; replay it when the destination takes events again",
		}, Header: e.Header, Payload: e.Payload})
		return queue.Overflow
	}
	m.add(e)
	d.wake(j.Dest)
	return queue.Queued
}

// add puts an entry at the end.
func (m *dest) add(e queue.Entry) queue.Pos {
	m.next++
	e.Pos = queue.Pos{Seq: m.next}
	m.entries = append(m.entries, e)
	return e.Pos
}

// bury adds a dead letter.
func (d *data) bury(name queue.Dest, l queue.DeadLetter) {
	m := d.need(name)
	d.letters++
	l.Dest = name
	m.dead = append(m.dead, letter{l, d.letters})
	if name == queue.Unmatched && len(m.dead) > queue.UnmatchedKeep {
		m.dead = m.dead[1:]
	}
}

func (t *tenant) count(c *queue.Counter, r *queue.Result, first []bool, now int64) {
	switch c.When {
	case queue.WhenNew:
		if !r.New[c.Of] {
			return
		}
	case queue.WhenFirst:
		if !r.New[c.Of] || !first[c.Of] {
			return
		}
	case queue.WhenQueued:
		if r.Jobs[c.Of] != queue.Queued {
			return
		}
	}
	if c.Once != "" {
		if t.onceCounted[c.Once] > now {
			return
		}
		t.onceCounted[c.Once] = now + max(c.Window.Milliseconds(), 1)
	}
	key := counter{c.Day, c.Key, c.Field}
	n := t.counters[key]
	n.Day, n.Key, n.Field = c.Day, c.Key, c.Field
	switch {
	case c.Text != "":
		n.Text, n.N = c.Text, 0
	case n.Text == "": // to a text nothing is added
		n.N += c.Add
	}
	t.counters[key] = n
}

// Counters implements [queue.Queue].
func (q *Queue) Counters(ctx context.Context, tenant string, from, to int64) (list []queue.Count, err error) {
	err = q.with(ctx, func() error {
		for _, c := range q.d.tenant(tenant).counters {
			if c.Day >= from && c.Day <= to {
				list = append(list, c)
			}
		}
		return nil
	})
	slices.SortFunc(list, func(a, b queue.Count) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Field, b.Field))
	})
	return list, err
}
