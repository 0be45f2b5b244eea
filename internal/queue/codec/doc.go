// Package codec has what both durable stores write alike: the records of an entry's
// header, of dead letters, retries and states (record.go), what reads them (reader.go),
// and the hashes that stand for keys (hash.go).
//
// Each record begins with a version byte, so that a file or a Redis written by a newer
// Leadgate is refused and not misread. Numbers are varints (zigzag where they may be
// negative), strings and byte strings have their length in front. A record that is
// decoded may come from anywhere: none makes a decoder panic or allocate without bound.
//
// It imports the contract, package queue, and knows no store.
package codec
