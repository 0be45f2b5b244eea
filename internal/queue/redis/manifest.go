package redis

import (
	"encoding/binary"
	"strconv"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// plain reports whether a group can have a plain manifest.
func plain(g *queue.Group) bool {
	if len(g.Events) != 1 || len(g.Payloads) != 1 || len(g.Notes) > 0 {
		return false
	}
	if ev := &g.Events[0]; ev.SealEvent() != nil || len(ev.Former) > 0 || ev.KeptClaim() != "" {
		return false
	}
	for i := range g.Counters {
		if c := &g.Counters[i]; c.When == queue.WhenQueued || c.Once != "" {
			return false
		}
	}
	for i := range g.Jobs {
		if j := &g.Jobs[i]; j.Dead != nil || len(j.Once) > 0 || len(j.Events) != 1 {
			return false
		}
	}
	return true
}

// appendPlain writes a plain manifest, but for its length. small says that the group's
// payloads may go into bundles, payloads is how many go along by themselves.
func (p *packer) appendPlain(b []byte, g *queue.Group, small bool, payloads int) []byte {
	ev := &g.Events[0]
	kind, clicks := byte(plainManifest), ev.KeptClicks()
	if len(clicks) > 0 || len(g.Counters) > 0 {
		kind = clickManifest
	}
	b = p.appendID(append(b, kind, byte(payloads)), ev)
	b = appendLong(append(b, byte(p.contactKeys(g.Tenant, ev))), ev.MessageID)
	b = appendIndex(b, len(g.Jobs))
	for i := range g.Jobs {
		var bundled bool
		if b, bundled = p.appendPlace(b, g, &g.Jobs[i], small); !bundled {
			b = appendMeasured(b, func(b []byte) []byte { return codec.AppendHeader(b, &g.Jobs[i].Header) })
		}
	}
	if kind == plainManifest {
		return b
	}
	b = appendIndex(append(b, byte(len(clicks))), len(g.Counters))
	for i := range clicks {
		b = appendClick(b, &clicks[i], p.now)
	}
	for i := range g.Counters {
		b = appendCounted(append(b, byte(g.Counters[i].When)), &g.Counters[i], p.now)
	}
	return b
}

// appendGeneral is appendPlain for a general manifest.
func (p *packer) appendGeneral(b []byte, g *queue.Group, small bool, payloads int) []byte {
	b = appendCount(append(b, generalManifest), payloads)
	b = appendCount(b, len(g.Events))
	b = appendCount(b, len(g.Jobs))
	b = appendCount(b, len(g.Counters))
	claims := 0
	for i := range g.Events {
		if !p.noted && g.Events[i].KeptClaim() != "" {
			claims++
		}
	}
	b = appendCount(appendCount(b, claims), len(g.Notes))
	for i := range g.Events {
		b = p.appendEvent(b, g.Tenant, &g.Events[i])
	}
	if claims > 0 {
		b = appendClaims(b, g)
	}
	for i := range g.Jobs {
		b = p.appendJob(b, g, &g.Jobs[i], small)
	}
	for i := range g.Counters {
		b = appendCounter(b, g.Tenant, &g.Counters[i], p.now)
	}
	for i := range g.Notes {
		n := &g.Notes[i]
		b = appendShort(appendCount(append(b, byte(n.When)), n.Of+1), n.Contact)
		b = codec.AppendNote(b, n)
	}
	return b
}

// appendClaims writes the claims of a group's events.
func appendClaims(b []byte, g *queue.Group) []byte {
	for i := range g.Events {
		if ev := &g.Events[i]; ev.KeptClaim() != "" {
			b = appendShort(appendShort(appendCount(b, i+1), ev.Claim), queue.Names(g.Tenant, ev))
		}
	}
	return b
}

func (p *packer) appendEvent(b []byte, tenant string, ev *queue.Event) []byte {
	b = p.appendID(b, ev)
	if seal := ev.SealEvent(); seal != nil {
		b = p.appendID(b, seal)
	} else {
		b = append(b, 0)
	}
	keys := p.contactKeys(tenant, ev)
	b = append(b, byte(keys))
	if keys == 0 {
		return append(b, 0)
	}
	clicks := ev.KeptClicks()
	b = appendLong(append(b, byte(4*len(ev.FormerKeys())+len(clicks))), ev.MessageID)
	for i := range clicks {
		b = appendClick(b, &clicks[i], p.now)
	}
	return b
}

// appendID writes what is remembered of an event's id, its bucket, and how much
// later than now its window begins.
func (p *packer) appendID(b []byte, ev *queue.Event) []byte {
	start := len(b)
	b = strconv.AppendInt(append(b, 0), rememberedID(ev.ID), 10)
	b[start] = byte(len(b) - start - 1)
	bucket, later := p.buckets.of(ev.Time)
	return append(appendIndex(b, bucket), later)
}

// rememberedID is what is remembered of an id: 64 bits, made of both halves, since a
// UUID has bits that are always the same, and mixed, since the script shards by the
// last digits. A tenant with 10 events a second, day and night, has one that is taken
// for another of the window, by chance, once in ten thousand years.
func rememberedID(id queue.ID) int64 {
	n := binary.BigEndian.Uint64(id[:8]) ^ binary.BigEndian.Uint64(id[8:])
	if n = codec.Mix(n); n == 0 {
		return 1 // each set has a 0
	}
	return int64(n)
}

func appendClick(b []byte, c *queue.Click, now int64) []byte {
	return append(appendCount(append(appendFloat(b, min(c.At, now)), byte(c.Kind)), len(c.Data)), c.Data...)
}

func (p *packer) appendJob(b []byte, g *queue.Group, j *queue.Job, small bool) []byte {
	b, bundled := p.appendPlace(b, g, j, small)
	b = appendCount(b, j.Payload+1)
	if bundled {
		b = appendCount(b, 0)
	} else {
		b = appendMeasured(b, func(b []byte) []byte { return codec.AppendHeader(b, &j.Header) })
	}
	if j.Dead != nil {
		b = appendMeasured(b, func(b []byte) []byte { return codec.AppendDeath(b, 0, 0, p.now, j.Dead) })
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
		b = appendLong(appendHash(b, codec.HashKey(g.Tenant, o.Key)), o.Key)
	}
	return b
}

// appendPlace writes a job's bundle, in which it puts the job if it may, and its
// destination.
func (p *packer) appendPlace(b []byte, g *queue.Group, j *queue.Job, small bool) (_ []byte, bundled bool) {
	dest, number := p.dest(j.Dest.Name), 0
	if bundled = small && p.bundles.takes(dest, j); bundled {
		number = p.bundles.add(dest, &j.Header, g.Payloads[j.Payload])
	}
	return appendIndex(appendIndex(b, number), dest), bundled
}

// appendCounter writes what counts, when, and once for how long.
func appendCounter(b []byte, tenant string, c *queue.Counter, now int64) []byte {
	b = append(appendCounted(b, c, now), byte(c.When))
	b = appendCount(b, c.Of+1)
	if c.Once == "" {
		b = appendShort(b, "")
	} else {
		b = appendHash(b, codec.CountedHash(tenant, c))
	}
	return appendFloat(b, max(c.Window.Milliseconds(), 1))
}

// appendCounted writes what counts.
func appendCounted(b []byte, c *queue.Counter, now int64) []byte {
	b = appendShort(b, strconv.FormatInt(c.Day, 10))
	b = appendIndex(b, len(c.Key)+1+len(c.Field))
	b = append(append(append(b, c.Key...), '\n'), c.Field...)
	b = appendCount(b, int(c.Add))
	if c.Text == "" {
		b = appendCount(b, 0)
	} else {
		b = append(append(appendCount(b, 1+len(c.Text)), textCount), c.Text...)
	}
	return appendFloat(b, max((c.Day+1)*dayMS+queue.KeepCounters.Milliseconds()-now, 1))
}
