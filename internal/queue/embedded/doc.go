// Package embedded is the durable store of a single edge: one bbolt file, leadgate.db,
// and before it a journal, leadgate.journal. Neither is whole without the other. Begin
// with [Open]; what the methods do is said in package queue.
//
// # How it writes
//
// All writes go through one goroutine, which package batch feeds: [Store.Append] and the
// others hand it units, each made whole or not at all (commit.go). It makes whatever
// waits in a transaction of bbolt that stays open (txn.go, table.go), and durable by one
// write to the journal (journal/, redo.go). When that is full, the transaction is
// committed: a checkpoint. After a crash the journal is replayed. Reads are made in the
// open transaction too, between two batches, so that they see all that is durable and
// nothing else.
//
// # What the file holds
//
// The bbolt file's buckets, all of them on the top level so that a checkpoint touches few
// pages:
//
//	meta    format, bytes stored, number of openings, and what makes the files a pair, see pair.go;
//	        its sequence numbers dead letters
//	dests   tenant NUL name → counters and state; its sequence numbers destinations
//	e<num>  sequence → header and payload of an entry, or a reference to what several share
//	shared  number → header and payload that several refer to; spent: how many of these are gone, see shared.go
//	r<num>  sequence → retry state
//	n<num>  drain, number → entries that were about to be sent, see departures.go
//	x<num>  number → dead letter
//	seen    slice → the remembered ids of events, see seen.go; seenf: group → filter
//	ids     time, event id → nothing; in files that were of format 2, until they have expired
//	once    key → expiry
//	clicks  slice, contact → clicks and aliases, see names.go
//	alias   slice of the contact, its other key → contact
//	msgs    slice, message → expiry and contact, see messages.go
//	codes   a link's code → what it stands for; codei: what leads to it, see coderecord.go
//	journal  contact → its journal; journalx: time, contact → nothing, see notes.go
//	facts   tenant, group, key → what others said, and until when it is kept
//	counts  day, tenant, key, field → number or text
//	oncex, clickx   time, key of once or clicks → nothing: what expires when
//
// Keys of contacts, messages and once are hashes, see [codec.KeyHash]. A file says its
// format: this Leadgate writes 8 and reads 7 to 2 (file.go). New in 8: facts. New in 7: contacts and aliases
// stand in slices (sliced.go), and what an older file has without one in slice 0 until it
// has expired or clicks again; once, alias, msgs and counts carry checksums. New in 6: journal. New in 5: codes. New in 4: both files carry
// the store's id and a generation, and a journal has a head and its records say what was
// durable (pair.go, journal/); records carry checksums (stamp.go); the
// whole file is looked at before it is opened (verify.go, shapes.go, where each bucket and record has
// its shape: a new bucket has its case there); what goes to several destinations is stored
// once (shared.go), and a record of an older file stays as it is. What is not as it was left is a [Damage],
// and not opened.
//
// # What else there is
//
// append.go decides what becomes of a group, clicks.go keeps who clicked, codes.go what the
// codes of links stand for, claims.go whose they are, drain.go is the
// reading end, adopt.go gives a destination what its namesakes of other tenants have,
// sweep.go throws away what has expired, space.go keeps room to drain a full disk.
//
// Folders below know nothing of the store: journal is that file and how it is read, disk
// what is asked of the operating system, and pages reads a bbolt file that bbolt refuses.
//
// The package imports the contract, codec and batch, and no other store.
package embedded
