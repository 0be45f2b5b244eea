package redis

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// layout writes the calls of append.lua. What is small of a group goes
// into its plan, and all plans of a call into one argument, which the script
// takes apart: an argument of its own costs Redis more than a number inside one.
// Numbers are big-endian, texts have their length in front:
//
//	call:    now, max backlog, remember clicks, dedupe (8-byte floats), first day, days, buckets, destinations, pages (2 bytes each),
//	         groups, contact keys (4 bytes each), the note (its length, 2 bytes, 0 = none), the part of its group (4 bytes), the buckets, the destinations, of each page its destination (2 bytes)
//	bucket:  key
//	dest:    dead letters to keep, 0 = all, jobs (4 bytes each), name
//	plan:    its length (4 bytes), 0, payloads, events, jobs, counters (4 bytes each), the events, the jobs, the counters
//	         or, for one event without a click and jobs with nothing special: length, 1, payloads (1 byte), id,
//	         bucket, later, contact keys, message key, jobs (2 bytes), of each job: page, 0 = none, destination
//	         (2 bytes each), without a page its header
//	event:   id in decimal, its length in front (1 byte), bucket (2 bytes), later, its seal likewise or 0 (1 byte),
//	         contact keys, click (1 = one, 2 = with a click id) and four times how many of the keys, the last ones, are former;
//	         with contact keys: message key; with a click: its time (float), record
//	job:     page, destination (2 bytes each), payload (4 bytes), header, death, first event, further events,
//	         once keys (4 bytes each); the further events (4 bytes each); of each once key: use (1 byte), window (float), hash, key
//	counter: key, field, what is added (4 bytes), text, when (1 byte), of (4 bytes), ms to live (float),
//	         once key, for how long (float)
//
// Indexes begin at 1. Buckets, and the days among them, are where an older Leadgate
// would have an event's id: see idBuckets, and there what later is. The jobs of a page are its
// entries, in their order; what a page holds is no payload of its group.
//
// A layout belongs to the goroutine that commits, which uses its memory again for the next
// pipeline.
type layout struct {
	arena    []byte // what the other arguments are made of
	plans    []byte
	contacts []argument
	payloads [][]byte
	pages    pageWriter
	told     aliasesTold
	cmd      []any

	// Of the call that is being written.
	keys  redisKeys
	now   int64
	ids   idBuckets
	names []string // of its destinations
	jobs  []int    // of each destination
}

// argument is a byte string that go-redis writes as it is, and that is passed to
// it by its address: that costs no allocation.
type argument []byte

// MarshalBinary implements encoding.BinaryMarshaler.
func (a *argument) MarshalBinary() ([]byte, error) { return *a, nil }

// reset makes room for the next pipeline. Commands of the last one are void.
func (l *layout) reset() {
	clear(l.contacts)
	clear(l.payloads)
	clear(l.cmd)
	l.contacts, l.payloads, l.cmd = l.contacts[:0], l.payloads[:0], l.cmd[:0]
	l.arena, l.plans = emptied(l.arena), emptied(l.plans)
	l.pages.reset()
}

// emptied is b without what is in it, to be used again unless it has grown large.
func emptied(b []byte) []byte {
	if cap(b) > maxArena {
		return nil
	}
	return b[:0]
}

// maxArena is the most memory that a buffer of a layout holds on to, in bytes.
const maxArena = 4 << 20

// since is what was added to the arena. It stays where it is when the arena
// grows into another piece of memory.
func (l *layout) since(start int) argument { return l.arena[start:len(l.arena):len(l.arena)] }

