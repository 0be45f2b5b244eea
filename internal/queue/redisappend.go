package queue

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A script call carries groups of one tenant: at most so many events or bytes
// together, but a group is never split. A pipeline carries calls of at most so
// many bytes.
const (
	callEvents    = 256
	callBytes     = 1 << 20
	pipelineBytes = 8 << 20
)

var overflowReason = Reason{
	Reason:      "overflow",
	Explanation: "the destination's backlog was full (max_backlog) when the event came; replay it when the destination takes events again",
}

// appendCall is one call of the append script.
type appendCall struct {
	keys   redisKeys
	groups []appendRef
	events int
	bytes  int
	cmd    *redis.Cmd
}

type appendRef struct {
	group  *Group
	result *Result
}

// commit stores the groups of all pending appends.
func (r *Redis) commit(batch []*pending) {
	if err := r.server.refused(); err != nil {
		for _, p := range batch {
			p.results = failed(len(p.groups), err)
		}
		return
	}
	var calls []*appendCall
	open := map[string]*appendCall{} // the last call of each tenant
	for _, p := range batch {
		for i := range p.groups {
			g, result := &p.groups[i], &p.results[i]
			if result.Err = checkGroup(g); result.Err != nil {
				continue
			}
			bytes := g.size()
			c := open[g.Tenant]
			if c == nil || c.events+len(g.Events) > callEvents || c.bytes+bytes > callBytes {
				c = &appendCall{keys: r.keys(g.Tenant)}
				open[g.Tenant] = c
				calls = append(calls, c)
			}
			c.groups = append(c.groups, appendRef{g, result})
			c.events += len(g.Events)
			c.bytes += bytes
		}
	}
	var lost error
	for len(calls) > 0 {
		n, bytes := 0, 0
		for n < len(calls) && (n == 0 || n < pipelineCommands && bytes+calls[n].bytes <= pipelineBytes) {
			bytes += calls[n].bytes
			n++
		}
		if lost == nil {
			lost = r.send(calls[:n])
		} else {
			// The connection was lost just now: the callers' time is better
			// spent on an early 503 than on waiting for another timeout.
			failCalls(calls[:n], lost)
		}
		calls = calls[n:]
	}
}

// send runs calls in one pipeline, fills their results and wakes the drains. It
// returns an error if Redis could not be reached.
func (r *Redis) send(calls []*appendCall) error {
	cmds := make([]redis.Cmder, 0, len(calls)+1)
	var introduced []any
	for _, c := range calls {
		if _, known := r.tenants.Load(c.keys.tenant); !known {
			introduced = append(introduced, c.keys.tenant)
		}
	}
	var index *redis.IntCmd
	if len(introduced) > 0 {
		index = redis.NewIntCmd(r.life, append([]any{"SADD", r.tenantsKey()}, introduced...)...)
		cmds = append(cmds, index)
	}
	for _, c := range calls {
		c.cmd = r.appendCommand(c)
		cmds = append(cmds, c.cmd)
	}
	r.pipeline(cmds)
	if index != nil && index.Err() == nil {
		for _, tenant := range introduced {
			r.tenants.Store(tenant, true)
		}
	}
	var lost error
	wake := map[Dest]bool{}
	for _, c := range calls {
		replies, err := c.cmd.Slice()
		if err == nil && len(replies) != len(c.groups) {
			err = fmt.Errorf("redis answered %d of %d groups", len(replies), len(c.groups))
		}
		if err != nil {
			err = redisError("queueing events", err)
			failCalls([]*appendCall{c}, err)
			var answered redis.Error
			if !errors.As(err, &answered) && errors.Is(err, ErrUnavailable) {
				lost = err
			}
			continue
		}
		for i, ref := range c.groups {
			reply, _ := replies[i].(string)
			if ref.result.Err = ref.read(reply); ref.result.Err != nil {
				continue
			}
			for j, outcome := range ref.result.Jobs {
				if outcome == Queued {
					wake[ref.group.Jobs[j].Dest] = true
				}
			}
		}
	}
	for d := range wake {
		r.lease.wake(d)
	}
	return lost
}

