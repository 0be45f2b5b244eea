package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/leadgate/leadgate/internal/queue"
)

// drain is the reading end of a destination; the first of several has the right.
type drain struct {
	q     *Queue
	name  queue.Dest
	right bool   // guarded by data.mu
	epoch uint64 // likewise

	waking sync.Mutex // held while wake runs
	wake   func()
	closed bool
}

// Drain implements [queue.Queue].
func (q *Queue) Drain(name queue.Dest, wake func()) queue.Drain {
	r := &drain{q: q, name: name, wake: wake}
	_ = q.d.do(func() error {
		q.d.drains[name] = append(q.d.drains[name], r)
		q.d.woken[r] = struct{}{}
		q.d.settle(name.Name)
		return nil
	})
	return r
}

func (r *drain) call() {
	r.waking.Lock()
	defer r.waking.Unlock()
	if !r.closed {
		r.wake()
	}
}

// Close implements [queue.Drain].
func (r *drain) Close() {
	r.waking.Lock()
	r.closed = true
	r.waking.Unlock()
	_ = r.q.d.do(func() error {
		r.right = false
		r.q.d.drains[r.name] = slices.DeleteFunc(r.q.d.drains[r.name], func(o *drain) bool { return o == r })
		if len(r.q.d.drains[r.name]) == 0 {
			delete(r.q.d.drains, r.name)
		}
		r.q.d.settle(r.name.Name)
		return nil
	})
}

// Epoch implements [queue.Drain].
func (r *drain) Epoch() (epoch uint64, ok bool) {
	_ = r.q.d.do(func() error {
		epoch, ok = r.epoch, r.right
		return nil
	})
	return epoch, ok
}

// with runs f on what the destination has, if it has anything.
func (r *drain) with(ctx context.Context, f func(*dest)) error {
	return r.q.with(ctx, func() error {
		if m := r.q.d.dests[r.name]; m != nil {
			f(m)
		}
		return nil
	})
}

// holding is with for who has the right to drain.
func (r *drain) holding(ctx context.Context, f func(*dest)) error {
	return r.q.with(ctx, func() error {
		if !r.right {
			return queue.ErrLost
		}
		if m := r.q.d.dests[r.name]; m != nil {
			f(m)
		}
		return nil
	})
}

// State implements [queue.Drain].
func (r *drain) State(ctx context.Context) (s queue.State, err error) {
	err = r.with(ctx, func(m *dest) { s = m.state })
	return s, err
}

// Retries implements [queue.Drain].
func (r *drain) Retries(ctx context.Context) (list []queue.Retry, err error) {
	err = r.with(ctx, func(m *dest) {
		for _, retry := range m.retries {
			list = append(list, retry)
		}
	})
	return list, err
}

// at is where an entry is, or would be.
func (m *dest) at(p queue.Pos) (int, bool) {
	return slices.BinarySearchFunc(m.entries, p, func(e queue.Entry, p queue.Pos) int {
		return cmp.Or(cmp.Compare(e.Pos.Ms, p.Ms), cmp.Compare(e.Pos.Seq, p.Seq))
	})
}

// entry is the i-th, the caller's own.
func (m *dest) entry(i int) queue.Entry {
	e := m.entries[i]
	e.Header, e.Payload = copyHeader(e.Header), copyOf(e.Payload)
	return e
}

// Read implements [queue.Drain].
func (r *drain) Read(ctx context.Context, after queue.Pos, n, maxBytes int) (list []queue.Entry, err error) {
	err = r.with(ctx, func(m *dest) {
		i, found := m.at(after)
		if found {
			i++
		}
		size := 0
		for ; i < len(m.entries) && len(list) < n; i++ {
			if size += len(m.entries[i].Payload); size > maxBytes && len(list) > 0 {
				return
			}
			list = append(list, m.entry(i))
		}
	})
	return list, err
}

// Get implements [queue.Drain].
func (r *drain) Get(ctx context.Context, at []queue.Pos) (list []queue.Entry, err error) {
	err = r.with(ctx, func(m *dest) {
		for _, p := range at {
			if i, found := m.at(p); found {
				list = append(list, m.entry(i))
			}
		}
	})
	return list, err
}

// Done implements [queue.Drain].
func (r *drain) Done(ctx context.Context, at []queue.Pos) error {
	return r.with(ctx, func(m *dest) {
		for _, p := range at {
			m.remove(p)
		}
	})
}

// remove takes an entry out.
func (m *dest) remove(p queue.Pos) (e queue.Entry, found bool) {
	i, found := m.at(p)
	if found {
		e = m.entries[i]
		m.entries = slices.Delete(m.entries, i, i+1)
		delete(m.retries, p)
	}
	return e, found
}

// Retry implements [queue.Drain].
func (r *drain) Retry(ctx context.Context, list []queue.Retry) error {
	return r.holding(ctx, func(m *dest) {
		for _, retry := range list {
			if _, found := m.at(retry.Pos); found {
				m.retries[retry.Pos] = retry
			}
		}
	})
}

// Dead implements [queue.Drain].
func (r *drain) Dead(ctx context.Context, list []queue.Death) error {
	return r.holding(ctx, func(m *dest) {
		for _, death := range list {
			if e, found := m.remove(death.Pos); found {
				r.q.d.bury(r.name, queue.DeadLetter{
					Attempts: death.Attempts, FirstAt: death.FirstAt, DiedAt: r.q.d.ms(), Reason: death.Reason, Header: e.Header, Payload: e.Payload,
				})
			}
		}
	})
}
