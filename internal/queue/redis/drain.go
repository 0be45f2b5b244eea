package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// drain is the reading end of a stream. Its lease is looked after by the
// store's leaseManager.
type drain struct {
	r    *Store
	dest queue.Dest
	keys tenantKeys

	waking sync.Mutex // held while wake runs, so that Close can wait for it
	wake   func()
	closed bool // guarded by waking

	mu       sync.Mutex
	held     bool
	lost     bool // the right was lost, or the store was away, since epoch was set
	epoch    uint64
	renewed  time.Time // when the last good renewal began
	state    string    // the state record
	stated   bool      // state was read
	takeover takeover
	average  int // bytes of what an entry of the stream holds, by the last read

	reading sync.Mutex    // held by a Read
	rest    []queue.Entry // of a bundle, of which the last Read returned the first ones
	restAt  queue.Pos     // the last that it returned; what stands in the stream after rest comes next
	scratch []byte        // where bundles are unpacked
}

// Drain implements [queue.Queue].
func (r *Store) Drain(d queue.Dest, wake func()) queue.Drain {
	drain := &drain{r: r, dest: d, keys: r.keys(d.Tenant), wake: wake}
	r.lease.add(drain)
	return drain
}

// notify calls wake, unless the drain is closed.
func (d *drain) notify() {
	d.waking.Lock()
	defer d.waking.Unlock()
	if !d.closed {
		d.wake()
	}
}

// looked takes in what a sweep found: whose the lease is (0 another's, 1 still
// ours, 2 ours anew), whether that was a renewal, when it began, whether another
// server answered, and what waits.
func (d *drain) looked(held int64, renewal bool, began time.Time, other, backlog bool, state string) {
	d.mu.Lock()
	changed := !d.stated || d.state != state
	d.state, d.stated = state, true
	was := d.held
	d.held = held != 0
	switch {
	case held == 0:
		d.lost = d.lost || was
	case held == 2 || !was || d.lost || other:
		d.epoch++
		d.lost = false
		d.takeover.settled, d.takeover.blocked = false, time.Time{} // another edge may have begun to move something
		changed = true
	}
	if held == 2 || held == 1 && renewal {
		d.renewed = began
	}
	changed = changed || was != d.held
	wake := changed || d.held && backlog
	d.mu.Unlock()
	if wake {
		d.notify()
	}
}

// steady says that the lease was ours and is thought to be; else a sweep must
// take or renew it.
func (d *drain) steady() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held && !d.lost
}

// away notes that the store could not be reached.
func (d *drain) away() {
	d.mu.Lock()
	d.lost = true
	d.mu.Unlock()
}

// forget makes the reader read again from the head.
func (d *drain) forget() {
	d.mu.Lock()
	d.epoch++
	d.mu.Unlock()
	d.notify()
}

// Epoch implements [Drain].
func (d *drain) Epoch() (uint64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.epoch, d.held && d.takeover.settled && time.Since(d.renewed) < d.r.timing.hold
}

// Close implements [Drain].
func (d *drain) Close() {
	d.waking.Lock()
	already := d.closed
	d.closed = true
	d.waking.Unlock()
	if already {
		return
	}
	passedOn := d.r.lease.remove(d)
	d.mu.Lock()
	held := d.held
	d.held = false
	d.mu.Unlock()
	if held && !passedOn {
		d.release()
	}
	d.r.lease.askTakeover(d.dest)
}

// release gives the lease back. If that fails, it ends by itself, and the other
// drains that are closed now don't wait for the same timeout.
func (d *drain) release() {
	if d.r.lease.deaf.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(d.r.life, d.r.timing.timeout)
	defer cancel()
	err := d.r.run(ctx, scriptRelease, []string{d.keys.lease(d.dest.Name)},
		d.r.token, d.r.channel(), d.r.lease.message(d.dest, newsReleased)).Err()
	if err != nil {
		d.r.lease.deaf.Store(true)
	}
}

func (d *drain) isClosed() bool {
	d.waking.Lock()
	defer d.waking.Unlock()
	return d.closed
}

// State implements [Drain].
func (d *drain) State(ctx context.Context) (queue.State, error) {
	d.mu.Lock()
	record, known := d.state, d.stated
	d.mu.Unlock()
	if !known {
		var err error
		if record, err = d.r.client.Get(ctx, d.keys.state(d.dest.Name)).Result(); err != nil && !errors.Is(err, redis.Nil) {
			return queue.State{}, queueError("reading destination state", err)
		}
	}
	return stateOf(record)
}

