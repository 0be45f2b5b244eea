package redis

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// packer packs the calls of append.lua, in the format of wire.go. It belongs to
// whoever makes the calls, and uses its memory again for the calls of the next
// pipeline.
type packer struct {
	arena     []byte // what the other arguments are made of
	manifests []byte
	contacts  []argument
	payloads  [][]byte
	bundles   bundleWriter
	linked    linkedKeys
	args      []any
	general   bool // tests have every group get a general manifest

	// Of the call that is being packed.
	keys    tenantKeys
	now     int64 // ms
	noted   bool  // it stores a part of a group under a note, with which its codes were claimed
	buckets oldBuckets
	names   []string // of its destinations
	jobs    []int    // of each destination
}

// argument is a byte string that go-redis writes as it is, and that is passed to
// it by its address: that costs no allocation.
type argument []byte

// MarshalBinary implements encoding.BinaryMarshaler.
func (a *argument) MarshalBinary() ([]byte, error) { return *a, nil }

// reset makes room for the next pipeline. The commands of the last one are void.
func (p *packer) reset() {
	clear(p.contacts)
	clear(p.payloads)
	clear(p.args)
	p.contacts, p.payloads, p.args = p.contacts[:0], p.payloads[:0], p.args[:0]
	p.arena, p.manifests = emptied(p.arena), emptied(p.manifests)
	p.bundles.reset()
}

// emptied is b without what is in it, to be used again unless it has grown large.
func emptied(b []byte) []byte {
	if cap(b) > maxArena {
		return nil
	}
	return b[:0]
}

// since is what was added to the arena. It stays where it is when the arena
// grows into another piece of memory.
func (p *packer) since(start int) argument { return p.arena[start:len(p.arena):len(p.arena)] }

// pack packs a call.
func (r *Store) pack(c *appendCall, p *packer) *redis.Cmd {
	opts := r.options.Load()
	p.keys, p.now, p.names, p.jobs = c.keys, r.now(), p.names[:0], p.jobs[:0]
	p.noted = c.note != ""
	p.buckets.begin(c.keys, p.now, opts.Dedupe.Milliseconds())
	contacts, payloads, manifests, args := len(p.contacts), len(p.payloads), len(p.manifests), len(p.args)
	for _, ref := range c.groups {
		p.count(ref.group)
	}
	p.bundles.begin(p.jobs, c.unbundled)
	for _, ref := range c.groups {
		p.group(ref.group)
	}
	packed := argument(p.manifests[manifests:])
	bundles, blocks := p.bundles.end()
	head := p.head(c, opts, len(p.contacts)-contacts, bundles, len(blocks))
	start := len(p.arena)
	p.arena = codec.AppendDeath(p.arena, 0, 0, p.now, &queue.OverflowReason)
	overflow := p.since(start)

	p.args = append(p.args, nil, nil, 1, c.keys.dests())
	if r.clustered() {
		p.args[len(p.args)-2] = 2
		p.args = append(p.args, c.keys.never())
	}
	p.args = append(p.args,
		&head, &overflow, c.keys.base, r.channelFor(c.keys.tenant, p.names), r.token+" "+shownTenant(c.keys.tenant), &packed)
	for i := range p.contacts[contacts:] {
		p.args = append(p.args, &p.contacts[contacts+i])
	}
	for i := range bundles {
		p.args = append(p.args, &bundles[i].header, &bundles[i].bytes)
	}
	for i := range blocks {
		p.args = append(p.args, &blocks[i].id, &blocks[i].bytes)
	}
	for _, payload := range p.payloads[payloads:] {
		p.args = append(p.args, payload)
	}
	return lua.Append.Prepare(r.life, p.args[args:len(p.args):len(p.args)])
}

// channelFor is where to tell other edges of entries for these destinations: nowhere
// if this edge drains them all.
func (r *Store) channelFor(tenant string, destinations []string) string {
	for _, name := range destinations {
		if !r.lease.holds(queue.Dest{Tenant: tenant, Name: name}) {
			return r.channel()
		}
	}
	return ""
}

// head packs the call's first argument.
func (p *packer) head(c *appendCall, opts *queue.Options, contacts int, bundles []bundle, blocks int) argument {
	backlog := opts.MaxBacklog
	if backlog <= 0 {
		backlog = math.MaxInt32
	}
	start := len(p.arena)
	b := appendFloat(p.arena, p.now)
	b = appendFloat(b, int64(backlog))
	b = appendFloat(b, opts.RememberClicks.Milliseconds())
	b = appendFloat(b, opts.Dedupe.Milliseconds())
	for _, n := range [...]int{p.buckets.firstDay, p.buckets.days, len(p.buckets.all), len(p.names), len(bundles), blocks} {
		b = appendIndex(b, n)
	}
	b = appendCount(b, len(c.groups))
	b = appendCount(b, contacts)
	b = appendCount(appendShort(b, c.note), c.part)
	for _, key := range p.buckets.all {
		b = appendShort(b, key)
	}
	for i, name := range p.names {
		keep := 0
		if c.keys.tenant == queue.Unmatched.Tenant && name == queue.Unmatched.Name {
			keep = queue.UnmatchedKeep
		}
		b = appendShort(appendCount(appendCount(b, keep), p.jobs[i]), name)
	}
	for i := range bundles {
		b = appendIndex(appendIndex(b, bundles[i].dest), bundles[i].block)
	}
	p.arena = b
	return p.since(start)
}

// count counts how many jobs each destination gets.
func (p *packer) count(g *queue.Group) {
	for i := range g.Jobs {
		p.jobs[p.dest(g.Jobs[i].Dest.Name)-1]++
	}
}

// dest returns a destination's index.
func (p *packer) dest(name string) int {
	i := slices.Index(p.names, name)
	if i < 0 {
		i = len(p.names)
		p.names = append(p.names, name)
		p.jobs = append(p.jobs, 0)
	}
	return i + 1
}

// group packs a group's manifest, contact keys and payloads, and fills bundles.
func (p *packer) group(g *queue.Group) {
	// Payloads go along if a job is no entry of a bundle.
	small, payloads := mayBundle(g), 0
	for i := range g.Jobs {
		if j := &g.Jobs[i]; !small || !p.bundles.takes(p.dest(j.Dest.Name), j) {
			p.payloads = append(p.payloads, g.Payloads...)
			payloads = len(g.Payloads)
			break
		}
	}
	start := len(p.manifests)
	p.manifests = appendCount(p.manifests, 0)
	if plain(g) && !p.general {
		p.manifests = p.appendPlain(p.manifests, g, small, payloads)
	} else {
		p.manifests = p.appendGeneral(p.manifests, g, small, payloads)
	}
	binary.BigEndian.PutUint32(p.manifests[start:], uint32(len(p.manifests)-start))
}
