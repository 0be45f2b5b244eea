package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// Destinations implements [queue.Queue].
func (q *Queue) Destinations(ctx context.Context) (list []queue.Info, err error) {
	err = q.with(ctx, func() error {
		for name, m := range q.d.dests {
			info := queue.Info{Dest: name, Backlog: len(m.entries), Dead: len(m.dead), State: m.state}
			if len(m.entries) > 0 {
				info.OldestAt = m.entries[0].Header.QueuedAt
			}
			list = append(list, info)
		}
		return nil
	})
	slices.SortFunc(list, func(a, b queue.Info) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
	})
	return list, err
}

// SetState implements [queue.Queue].
func (q *Queue) SetState(ctx context.Context, name queue.Dest, s queue.State) error {
	return q.with(ctx, func() error {
		q.d.need(name).state = s
		q.d.wake(name)
		return nil
	})
}

// Move implements [queue.Queue].
func (q *Queue) Move(ctx context.Context, from, to queue.Dest) (n int, err error) {
	err = q.with(ctx, func() error {
		src := q.d.dests[from]
		switch {
		case from.Tenant != to.Tenant || from == to:
			return fmt.Errorf("moving %s: it must be to another destination of the same tenant", from.Name)
		case src == nil:
			return fmt.Errorf("moving %s: %w", from.Name, queue.ErrNotFound)
		}
		n = len(src.entries) + len(src.dead)
		q.d.pour(from, to, false)
		q.d.wake(to)
		return nil
	})
	return n, err
}

// pour puts what a destination has behind what another has, and forgets it.
func (d *data) pour(from, to queue.Dest, attempts bool) {
	src, dst := d.dests[from], d.need(to)
	places := map[queue.Pos]queue.Pos{}
	for _, e := range src.entries {
		r, tried := src.retries[e.Pos]
		if r.Pos = dst.add(e); tried && attempts {
			dst.retries[r.Pos] = r
		}
		places[e.Pos] = r.Pos
	}
	for id, left := range src.departs {
		at := left.Entries
		left.Entries = nil
		for _, p := range at {
			if now, stands := places[p]; stands {
				left.Entries = append(left.Entries, now)
			}
		}
		left.by = nil
		dst.departs[id] = left
		for _, drain := range d.drains[to] { // which must look
			drain.epoch++
			d.woken[drain] = struct{}{}
		}
	}
	for i := range src.dead {
		src.dead[i].Dest = to
	}
	dst.dead = append(dst.dead, src.dead...)
	slices.SortFunc(dst.dead, func(a, b letter) int { return cmp.Compare(a.number, b.number) })
	d.gone(from)
}

// gone forgets a destination.
func (d *data) gone(name queue.Dest) {
	delete(d.dests, name)
	for _, drain := range d.drains[name] {
		drain.epoch++
		d.woken[drain] = struct{}{}
	}
}

// Drop implements [queue.Queue].
func (q *Queue) Drop(ctx context.Context, name queue.Dest) (n int, err error) {
	err = q.with(ctx, func() error {
		m := q.d.dests[name]
		if m == nil {
			return fmt.Errorf("dropping %s: %w", name.Name, queue.ErrNotFound)
		}
		n = len(m.entries) + len(m.dead)
		q.d.gone(name)
		return nil
	})
	return n, err
}

// settle gives the right to drain to who is first, when what others of the name
// have is theirs: these are waited for while they are drained.
func (d *data) settle(name string) {
	for heir, drains := range d.drains {
		if heir.Name != name || len(drains) == 0 {
			continue
		}
		waits := false
		for other := range maps.Clone(d.dests) {
			switch {
			case other.Name != name || other == heir || heir == queue.Unmatched:
			case len(d.drains[other]) > 0:
				waits = true
			default:
				d.inherit(other, heir, drains[0].right)
				d.woken[drains[0]] = struct{}{}
			}
		}
		if !waits && !drains[0].right {
			drains[0].right = true
			drains[0].epoch++
			d.woken[drains[0]] = struct{}{}
		}
	}
}

// inherit gives what a destination has to another of its name: first of all, unless
// that one is read already.
func (d *data) inherit(from, to queue.Dest, late bool) {
	state := d.dests[from].state
	if own := d.dests[to]; own != nil {
		if own.state != (queue.State{}) {
			state = own.state
		}
		if !late {
			d.pour(to, from, true)
		}
	}
	if late {
		d.pour(from, to, true)
	} else {
		m := d.dests[from]
		for i := range m.dead {
			m.dead[i].Dest = to
		}
		d.gone(from)
		d.dests[to] = m
	}
	d.dests[to].state = state
}
