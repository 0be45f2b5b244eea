package embedded

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// A destination's name is its queue's identity. Where a configuration gives it to
// another tenant, what the file has under the old one becomes the new one's, before
// the new one is drained: entries first, as they are older, with their attempts,
// then the state and the dead letters.

// adopt has the writer give d what other tenants' destinations of its name have, as
// soon as nobody drains these, and d's drains the right to read.
func (e *Store) adopt(d queue.Dest) {
	r := newRequest(1)
	r.units = append(r.units, unit{run: func(t *txn) error {
		drained, begun := e.watched(d)
		err := t.adopt(d, drained, begun)
		if err != nil {
			e.cfg.Logger.Error("what was queued for this destination under another tenant could not be taken over",
				zap.String("destination", d.Name), zap.String("tenant", d.Tenant), zap.Error(err))
		}
		return err
	}})
	e.writer.Start(r)
}

// watched says which destinations of d's name are drained, and whether d itself is
// read already, so that what stands in its queue must stay where it is.
func (e *Store) watched(d queue.Dest) (drained map[queue.Dest]bool, begun bool) {
	e.drainsMu.Lock()
	defer e.drainsMu.Unlock()
	drained = map[queue.Dest]bool{}
	for _, other := range e.namesakes(d) {
		drained[other] = true
	}
	for drain := range e.drains[d] {
		begun = begun || drain.ready.Load()
	}
	return drained, begun
}

// namesakes are the drained destinations of d's name of other tenants; drainsMu is
// held.
func (e *Store) namesakes(d queue.Dest) (list []queue.Dest) {
	for other := range e.drains {
		if other.Name == d.Name && other.Tenant != d.Tenant {
			list = append(list, other)
		}
	}
	return list
}

// unready are the destinations whose drains wait for their right.
func (e *Store) unready() (list []queue.Dest) {
	e.drainsMu.Lock()
	defer e.drainsMu.Unlock()
	for d, drains := range e.drains {
		for drain := range drains {
			if !drain.ready.Load() {
				list = append(list, d)
				break
			}
		}
	}
	return list
}

// settled gives a destination's drains the right to read; drainsMu is held.
func (e *Store) settled(d queue.Dest) (woken []*drain) {
	for drain := range e.drains[d] {
		if !drain.ready.Swap(true) {
			woken = append(woken, drain)
		}
	}
	return woken
}

// adopt takes a step; heirs tells whether there is another.
func (t *txn) adopt(d queue.Dest, drained map[queue.Dest]bool, begun bool) error {
	if d == queue.Unmatched {
		t.heirs[d] = true
		return nil
	}
	var others []queue.Dest
	err := eachDestination(t.tx, func(found *destination) error {
		if found.Name == d.Name && found.Tenant != d.Tenant {
			others = append(others, found.Dest)
		}
		return nil
	})
	if err != nil {
		return err
	}
	waits := false
	for _, other := range others {
		if drained[other] {
			waits = true
			continue
		}
		src, err := t.find(other)
		if err != nil {
			return err
		}
		if src == nil {
			continue
		}
		more, err := t.inherit(src, d, begun)
		if err != nil {
			return fmt.Errorf("taking over the queue of %s: %w", d.Name, err)
		}
		if more {
			t.heirs[d] = false
			return nil
		}
	}
	if !waits {
		t.heirs[d] = true
	}
	return nil
}

// inherit takes a step to make src d's.
func (t *txn) inherit(src *destination, d queue.Dest, begun bool) (more bool, err error) {
	dst, err := t.find(d)
	switch {
	case err != nil:
		return false, err
	case dst == nil:
		return false, t.rename(src, d)
	case begun:
		// What was read has its places: what comes now, late, goes behind it.
		if _, more, err = t.pour(src, dst, true); err != nil || more {
			return more, err
		}
		if dst.state == (queue.State{}) && src.state != (queue.State{}) {
			dst.state, dst.changed = src.state, true
			t.wake[d] = struct{}{}
		}
		return false, t.removeDestination(src)
	}
	if _, more, err = t.pour(dst, src, true); err != nil || more {
		return more, err
	}
	if dst.state != (queue.State{}) {
		src.state = dst.state
	}
	if err := t.removeDestination(dst); err != nil {
		return false, err
	}
	return false, t.rename(src, d)
}

// rename gives a destination's record, and so all that it has, to another tenant.
func (t *txn) rename(src *destination, d queue.Dest) error {
	if err := t.delete(t.table(destsBucket), destKey(src.Dest)); err != nil {
		return err
	}
	t.dests[src.Dest] = &destination{Dest: src.Dest, gone: true}
	src.Dest, src.changed = d, true
	t.dests[d] = src
	t.wake[d] = struct{}{}
	return nil
}
