package redis

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// noTenant stands for the empty tenant in a hash tag, where an empty one would
// hash the whole key; it is in no tenant's name.
const noTenant = "~"

// redisKeys are the names of one tenant's keys. They share the hash tag
// {tenant}, so that a script may touch them all in a Cluster:
//
//	dests     set of destination names
//	q:<dest>  stream of entries: h header record, p payload; or of pages: h the first header record, g page
//	g:<dest>  hash of marks: which entries of a page still wait, by stream id; '' = by how many they are more than the stream is long
//	r:<dest>  hash of retry records by stream id, in a page with -<entry>
//	d:<dest>  stream of dead letters: t died at (ms), d death record, h, p
//	s:<dest>  state record
//	l:<dest>  lease: the holder's token
//	i         record of the generations of remembered ids, see append.lua
//	i:<ms>    set of the ids of the generation that began then; i:<ms>:<digits> its shards
//	e:<n>     of an older Leadgate: set of the ids remembered of the n-th ten minutes; e:<n>:l its level, e:<n>:<digits> its shards
//	e:u<n>    the same of day n, for events without a usable time of their own
//	u:<mark>  a once key, hashed: until when it is remembered (ms)
//	o:<key>   the same in clear, as Leadgate before 0.1 wrote it
//	c:<key>   a contact's clicks, or the contact that an alias or message id means
//	w:<note>  a group that is queued in parts, see note.go
//	a:<day>   hash of counters
//	n:<key>   a contact's aliases
//	m:<n>:<key> set of a contact's message ids of the n-th 8 days
//	k:<key>   set of a contact's aliases ("a" and the key) and message ids ("m"), as Leadgate before 0.1 wrote it
//	h:q:<dest>, h:r:, h:g:, h:d:  what it takes over from another tenant, until its queue is put behind it
//	h:m:<dest>  hash of the last stream ids that it took, by q or d and the tenant
type redisKeys struct {
	tenant string
	base   string
}

func (r *Store) keys(tenant string) redisKeys {
	return redisKeys{tenant: tenant, base: r.prefix + ":{" + shownTenant(tenant) + "}:"}
}

// tenantsKey is the set of tenants; channel carries what edges tell each other.
// They belong to no tenant, and so to no hash tag.
func (r *Store) tenantsKey() string { return r.prefix + ":tenants" }
func (r *Store) channel() string    { return r.prefix + ":wake" }

func shownTenant(tenant string) string {
	if tenant == "" {
		return noTenant
	}
	return tenant
}

func tenantShown(s string) string {
	if s == noTenant {
		return ""
	}
	return s
}

func (k redisKeys) dests() string            { return k.base + "dests" }
func (k redisKeys) queue(name string) string { return k.base + "q:" + name }
func (k redisKeys) marks(name string) string { return k.base + "g:" + name }
func (k redisKeys) retry(name string) string { return k.base + "r:" + name }
func (k redisKeys) dead(name string) string  { return k.base + "d:" + name }
func (k redisKeys) state(name string) string { return k.base + "s:" + name }
func (k redisKeys) lease(name string) string { return k.base + "l:" + name }

// incoming are the keys of what a destination takes over from another tenant.
func (k redisKeys) incoming() redisKeys { return redisKeys{tenant: k.tenant, base: k.base + "h:"} }

func (k redisKeys) taken(name string) string  { return k.base + "h:m:" + name }
func (k redisKeys) contacts() string          { return k.base + contactPrefix }
func (k redisKeys) contact(key string) string { return k.base + contactPrefix + key }

func (k redisKeys) note(name string) string    { return k.base + "w:" + name }
func (k redisKeys) names(key string) string    { return k.base + "n:" + key }
func (k redisKeys) oldLinks(key string) string { return k.base + "k:" + key }

func (k redisKeys) messages(period int64, key string) string {
	return k.base + "m:" + strconv.FormatInt(period, 10) + ":" + key
}

