package redis

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// drain is the reading end of a destination's queue. The store's leaseManager looks
// after its lease.
type drain struct {
	r    *Store
	dest queue.Dest
	keys tenantKeys

	waking sync.Mutex // held while wake runs, so that Close can wait for it
	wake   func()
	closed bool // guarded by waking

	mu       sync.Mutex
	held     bool // the lease is ours, by the last look
	refused  bool // a write was, since the lease was not ours: whose it is, the next look says
	lost     bool // it was not, or Redis could not be reached, since epoch was set
	epoch    uint64
	renewed  time.Time // when the last good renewal began
	asked    time.Time // when the first look began that has no answer; zero = all have
	state    string    // the state record
	stated   bool      // state was read
	takeover takeover

	departures departures
	awaits     awaits

	reading sync.Mutex    // held by a Read
	rest    []queue.Entry // what the last Read did not return of a bundle
	restAt  queue.Pos     // the last entry that it returned; rest comes next
	scratch []byte        // where bundles are unpacked
	average int           // bytes of what an entry of the stream holds, by the last Read
}

// Drain implements [queue.Queue].
func (r *Store) Drain(d queue.Dest, wake func()) queue.Drain {
	drain := &drain{r: r, dest: d, keys: r.keys(d.Tenant), wake: wake, departures: departures{by: nonce() + "-"}}
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

// looked takes in what a look at the leases found: whose the lease is (0 = another's,
// 1 = still ours, 2 = ours from now on), whether the look renewed it, when the look
// began, whether another server answered than before, whether entries wait, and the
// state record.
func (d *drain) looked(held int64, renewal bool, began time.Time, other, backlog bool, state string) {
	d.mu.Lock()
	late := d.silent()
	d.asked = time.Time{}
	changed := !d.stated || d.state != state
	d.state, d.stated = state, true
	was := d.held
	d.held = held != 0
	lost := held == 0 && (was || d.refused)
	d.refused = false
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
	changed = changed || was != d.held || late
	wake := changed || d.held && backlog
	d.mu.Unlock()
	if lost {
		d.sayLost()
	}
	if wake {
		d.notify()
	}
}

// ask notes that a look begins.
func (d *drain) ask(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked.IsZero() {
		d.asked = now
	}
}

// silent reports whether Redis has let a look wait for so long that it may answer no
// more. d.mu is held.
func (d *drain) silent() bool { return !d.asked.IsZero() && time.Since(d.asked) >= d.r.timing.silence }

// sayLost logs that another edge has taken the lease: it did so as this one could not
// renew it in time.
func (d *drain) sayLost() {
	d.r.log.Warn("lost the lease of a destination to another edge, which delivers its events from now on: "+
		"what was sent here and is not yet settled may be sent again",
		zap.String("destination", d.dest.Name), zap.String("tenant", d.dest.Tenant))
}

// steady reports whether the lease was ours and may be thought to be still: else the
// next look must take or renew it.
func (d *drain) steady() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held && !d.lost
}

// away notes that Redis could not be reached.
func (d *drain) away() {
	d.mu.Lock()
	d.lost = true
	d.mu.Unlock()
}

// forget has the reader begin again with the oldest entry.
func (d *drain) forget() {
	d.mu.Lock()
	d.epoch++
	d.mu.Unlock()
	d.notify()
}

// Epoch implements [queue.Drain].
func (d *drain) Epoch() (uint64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.epoch, d.held && d.takeover.settled && time.Since(d.renewed) < d.r.timing.hold && !d.silent()
}

// Close implements [queue.Drain].
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

// release gives the lease back. If that fails, the lease ends by itself, and the other
// drains that are closed now don't wait for the same timeout.
func (d *drain) release() {
	if d.r.lease.deaf.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(d.r.life, d.r.timing.timeout)
	defer cancel()
	err := d.r.run(ctx, lua.Release, []string{d.keys.lease(d.dest.Name)},
		d.r.token, d.r.channel(), d.r.lease.message(d.dest, newsReleased)).Err()
	if err != nil && !cluster.IsMoving(err) {
		d.r.lease.deaf.Store(true)
	}
}

func (d *drain) isClosed() bool {
	d.waking.Lock()
	defer d.waking.Unlock()
	return d.closed
}

// State implements [queue.Drain].
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