func stateOf(record string) (queue.State, error) {
	if record == "" {
		return queue.State{}, nil
	}
	return codec.DecodeState([]byte(record))
}

// Done implements [Drain].
func (d *drain) Done(ctx context.Context, at []queue.Pos) error {
	if len(at) == 0 {
		return nil
	}
	name := d.dest.Name
	part := doneEntries{queue: d.keys.queue(name), retry: d.keys.retry(name), pending: d.keys.pending(name)}
	k := &call{}
	for len(at) > 0 {
		n := min(len(at), donePositions)
		part.at = at[:n]
		k.done = append(k.done, part)
		at = at[n:]
	}
	return queueError("removing delivered entries", d.r.do(ctx, k))
}

// holding runs a script over a list of which each has so many arguments, in steps.
// It answers how many it has dealt with, or -1 if the lease is not this edge's.
func (d *drain) holding(ctx context.Context, doing string, s *script, keys []string, head, list []any, each int) error {
	for len(list) > 0 {
		step := list[:min(len(list), drainStep*each)]
		cmd := s.call(d.r.life, keys, append(slices.Clone(head), step...)...)
		if err := d.r.do(ctx, &call{cmd: cmd}); err != nil {
			return queueError(doing, err)
		}
		n, err := cmd.Int()
		if err != nil {
			return queueError(doing, err)
		}
		if n <= 0 {
			return d.lostLease(doing)
		}
		list = list[n*each:]
	}
	return nil
}

// lostLease notes that the lease is another edge's.
func (d *drain) lostLease(doing string) error {
	d.mu.Lock()
	d.held, d.lost = false, true
	d.mu.Unlock()
	d.r.lease.hurry()
	d.notify()
	return fmt.Errorf("%s of %s: %w", doing, d.dest.Name, queue.ErrLost)
}

// Retry implements [Drain].
func (d *drain) Retry(ctx context.Context, list []queue.Retry) error {
	args := make([]any, 0, 3*len(list))
	for i := range list {
		id, part := entryOf(list[i].Pos)
		args = append(args, streamID(id), part, codec.AppendRetry(nil, &list[i]))
	}
	name := d.dest.Name
	return d.holding(ctx, "storing retries", scriptRetry,
		[]string{d.keys.lease(name), d.keys.queue(name), d.keys.retry(name), d.keys.pending(name)}, []any{d.r.token, drainBytes}, args, 3)
}

// Dead implements [Drain].
func (d *drain) Dead(ctx context.Context, list []queue.Death) error {
	if len(list) == 0 {
		return nil
	}
	const doing = "storing dead letters"
	contents, err := d.partsOf(ctx, list)
	if err != nil {
		return queueError(doing, err)
	}
	now := d.r.now()
	args := make([]any, 0, 5*len(list))
	for i := range list {
		pos := list[i].Pos
		id, part := entryOf(pos)
		var header, payload []byte
		if part > 0 {
			e, ok := contents[pos]
			if !ok {
				continue // it is gone
			}
			header, payload = codec.AppendHeader(nil, &e.Header), e.Payload
		}
		args = append(args, streamID(id), part, codec.AppendDeath(nil, list[i].Attempts, list[i].FirstAt, now, &list[i].Reason), header, payload)
	}
	name := d.dest.Name
	return d.holding(ctx, doing, scriptDead,
		[]string{d.keys.lease(name), d.keys.queue(name), d.keys.retry(name), d.keys.dead(name), d.keys.pending(name)},
		[]any{d.r.token, now, drainBytes}, args, 5)
}

// partsOf reads those entries that are a bundle's, which only an edge can unpack.
func (d *drain) partsOf(ctx context.Context, list []queue.Death) (map[queue.Pos]queue.Entry, error) {
	var at []queue.Pos
	for i := range list {
		if _, part := entryOf(list[i].Pos); part > 0 {
			at = append(at, list[i].Pos)
		}
	}
	entries, err := d.Get(ctx, at)
	contents := make(map[queue.Pos]queue.Entry, len(entries))
	for i := range entries {
		contents[entries[i].Pos] = entries[i]
	}
	return contents, err
}