func (k redisKeys) ids(bucket int64) string {
	return k.base + "e:" + strconv.FormatInt(bucket, 10)
}

func (k redisKeys) counts(day int64) string {
	return k.base + "a:" + strconv.FormatInt(day, 10)
}

func (k redisKeys) untimed(day int64) string {
	return k.base + "e:u" + strconv.FormatInt(day, 10)
}

const contactPrefix = "c:"

const (
	bucketMS = int64(10 * time.Minute / time.Millisecond)
	keptMS   = 8 * dayMS // how long a message's id leads to its contact
	hourMS   = int64(time.Hour / time.Millisecond)
	dayMS    = int64(24 * time.Hour / time.Millisecond)
)

// streamID and parseStreamID turn positions into Redis stream ids and back.
func streamID(p queue.Pos) string {
	return strconv.FormatUint(p.Ms, 10) + "-" + strconv.FormatUint(p.Seq, 10)
}

func parseStreamID(s string) (queue.Pos, error) {
	ms, seq, ok := strings.Cut(s, "-")
	m, err1 := strconv.ParseUint(ms, 10, 64)
	n, err2 := strconv.ParseUint(seq, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return queue.Pos{}, fmt.Errorf("reading stream id: %q is none", s)
	}
	return queue.Pos{Ms: m, Seq: n}, nil
}

// An entry's position is its stream id, and in the last bits of Seq which entry of
// a page it is, from 1; 0 = it is no page's. Redis counts Seq from 0 in each
// millisecond, so there is room.
const partBits = 8

func entryPos(id queue.Pos, part int) queue.Pos {
	return queue.Pos{Ms: id.Ms, Seq: id.Seq<<partBits | uint64(part)}
}

// entryOf is the stream id and the part of an entry's position.
func entryOf(p queue.Pos) (id queue.Pos, part int) {
	return queue.Pos{Ms: p.Ms, Seq: p.Seq >> partBits}, int(p.Seq & (1<<partBits - 1))
}

// retryField and parseRetryField name entries in the hash of retries.
func retryField(p queue.Pos) string {
	id, part := entryOf(p)
	if part == 0 {
		return streamID(id)
	}
	return streamID(id) + "-" + strconv.Itoa(part)
}

func parseRetryField(s string) (queue.Pos, error) {
	if strings.Count(s, "-") < 2 {
		id, err := parseStreamID(s)
		return entryPos(id, 0), err
	}
	i := strings.LastIndexByte(s, '-')
	id, err := parseStreamID(s[:i])
	part, partErr := strconv.ParseUint(s[i+1:], 10, partBits)
	if err == nil && partErr != nil {
		err = fmt.Errorf("reading entry: %q is none", s)
	}
	return entryPos(id, int(part)), err
}

// deadID and parseDeadID name dead letters: the length of the tenant's name, since
// names may hold dots, the tenant, the destination and the stream id, the latter
// in hex of a fixed width. No shell expands such an id, and no flag begins like it.
func deadID(d queue.Dest, p queue.Pos) string {
	return fmt.Sprintf("%d.%s.%s.%012x%08x", len(d.Tenant), d.Tenant, d.Name, p.Ms, p.Seq)
}

func parseDeadID(id string) (d queue.Dest, p queue.Pos, ok bool) {
	count, rest, _ := strings.Cut(id, ".")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n >= len(rest) || rest[n] != '.' {
		return queue.Dest{}, queue.Pos{}, false
	}
	tenant, rest := rest[:n], rest[n+1:]
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 || len(rest)-dot-1 < 20 {
		return queue.Dest{}, queue.Pos{}, false
	}
	pos := rest[dot+1:]
	ms, err1 := strconv.ParseUint(pos[:12], 16, 64)
	seq, err2 := strconv.ParseUint(pos[12:], 16, 64)
	return queue.Dest{Tenant: tenant, Name: rest[:dot]}, queue.Pos{Ms: ms, Seq: seq}, err1 == nil && err2 == nil
}
