// Package journal is the file that makes a batch of the embedded store durable: one write
// and one fdatasync, in blocks that are there already. The pages of the bbolt file follow
// at the next checkpoint, for thousands of webhooks at once: a bbolt commit writes some
// ten pages and syncs twice, however small it is.
//
// The file begins with a [Head], which says of which store it is, and then holds
// what was changed since the last checkpoint, as records one behind the other:
//
//	checksum    4 bytes, CRC-32C of the rest
//	length      4 bytes, of the changes
//	generation  8 bytes, the number of the checkpoint that they follow
//	durable     4 bytes, up to where the records were synced when this one was written
//	changes     are the store's
//
// A checkpoint writes the next generation's number into the head, and then stores it in
// the bbolt file, in the same transaction as the changes. Records of another generation
// are void, and are written over. The first number of a store is random, so that no journal
// passes for that of another store, and no payload for a record.
//
// Behind the last record that is durable stands one without changes, a mark, which the
// next record is written over. By marks and by durable a record that a crash tore, which
// nobody was answered for, is told from one that was damaged later.
//
// A [Writer] writes, [Records] reads what is to be replayed, and [At] and [Find] what can
// still be read of a journal that is damaged.
package journal
