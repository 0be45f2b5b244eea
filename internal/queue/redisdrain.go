package queue

import (
	"context"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// redisDrain is the reading end of a stream. Its lease is looked after by the
// store's leaseManager.
type redisDrain struct {
	r    *Redis
	dest Dest
	keys redisKeys

	waking sync.Mutex // held while wake runs, so that Close can wait for it
	wake   func()
	closed bool // guarded by waking

	mu      sync.Mutex
	held    bool
	lost    bool // the right was lost, or the store was away, since epoch was set
	epoch   uint64
	renewed time.Time // when the last good renewal began
	state   string    // the state record
	stated  bool      // state was read
	average int       // bytes of a payload, by the last read
}

// Drain implements [Queue].
func (r *Redis) Drain(d Dest, wake func()) Drain {
	drain := &redisDrain{r: r, dest: d, keys: r.keys(d.Tenant), wake: wake}
	r.lease.add(drain)
	return drain
}

// notify calls wake, unless the drain is closed.
func (d *redisDrain) notify() {
	d.waking.Lock()
	defer d.waking.Unlock()
	if !d.closed {
		d.wake()
	}
}

// looked takes in what a sweep found: whose the lease is (0 another's, 1 still
// ours, 2 ours anew), whether that was a renewal, when it began, whether another
// server answered, and what waits.
func (d *redisDrain) looked(held int64, renewal bool, began time.Time, other, backlog bool, state string) {
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
func (d *redisDrain) steady() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held && !d.lost
}

// away notes that the store could not be reached.
func (d *redisDrain) away() {
	d.mu.Lock()
	d.lost = true
	d.mu.Unlock()
}

// forget makes the reader read again from the head.
func (d *redisDrain) forget() {
	d.mu.Lock()
	d.epoch++
	d.mu.Unlock()
	d.notify()
}

// Epoch implements [Drain].
func (d *redisDrain) Epoch() (uint64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.epoch, d.held && time.Since(d.renewed) < d.r.timing.hold
}

// Close implements [Drain].
func (d *redisDrain) Close() {
	d.waking.Lock()
	already := d.closed
	d.closed = true
	d.waking.Unlock()
	if already {
		return
	}
	inherited := d.r.lease.remove(d)
	d.mu.Lock()
	held := d.held
	d.held = false
	d.mu.Unlock()
	if held && !inherited {
		d.release()
	}
}

// release gives the lease back. If that fails, it ends by itself.
func (d *redisDrain) release() {
	ctx, cancel := context.WithTimeout(d.r.life, d.r.timing.timeout)
	defer cancel()
	_ = d.r.run(ctx, scriptRelease, []string{d.keys.lease(d.dest.Name)},
		d.r.token, d.r.channel(), d.r.lease.message(d.dest, markReleased))
}

func (d *redisDrain) isClosed() bool {
	d.waking.Lock()
	defer d.waking.Unlock()
	return d.closed
}

// State implements [Drain].
func (d *redisDrain) State(ctx context.Context) (State, error) {
	d.mu.Lock()
	record, known := d.state, d.stated
	d.mu.Unlock()
	if !known {
		var err error
		if record, err = d.r.client.Get(ctx, d.keys.state(d.dest.Name)).Result(); err != nil && err != redis.Nil {
			return State{}, redisError("reading destination state", err)
		}
	}
	return stateOf(record)
}

func stateOf(record string) (State, error) {
	if record == "" {
		return State{}, nil
	}
	return decodeState([]byte(record))
}

// Retries implements [Drain].
func (d *redisDrain) Retries(ctx context.Context) ([]Retry, error) {
	var all []Retry
	seen := map[Pos]bool{} // a scan may show a field twice
	var cursor uint64
	for {
		fields, next, err := d.r.client.HScan(ctx, d.keys.retry(d.dest.Name), cursor, "", 1000).Result()
		if err != nil {
			return nil, redisError("reading retries", err)
		}
		for i := 0; i+1 < len(fields); i += 2 {
			pos, err := parseStreamID(fields[i])
			if err != nil {
				return nil, fmt.Errorf("reading retries: %w", err)
			}
			if seen[pos] {
				continue
			}
			seen[pos] = true
			retry, err := decodeRetry([]byte(fields[i+1]))
			if err != nil {
				return nil, fmt.Errorf("reading retries: %w", err)
			}
			retry.Pos = pos
			all = append(all, retry)
		}
		if cursor = next; cursor == 0 {
			return all, nil
		}
	}
}

// Read implements [Drain]. Redis counts entries and not bytes, so it asks for as
// many as maxBytes holds by the size of those it read last, and again if they
// were smaller.
func (d *redisDrain) Read(ctx context.Context, after Pos, n, maxBytes int) ([]Entry, error) {
	var all []Entry
	bytes := 0
	d.mu.Lock()
	average := d.average
	d.mu.Unlock()
	if average == 0 {
		average = maxBytes/16 + 1
	}
	for len(all) < n && (len(all) == 0 || bytes < maxBytes) {
		count := min(n-len(all), max((maxBytes-bytes)/average, 1))
		from := "-"
		if after != (Pos{}) {
			from = "(" + streamID(after)
		}
		found, err := d.r.client.Do(ctx, "XRANGE", d.keys.queue(d.dest.Name), from, "+", "COUNT", count).Slice()
		if err != nil {
			return nil, redisError("reading entries", err)
		}
		size := 0
		for i, e := range found {
			entry, err := entryOf(e)
			if err != nil {
				return nil, fmt.Errorf("reading entries: %w", err)
			}
			size += len(entry.Payload)
			average = max(size/(i+1), 1)
			if len(all) > 0 && bytes+len(entry.Payload) > maxBytes {
				bytes = maxBytes // this one is for the next call
				break
			}
			bytes += len(entry.Payload)
			all = append(all, entry)
			after = entry.Pos
		}
		if len(found) < count {
			break
		}
	}
	d.mu.Lock()
	d.average = average
	d.mu.Unlock()
	return all, nil
}

// Get implements [Drain].
func (d *redisDrain) Get(ctx context.Context, at []Pos) ([]Entry, error) {
	if len(at) == 0 {
		return nil, nil
	}
	cmds := make([]*redis.Cmd, len(at))
	pipe := d.r.client.Pipeline()
	for i, p := range at {
		id := streamID(p)
		cmds[i] = pipe.Do(ctx, "XRANGE", d.keys.queue(d.dest.Name), id, id)
	}
	_, _ = pipe.Exec(ctx)
	entries := make([]Entry, 0, len(at))
	for _, cmd := range cmds {
		found, err := cmd.Slice()
		if err != nil {
			return nil, redisError("reading entries", err)
		}
		for _, e := range found {
			entry, err := entryOf(e)
			if err != nil {
				return nil, fmt.Errorf("reading entries: %w", err)
			}
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// entryOf reads an element of XRANGE's reply: id, and h, header, p, payload.
func entryOf(reply any) (Entry, error) {
	id, fields, err := streamEntry(reply, 4)
	if err != nil {
		return Entry{}, err
	}
	pos, err := parseStreamID(id)
	if err != nil {
		return Entry{}, err
	}
	header, err := headerOf(fields[1])
	if err != nil {
		return Entry{}, err
	}
	return Entry{Pos: pos, Header: header, Payload: owned(fields[3])}, nil
}

// streamEntry reads an element of XRANGE's reply that has n names and values.
func streamEntry(reply any, n int) (id string, fields []string, err error) {
	e, _ := reply.([]any)
	if len(e) == 2 {
		id, _ = e[0].(string)
		list, _ := e[1].([]any)
		fields = make([]string, len(list))
		for i := range list {
			fields[i], _ = list[i].(string)
		}
	}
	if len(fields) != n {
		return "", nil, fmt.Errorf("stream entry %q has %d fields and not %d: something else wrote to it", id, len(fields)/2, n/2)
	}
	return id, fields, nil
}

func headerOf(record string) (Header, error) {
	header, _, err := decodeHeader(owned(record))
	return header, err
}

// owned returns the bytes of a string that was made for this reply and is kept
// by nobody else.
func owned(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Done implements [Drain]. It removes entries whoever holds the lease: they were
// delivered.
func (d *redisDrain) Done(ctx context.Context, at []Pos) error {
	if len(at) == 0 {
		return nil
	}
	part := donePart{queue: d.keys.queue(d.dest.Name), retry: d.keys.retry(d.dest.Name)}
	k := &call{}
	for len(at) > 0 {
		n := min(len(at), donePositions)
		part.at = at[:n]
		k.done = append(k.done, part)
		at = at[n:]
	}
	return redisError("removing delivered entries", d.r.calls.do(ctx, k))
}

// holding runs a script that answers 1, or 0 if the lease is another edge's.
func (d *redisDrain) holding(ctx context.Context, doing, script string, keys []string, args []any) error {
	cmd := eval(d.r.life, script, keys, args...)
	if err := d.r.calls.do(ctx, &call{cmd: cmd}); err != nil {
		return redisError(doing, err)
	}
	if n, err := cmd.Int64(); err != nil || n == 1 {
		return redisError(doing, err)
	}
	d.mu.Lock()
	d.held, d.lost = false, true
	d.mu.Unlock()
	d.r.lease.hurry()
	d.notify()
	return fmt.Errorf("%s: %w: this edge has lost the right to drain %s", doing, ErrUnavailable, d.dest.Name)
}

// Retry implements [Drain].
func (d *redisDrain) Retry(ctx context.Context, list []Retry) error {
	if len(list) == 0 {
		return nil
	}
	args := make([]any, 0, 1+2*len(list))
	args = append(args, d.r.token)
	for i := range list {
		args = append(args, streamID(list[i].Pos), appendRetry(nil, &list[i]))
	}
	return d.holding(ctx, "storing retries", scriptRetry,
		[]string{d.keys.lease(d.dest.Name), d.keys.queue(d.dest.Name), d.keys.retry(d.dest.Name)}, args)
}

// Dead implements [Drain].
func (d *redisDrain) Dead(ctx context.Context, list []Death) error {
	if len(list) == 0 {
		return nil
	}
	now := d.r.now()
	args := make([]any, 0, 2+2*len(list))
	args = append(args, d.r.token, now)
	for i := range list {
		args = append(args, streamID(list[i].Pos), appendDeath(nil, list[i].Attempts, list[i].FirstAt, now, &list[i].Reason))
	}
	name := d.dest.Name
	return d.holding(ctx, "storing dead letters", scriptDead,
		[]string{d.keys.lease(name), d.keys.queue(name), d.keys.retry(name), d.keys.dead(name)}, args)
}
