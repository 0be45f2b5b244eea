package queue

import (
	"encoding/hex"
	"math"

	"github.com/redis/go-redis/v9"
)

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
		keys, args = counterArgs(c.keys, g, now, keys, args)
	}

	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "EVAL", scriptAppend, len(keys))
	all = append(all, keys...)
	all = append(all, args...)
	return redis.NewCmd(r.life, all...)
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