// appendCommand lays out a call.
func (r *Store) appendCommand(c *appendCall, l *layout) *redis.Cmd {
	opts := r.options.Load()
	l.keys, l.now, l.names, l.jobs = c.keys, r.now(), l.names[:0], l.jobs[:0]
	l.ids.begin(c.keys, l.now, opts.Dedupe.Milliseconds())
	contacts, payloads, cmd := len(l.contacts), len(l.payloads), len(l.cmd)
	for _, ref := range c.groups {
		l.count(ref.group)
	}
	l.pages.begin(l.jobs, c.unpaged)
	planned := len(l.plans)
	for _, ref := range c.groups {
		l.group(ref.group)
	}
	plans := argument(l.plans[planned:])
	pages := l.pages.end()

	backlog := opts.MaxBacklog
	if backlog <= 0 {
		backlog = math.MaxInt32
	}
	start := len(l.arena)
	b := appendFloat(l.arena, l.now)
	b = appendFloat(b, int64(backlog))
	b = appendFloat(b, opts.RememberClicks.Milliseconds())
	b = appendFloat(b, opts.Dedupe.Milliseconds())
	for _, n := range [...]int{l.ids.firstDay, l.ids.days, len(l.ids.all), len(l.names), len(pages)} {
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	b = appendCount(b, len(c.groups))
	b = appendCount(b, len(l.contacts)-contacts)
	b = appendCount(appendShort(b, c.note), c.part)
	for i := range l.ids.all {
		b = appendShort(b, l.ids.all[i])
	}
	for i, name := range l.names {
		keep := 0
		if c.keys.tenant == queue.Unmatched.Tenant && name == queue.Unmatched.Name {
			keep = queue.UnmatchedKeep
		}
		b = appendShort(appendCount(appendCount(b, keep), l.jobs[i]), name)
	}
	for i := range pages {
		b = binary.BigEndian.AppendUint16(b, uint16(pages[i].dest))
	}
	l.arena = b
	head := l.since(start)
	start = len(l.arena)
	l.arena = codec.AppendDeath(l.arena, 0, 0, l.now, &queue.OverflowReason)
	overflow := l.since(start)

	// Other edges are told only of what this one doesn't drain.
	channel := ""
	for _, name := range l.names {
		if !r.lease.holds(queue.Dest{Tenant: c.keys.tenant, Name: name}) {
			channel = r.channel()
		}
	}
	l.cmd = append(l.cmd, nil, nil, 1, c.keys.dests(),
		&head, &overflow, c.keys.base, channel, r.token+" "+shownTenant(c.keys.tenant), &plans)
	for i := range l.contacts[contacts:] {
		l.cmd = append(l.cmd, &l.contacts[contacts+i])
	}
	for i := range pages {
		l.cmd = append(l.cmd, &pages[i].header, &pages[i].bytes)
	}
	for _, p := range l.payloads[payloads:] {
		l.cmd = append(l.cmd, p)
	}
	return scriptAppend.prepare(r.life, l.cmd[cmd:len(l.cmd):len(l.cmd)])
}

// count notes how many jobs each destination gets.
func (l *layout) count(g *queue.Group) {
	for i := range g.Jobs {
		l.jobs[l.dest(g.Jobs[i].Dest.Name)-1]++
	}
}

// group writes a group's plan, contact keys and payloads, and fills pages.
func (l *layout) group(g *queue.Group) {
	// Payloads go along if a job is no entry of a page.
	mayPage, payloads := pageable(g), len(l.payloads)
	for i := range g.Jobs {
		if j := &g.Jobs[i]; !mayPage || !l.pages.takes(l.dest(j.Dest.Name), j) {
			l.payloads = append(l.payloads, g.Payloads...)
			break
		}
	}
	start := len(l.plans)
	l.plans = appendCount(l.plans, 0)
	if plain(g) {
		l.plans = l.appendPlain(l.plans, g, mayPage, len(l.payloads)-payloads)
	} else {
		l.plans = l.appendPlan(l.plans, g, mayPage, len(l.payloads)-payloads)
	}
	binary.BigEndian.PutUint32(l.plans[start:], uint32(len(l.plans)-start))
}

// appendPlace writes a job's page and destination, and its header if it is no
// entry of a page.
func (l *layout) appendPlace(b []byte, g *queue.Group, j *queue.Job, mayPage bool) (_ []byte, paged bool) {
	dest, page := l.dest(j.Dest.Name), 0
	if paged = mayPage && l.pages.takes(dest, j); paged {
		page = l.pages.add(dest, &j.Header, g.Payloads[j.Payload])
	}
	b = binary.BigEndian.AppendUint16(b, uint16(page))
	return binary.BigEndian.AppendUint16(b, uint16(dest)), paged
}

// plain says whether a group can have the short plan.
func plain(g *queue.Group) bool {
	if len(g.Events) != 1 || len(g.Payloads) != 1 || len(g.Counters) > 0 {
		return false
	}
	if ev := &g.Events[0]; ev.KeptClick() != nil || ev.SealEvent() != nil || len(ev.Former) > 0 {
		return false
	}
	for i := range g.Jobs {
		if j := &g.Jobs[i]; j.Dead != nil || len(j.Once) > 0 || len(j.Events) != 1 {
			return false
		}
	}
	return true
}

func (l *layout) appendPlain(b []byte, g *queue.Group, mayPage bool, payloads int) []byte {
	ev := &g.Events[0]
	b = l.appendID(append(b, 1, byte(payloads)), ev)
	b = appendLong(append(b, byte(l.contactKeys(g.Tenant, ev))), ev.MessageID)
	b = binary.BigEndian.AppendUint16(b, uint16(len(g.Jobs)))
	for i := range g.Jobs {
		var paged bool
		if b, paged = l.appendPlace(b, g, &g.Jobs[i], mayPage); !paged {
			b = appendMeasured(b, func(b []byte) []byte { return codec.AppendHeader(b, &g.Jobs[i].Header) })
		}
	}
	return b
}

// appendID writes what is remembered of an event's id, its bucket, and how much
// later than now its window begins.
func (l *layout) appendID(b []byte, ev *queue.Event) []byte {
	start := len(b)
	b = strconv.AppendInt(append(b, 0), rememberedID(ev.ID), 10)
	b[start] = byte(len(b) - start - 1)
	bucket, later := l.ids.of(ev.Time)
	return append(binary.BigEndian.AppendUint16(b, uint16(bucket)), later)
}

// rememberedID is what is remembered of an id: 64 bits, over both halves, of which
// a UUID has some that are always the same, and mixed (by the finalizer of
// SplitMix64, which loses nothing), since the script shards by the last digits. A
// tenant with 10 events a second, day and night, has one that is taken for another
// of the window, by chance, once in ten thousand years.
func rememberedID(id queue.ID) int64 {
	n := binary.BigEndian.Uint64(id[:8]) ^ binary.BigEndian.Uint64(id[8:])
	if n = codec.Mix(n); n == 0 {
		return 1 // each set has a 0
	}
	return int64(n)
}

func (l *layout) appendPlan(b []byte, g *queue.Group, mayPage bool, payloads int) []byte {
	b = appendCount(append(b, 0), payloads)
	b = appendCount(b, len(g.Events))
	b = appendCount(b, len(g.Jobs))
	b = appendCount(b, len(g.Counters))
	for i := range g.Events {
		ev := &g.Events[i]
		b = l.appendID(b, ev)
		if seal := ev.SealEvent(); seal != nil {
			b = l.appendID(b, seal)
		} else {
			b = append(b, 0)
		}
		keys := l.contactKeys(g.Tenant, ev)
		b = append(b, byte(keys))
		if keys == 0 {
			b = append(b, 0)
			continue
		}
		former := byte(4 * len(ev.FormerKeys()))
		switch click := ev.KeptClick(); {
		case click == nil:
			b = appendLong(append(b, former), ev.MessageID)
		case click.HasClid:
			b = appendClick(appendLong(append(b, former+2), ev.MessageID), click, l.now)
		default:
			b = appendClick(appendLong(append(b, former+1), ev.MessageID), click, l.now)
		}
	}
	for i := range g.Jobs {
		j := &g.Jobs[i]
		var paged bool
		b, paged = l.appendPlace(b, g, j, mayPage)
		b = appendCount(b, j.Payload+1)
		if paged {
			b = appendCount(b, 0)
		} else {
			b = appendMeasured(b, func(b []byte) []byte { return codec.AppendHeader(b, &j.Header) })
		}
		if j.Dead != nil {
			b = appendMeasured(b, func(b []byte) []byte { return codec.AppendDeath(b, 0, 0, l.now, j.Dead) })
		} else {
			b = appendCount(b, 0)
		}
		// A job without events is never new: it names one that isn't there.
		events := j.Events
		if len(events) == 0 {
			events = []int{len(g.Events)}
		}
		b = appendCount(b, events[0]+1)
		b = appendCount(b, len(events)-1)
		b = appendCount(b, len(j.Once))
		for _, e := range events[1:] {
			b = appendCount(b, e+1)
		}
		for _, o := range j.Once {
			b = append(b, byte(o.Use))
			b = appendFloat(b, max(o.Window.Milliseconds(), 1))
			b = appendLong(appendMark(b, codec.HashKey(g.Tenant, o.Key)), o.Key)
		}
	}
	for i := range g.Counters {
		b = appendCounter(b, g.Tenant, &g.Counters[i], l.now)
	}
	return b
}

// contactKeys writes the keys of an event's contact, and returns how many. An
// event that brings neither a click nor a message only tells that they are the
// same person's, which need not be told again for a while.
func (l *layout) contactKeys(tenant string, ev *queue.Event) int {
	click := ev.KeptClick()
	former := ev.FormerKeys()
	if ev.Contact == "" || click == nil && len(former) == 0 && ev.MessageID == "" && l.told.before(tenant, ev, l.now) {
		return 0
	}
	if click != nil || len(former) > 0 {
		l.told.news(tenant, ev)
	}
	l.contact(ev.Contact)
	for _, alias := range ev.Aliases {
		l.contact(alias)
	}
	for _, key := range former {
		l.contact(key)
	}
	return 1 + len(ev.Aliases) + len(former)
}

func (l *layout) contact(name string) {
	start := len(l.arena)
	l.arena = append(append(append(l.arena, l.keys.base...), contactPrefix...), name...)
	l.contacts = append(l.contacts, l.since(start))
}

// dest returns a destination's index.
func (l *layout) dest(name string) int {
	i := slices.Index(l.names, name)
	if i < 0 {
		i = len(l.names)
		l.names = append(l.names, name)
		l.jobs = append(l.jobs, 0)
	}
	return i + 1
}

func appendClick(b []byte, c *queue.Click, now int64) []byte {
	return append(appendCount(appendFloat(b, min(c.At, now)), len(c.Data)), c.Data...)
}

func appendCounter(b []byte, tenant string, c *queue.Counter, now int64) []byte {
	b = appendShort(b, strconv.FormatInt(c.Day, 10))
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Key)+1+len(c.Field)))
	b = append(append(append(b, c.Key...), '\n'), c.Field...)
	b = appendCount(b, int(c.Add))
	if c.Text == "" {
		b = appendCount(b, 0)
	} else {
		b = append(append(appendCount(b, 1+len(c.Text)), textCount), c.Text...)
	}
	b = append(b, byte(c.When))
	b = appendCount(b, c.Of+1)
	b = appendFloat(b, max((c.Day+1)*dayMS+queue.KeepCounters.Milliseconds()-now, 1))
	if c.Once == "" {
		b = appendShort(b, "")
	} else {
		b = appendMark(b, codec.CountedHash(tenant, c))
	}
	return appendFloat(b, max(c.Window.Milliseconds(), 1))
}

