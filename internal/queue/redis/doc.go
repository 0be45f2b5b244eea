// Package redis is the queue in Redis: the store for production, and for several
// edges that share one. It needs Redis 7 or later, or Valkey: one server, one behind
// Sentinels, or a Cluster. What it holds is as durable as that Redis is set up to be,
// see [Store.Durability].
//
// # What stands in Redis
//
// Each destination has a stream, its queue. An entry of it is a job, or a bundle:
// several jobs that were queued in one call, compressed together. What several
// destinations get alike is stored once, as a block of the tenant's, to which their
// bundles refer: see bundle.go. Beside the queue stand which entries of bundles are
// still pending, retry state, the dead letters, which are a stream, too, the
// destination's state and its lease, and how many entries await what became of them
// (awaits.go). A tenant has the set of its destinations, remembered ids, once keys,
// clicks and counters. keys.go names them all.
//
// The keys of a tenant share the hash tag {tenant}. So a Cluster keeps them on one
// node, and a script may touch them all; while a Cluster moves them, it touches none: see
// split.go. Nothing is ever done with two tenants at
// once, but for a takeover, which goes in steps that may be repeated. The set of
// tenants, the hash of notes and the channel belong to no tenant.
//
// # Scripts
//
// What must happen as a whole is done by a script. Package lua lists them, and the head
// of each file there says what its keys, its arguments and its answer are. Redis does
// one thing at a time, so each script is short: what may be large goes in steps, of
// which limits.go has the sizes. A server that doesn't know a script says so before it
// does anything, and is sent it.
//
// The script of an append stores many groups in one call, each whole or not at all,
// and answers which events were new and what became of each job. wire.go describes
// what goes there and back.
//
// # Leases
//
// A destination is drained by one edge at a time: by the one whose token stands in its
// lease. A lease lives for 10 seconds, is renewed every 3, and 6 seconds after the
// last renewal that went well no send is started any more. A look at all destinations
// takes leases that are free, once a second; messages on a channel only make that
// faster, so a message may be lost. What delivers needs no lease to say that something
// was delivered, but to store a retry or a death.
//
// A look that has no answer for a quarter of a second stops the sends, too:
// what is sent then may never be settled. An edge with an identity, see owner.go, takes
// the leases of its own dead processes at once.
//
// # Notes
//
// A group that would keep Redis busy for too long is stored in parts, under a note.
// When the note is written, the group is queued for certain, and whichever edge finds
// the note stores what is missing. See note.go.
//
// # Takeovers
//
// A destination's name is its queue's identity. Where a configuration gives the name
// to another tenant, the other tenant's queue is taken over before the own is drained.
// See takeover.go.
//
// # Rolling upgrades
//
// Edges of neighbouring versions share a Redis. So names of keys and formats of
// records stay as they are, or what is new is written under another name, and what is
// old is read while it can be there. An edge that knows no blocks reads no bundle that
// refers to one, and says so: it stops with that destination, until a newer edge has it.
//
// # An effect on the whole process
//
// [Open] and [Check] silence go-redis's own logger, by its SetLogger, for everything in
// the process that uses go-redis: it writes a line to stderr for each failed dial,
// and the store returns and logs its errors itself.
//
// # Where to begin
//
// An append: [Store.Append], append.go, packer.go, lua/append.lua. A delivery:
// [Store.Drain], drain.go, read.go, calls.go. Who may drain: lease.go.
//
// Folders below know nothing of the store: lua has the scripts, cluster is the client of a
// Cluster, server is what a server says of itself.
//
// The package imports the queue's contract, records and batches (queue, codec, batch),
// go-redis, what the doctor finds (finding), and nothing else of Leadgate.
package redis
