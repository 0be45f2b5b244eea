package redis

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
)

// tenantKeys are the names of one tenant's keys. They share the hash tag {tenant},
// so that they stand on one node of a Cluster, and a script may touch them all.
// Behind <prefix>:{tenant}: there is
//
//	never         never written: see split.go
//	wait          written so that replicas can be waited for: see wait.go
//	dests         set of the names of its destinations
//
//	q:<dest>      queue, a stream. An entry has h (its header's record) and p (its payload);
//	              a bundle of entries has h (the first one's header) and g (the bundle)
//	g:<dest>      pending, a hash: of a bundle, by its stream id, "1" or "0" for each of its entries, "1" = it waits,
//	              but not of a bundle of one, which waits while it is there;
//	              by '' how many more the waiting entries are than the stream is long
//	b             blocks, a hash: what bundles of several destinations hold alike, by an id, and by # and that how many refer to it
//	r:<dest>      retries, a hash of records: by stream id, in a bundle with -<number> behind it
//	f:<dest>      departures, a hash: see departures.go
//	d:<dest>      dead letters, a stream: t (when it died, ms), d (the death's record), h, p
//	s:<dest>      state, a record
//	l:<dest>      lease: the token of who holds it, see owner.go
//
//	h:q:<dest>, h:g:, h:r:, h:f:, h:d:   what the destination takes over from another tenant, until its own is put behind that
//	h:m:<dest>    how far that went, a hash: by q or d and the other tenant the last stream id that was taken
//
//	i             generations of remembered ids, a record: see lua/append_ids.lua
//	i:<ms>        set of the ids of the generation that began then; i:<ms>:<digits> its shards
//	u:<hash>      a once key: until when it is known (ms)
//
//	c:<key>       a contact's clicks, or the contact to which an alias or message id leads: see lua/append_contacts.lua
//	n:<key>       a contact's aliases, and the message with which it came
//	t:<key>       a contact's journal, a record: see lua/append_notes.lua
//	m:<n>:<key>   set of a contact's message ids of the n-th 8 days
//	a:<day>       counters of a day, a hash
//
//	v:<code>      what a link's code stands for, a record: see lua/codes.lua
//	j:<hash>      the code that was drawn for something
//	z             sorted set of the codes that nobody has claimed, by when they are gone (ms)
//	x             how many codes without a claim there are of each link, a hash
//	y:<hash>      set of the codes that a contact has claimed under a name
//
//	p:<group>     facts, a hash of records: by key
//	p:<task>!     who claims a task, and until when (ms), a hash
//
//	w:<note>              note of a group that is stored in parts, a hash: see note.go
//	w:<note>:<by>:<n>     a piece of the group
//	w:<note>:busy         somebody finishes it
//	w:<note>:done         which attempt's note was finished a moment ago
//
// and what older Leadgates wrote, which is read while it can be there:
//
//	e:<n>         set of the ids of the n-th ten minutes; e:<n>:l its level, e:<n>:<digits> its shards
//	e:u<n>        the same of day n, for events without a usable time
//	o:<key>       a once key in clear
//	k:<key>       set of a contact's aliases ("a" and the key) and message ids ("m" and the key)
type tenantKeys struct {
	tenant string
	base   string
}

func (r *Store) keys(tenant string) tenantKeys {
	return tenantKeys{tenant: tenant, base: r.prefix + ":{" + shownTenant(tenant) + "}:"}
}

// These keys belong to no tenant, and so to no tenant's hash tag: the set of tenants, the
// hash of notes (by tenant, note and attempt: when it began, ms), the channel by which
// edges tell each other the news, and the markers, by whose absence an edge knows that
// somebody has emptied the Redis.
func (r *Store) tenantsKey() string { return r.prefix + ":tenants" }
func (r *Store) notesKey() string   { return r.prefix + ":notes" }
func (r *Store) channel() string    { return r.prefix + ":wake" }

func (r *Store) markers() []string {
	base := r.prefix + ":marker"
	if _, ok := r.client.(*cluster.Client); !ok {
		return []string{base}
	}
	keys := make([]string, clusterMarkers)
	for i := range keys {
		keys[i] = base + ":" + strconv.Itoa(i)
	}
	return keys
}

// noTenant stands for the empty tenant in a hash tag, where an empty one would
// hash the whole key; it is in no tenant's name.
const noTenant = "~"

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

func (k tenantKeys) waited() string                { return k.base + "wait" }
func (k tenantKeys) dests() string                 { return k.base + "dests" }
func (k tenantKeys) blocks() string                { return k.base + "b" }
func (k tenantKeys) queue(name string) string      { return k.base + "q:" + name }
func (k tenantKeys) pending(name string) string    { return k.base + "g:" + name }
func (k tenantKeys) retry(name string) string      { return k.base + "r:" + name }
func (k tenantKeys) departures(name string) string { return k.base + "f:" + name }
func (k tenantKeys) dead(name string) string       { return k.base + "d:" + name }
func (k tenantKeys) state(name string) string      { return k.base + "s:" + name }
func (k tenantKeys) lease(name string) string      { return k.base + "l:" + name }
func (k tenantKeys) awaits(name string) string     { return k.base + "p:" + name }

// incoming are the keys of what a destination takes over from another tenant.
func (k tenantKeys) incoming() tenantKeys { return tenantKeys{tenant: k.tenant, base: k.base + "h:"} }

func (k tenantKeys) taken(name string) string  { return k.base + "h:m:" + name }
func (k tenantKeys) contacts() string          { return k.base + contactPrefix }
func (k tenantKeys) contact(key string) string { return k.base + contactPrefix + key }
func (k tenantKeys) names(key string) string   { return k.base + "n:" + key }
func (k tenantKeys) journal(key string) string { return k.base + "t:" + key }
func (k tenantKeys) facts(group string) string { return k.base + "p:" + group }
func (k tenantKeys) claim(task string) string  { return k.base + "p:" + task + "!" }
func (k tenantKeys) note(name string) string   { return k.base + "w:" + name }
func (k tenantKeys) counts(day int64) string   { return k.base + "a:" + strconv.FormatInt(day, 10) }

const contactPrefix = "c:"

func (k tenantKeys) once(key codec.KeyHash) string {
	return k.base + "u:" + base64.RawURLEncoding.EncodeToString(key[:])
}

// messages is the set of a contact's message ids of a period of messageMS.
func (k tenantKeys) messages(period int64, key string) string {
	return k.base + "m:" + strconv.FormatInt(period, 10) + ":" + key
}

// messageMS is how long a message's id leads to its contact; lua/append_contacts.lua
// has it, too.
const messageMS = 8 * dayMS

// ids, untimed and oldLinks are of older Leadgates.
func (k tenantKeys) ids(bucket int64) string    { return k.base + "e:" + strconv.FormatInt(bucket, 10) }
func (k tenantKeys) untimed(day int64) string   { return k.base + "e:u" + strconv.FormatInt(day, 10) }
func (k tenantKeys) oldLinks(key string) string { return k.base + "k:" + key }

const bucketMS = int64(10 * time.Minute / time.Millisecond)