func failCalls(calls []*appendCall, err error) {
	for _, c := range calls {
		for _, ref := range c.groups {
			ref.result.Err = err
		}
	}
}

// read fills the result from the script's reply for the group.
func (ref appendRef) read(reply string) error {
	events, jobs := len(ref.group.Events), len(ref.group.Jobs)
	if reason, refused := strings.CutPrefix(reply, "!"); refused {
		return fmt.Errorf("queueing events: redis: %s", reason)
	}
	if len(reply) != 1+events+jobs {
		return fmt.Errorf("queueing events: redis answered %q to %d events and %d jobs", reply, events, jobs)
	}
	reply = reply[1:]
	ref.result.New = make([]bool, events)
	for i := range events {
		ref.result.New[i] = reply[i] == '1'
	}
	ref.result.Jobs = make([]Outcome, jobs)
	for i := range jobs {
		switch reply[events+i] {
		case 'Q':
			ref.result.Jobs[i] = Queued
		case 'O':
			ref.result.Jobs[i] = Overflow
		case 'X':
			ref.result.Jobs[i] = Died
		default:
			ref.result.Jobs[i] = Duplicate
		}
	}
	return nil
}

// appendCommand lays out keys and arguments as redis_append.lua reads them.
func (r *Redis) appendCommand(c *appendCall) *redis.Cmd {
	opts, now := r.options.Load(), r.now()
	backlog := opts.MaxBacklog
	if backlog <= 0 {
		backlog = math.MaxInt32
	}
	keys := make([]any, 0, 8*c.events+8)
	args := make([]any, 0, 20*c.events+16)
	records := make([]byte, 0, 128*c.events)
	record := func(start int) []byte { return records[start:len(records):len(records)] }

	buckets := idBuckets{keys: c.keys, now: now, dedupe: opts.Dedupe.Milliseconds()}
	keys = append(keys, c.keys.dests())
	records = appendDeath(records, 0, 0, now, &overflowReason)
	args = append(args, now, backlog, record(0), c.keys.base, opts.RememberClicks.Milliseconds(), r.channel(), r.token+" "+shownTenant(c.keys.tenant), len(buckets.days())-1)

	dests := map[string]int{}
	var names []string
	for _, ref := range c.groups {
		for i := range ref.group.Jobs {
			name := ref.group.Jobs[i].Dest.Name
			if _, ok := dests[name]; !ok {
				names = append(names, name)
				dests[name] = len(names)
			}
		}
	}
	args = append(args, len(names))
	for _, name := range names {
		keep := 0
		if c.keys.tenant == Unmatched.Tenant && name == Unmatched.Name {
			keep = UnmatchedKeep
		}
		keys = append(keys, c.keys.queue(name), c.keys.dead(name))
		args = append(args, name, keep)
	}

	args = append(args, len(c.groups))
	for _, ref := range c.groups {
		g := ref.group
		args = append(args, len(g.Payloads))
		for _, p := range g.Payloads {
			args = append(args, p)
		}
		args = append(args, len(g.Events))
		for i := range g.Events {
			ev := &g.Events[i]
			lookups, ttl := buckets.of(ev.Time)
			start := len(records)
			records = hex.AppendEncode(records, ev.ID[:3])[:start+idDigits]
			records = append(records, ev.ID[:idBytes]...)
			args = append(args, record(start), ttl)
			keys = append(keys, lookups...)
			// 1 = without a time, 2 = with a message key, 4 for each contact key
			what := 0
			if len(lookups) > 1 {
				what = 1
			}
			if ev.Contact == "" {
				args = append(args, what)
				continue
			}
			what += 4 * (1 + len(ev.Aliases))
			keys = append(keys, c.keys.contact(ev.Contact))
			for _, alias := range ev.Aliases {
				keys = append(keys, c.keys.contact(alias))
			}
			if ev.MessageID != "" {
				what += 2
				keys = append(keys, c.keys.contact(ev.MessageID))
			}
			args = append(args, what)
			switch click := ev.Click; {
			case click == nil:
				args = append(args, "")
			case click.HasClid:
				args = append(args, "1", click.At, click.Data)
			default:
				args = append(args, "0", click.At, click.Data)
			}
		}
		args = append(args, len(g.Jobs))
		for i := range g.Jobs {
			j := &g.Jobs[i]
			start := len(records)
			records = appendHeader(records, &j.Header)
			header := record(start)
			start = len(records)
			if j.Dead != nil {
				records = appendDeath(records, 0, 0, now, j.Dead)
			}
			args = append(args, dests[j.Dest.Name], j.Payload+1, header, record(start), len(j.Events))
			for _, e := range j.Events {
				args = append(args, e+1)
			}
			args = append(args, len(j.Once))
			for _, o := range j.Once {
				keys = append(keys, c.keys.once(o.Key))
				args = append(args, int(o.Use), max(o.Window.Milliseconds(), 1))
			}
		}
	}

	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "EVAL", scriptAppend, len(keys))
	all = append(all, keys...)
	all = append(all, args...)
	return redis.NewCmd(r.life, all...)
}