func appendFloat(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(float64(n)))
}

func appendCount(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

func appendShort(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendLong(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

// appendMark writes a mark as it stands in a key's name.
func appendMark(b []byte, m codec.KeyHash) []byte {
	return base64.RawURLEncoding.AppendEncode(binary.BigEndian.AppendUint16(b, uint16(base64.RawURLEncoding.EncodedLen(len(m)))), m[:])
}

// appendMeasured writes a length before what write appends.
func appendMeasured(b []byte, write func([]byte) []byte) []byte {
	at := len(b)
	b = write(appendCount(b, 0))
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// idBuckets says where a Leadgate before there were generations kept an event's
// id: by the event's time in sets of ten minutes, or by the day of its arrival where
// it had no time of use. They are looked up for the window and three days after the
// first call that finds a tenant without generations; then they have expired.
type idBuckets struct {
	keys        redisKeys
	now, dedupe int64

	all            []string
	index          map[int64]int // of the bucket of a time, from 1
	firstDay, days int           // the days, once they are needed
}

func (b *idBuckets) begin(k redisKeys, now, dedupe int64) {
	b.keys, b.now, b.dedupe, b.all, b.firstDay, b.days = k, now, dedupe, b.all[:0], 0, 0
	if b.index == nil {
		b.index = map[int64]int{}
	}
	clear(b.index)
}

// untimed is set in later for an event without a time of use.
const untimed = 128

// of returns the bucket of an event of time t, from 1, and in how many hours the
// window of its id begins: now, or at the event's own time if that is later, within
// reason. An event without a time, or with one that is over, may be on each day of
// the window, and on the next: the clock may have gone back.
func (b *idBuckets) of(t int64) (index int, later byte) {
	if t <= 0 || t+b.dedupe < b.now {
		return b.today(), untimed
	}
	later = byte((queue.RememberedFrom(t, b.now) - b.now + hourMS - 1) / hourMS)
	bucket := t / bucketMS
	if index, ok := b.index[bucket]; ok {
		return index, later
	}
	b.all = append(b.all, b.keys.ids(bucket))
	b.index[bucket] = len(b.all)
	return len(b.all), later
}

func (b *idBuckets) today() int {
	if b.firstDay > 0 {
		return b.firstDay
	}
	b.firstDay = len(b.all) + 1
	for day := b.now/dayMS + 1; day >= (b.now-b.dedupe)/dayMS; day-- {
		b.all = append(b.all, b.keys.untimed(day))
	}
	b.days = len(b.all) + 1 - b.firstDay
	return b.firstDay
}