// checkGroup refuses what would confuse the script.
func checkGroup(g *Group) error {
	if strings.ContainsAny(g.Tenant, "{} \n") {
		return fmt.Errorf("queueing events: %q is no tenant's name", g.Tenant)
	}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		if j.Dest.Tenant != g.Tenant {
			return fmt.Errorf("queueing events: destination %q belongs to tenant %q and not to %q", j.Dest.Name, j.Dest.Tenant, g.Tenant)
		}
		if j.Payload < 0 || j.Payload >= len(g.Payloads) {
			return fmt.Errorf("queueing events: a job names payload %d of %d", j.Payload, len(g.Payloads))
		}
		for _, e := range j.Events {
			if e < 0 || e >= len(g.Events) {
				return fmt.Errorf("queueing events: a job names event %d of %d", e, len(g.Events))
			}
		}
	}
	return nil
}

// size is about how many bytes a group puts on the wire.
func (g *Group) size() int {
	n := 64 * (len(g.Events) + len(g.Jobs))
	for _, p := range g.Payloads {
		n += len(p)
	}
	for i := range g.Events {
		if c := g.Events[i].Click; c != nil {
			n += len(c.Data)
		}
	}
	for i := range g.Jobs {
		n += len(g.Jobs[i].Header.Meta)
	}
	return n
}

// idBytes is how much of an id is remembered: 96 bits of a hash.
const idBytes = 12

// idDigits is how many hex digits of it the script gets, to name shards by; its
// shard_levels.
const idDigits = 5

// idBuckets says where an event's id is remembered and looked up.
type idBuckets struct {
	keys        redisKeys
	now, dedupe int64

	last     int64 // the last bucket, of which a group's events mostly share one
	lastKeys []any
	untimed  []any
}

// of returns the hashes in which an id of an event of time t is looked up, the
// first of which is the one to store it in, and how long that one is kept, ms.
//
// An event with a time of its own has one place. One without a time, or with one
// that is over before it began, is remembered by its arrival day, and looked up
// on every day of the window, and on the next: the clock may have gone back.
func (b *idBuckets) of(t int64) (lookups []any, ttl int64) {
	if t > 0 && t+b.dedupe >= b.now {
		bucket := t / bucketMS
		if b.lastKeys == nil || bucket != b.last {
			b.last, b.lastKeys = bucket, []any{b.keys.ids(bucket)}
		}
		// A time far in the future is a mistake, and not to be kept for years.
		return b.lastKeys, max(min((bucket+1)*bucketMS+b.dedupe-b.now, b.dedupe+2*dayMS), 1)
	}
	return b.days(), max((b.now/dayMS+1)*dayMS+b.dedupe-b.now, 1)
}

func (b *idBuckets) days() []any {
	if b.untimed == nil {
		today := b.now / dayMS
		b.untimed = append(b.untimed, b.keys.untimed(today), b.keys.untimed(today+1))
		for day := today - 1; day >= (b.now-b.dedupe)/dayMS; day-- {
			b.untimed = append(b.untimed, b.keys.untimed(day))
		}
	}
	return b.untimed
}
