package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// record is a record's head, as it stands at a place of a journal.
type record struct {
	length  int
	durable int
}

// recordAt reads the record of a generation at a place; ok is false where none is whole.
func recordAt(b []byte, at int, generation uint64) (r record, ok bool) {
	rest := b[at:]
	if len(rest) < recordHead || binary.BigEndian.Uint64(rest[8:]) != generation {
		return record{}, false
	}
	length := uint64(binary.BigEndian.Uint32(rest[4:]))
	if length > uint64(len(rest)-recordHead) {
		return record{}, false
	}
	r = record{length: int(length), durable: int(binary.BigEndian.Uint32(rest[16:]))}
	ok = crc32.Checksum(rest[4:recordHead+r.length], castagnoli) == binary.BigEndian.Uint32(rest)
	return r, ok && (r.length > 0 || r.durable == at)
}

// readRecords returns the records of a generation at the head of a journal's records. What
// follows was never acknowledged, or is void. Where it was, since a later record or a mark
// says so, the journal is damaged, and damaged is where.
//
// A record that a power failure tore may have a whole one behind it, if neither was synced.
func readRecords(b []byte, generation uint64) (records []byte, damaged int, ok bool) {
	at := 0
	for {
		r, ok := recordAt(b, at, generation)
		if ok && r.length == 0 {
			return b[:at], 0, true
		}
		if !ok {
			break
		}
		at += recordHead + r.length
	}
	if later, found := nextRecord(b, at, generation, func(r record) bool { return r.durable > at }); found {
		return b[:at], later, false
	}
	return b[:at], 0, true
}

// nextRecord looks for the first whole record or mark from a place on that has what is
// asked for.
func nextRecord(b []byte, from int, generation uint64, has func(record) bool) (at int, found bool) {
	sign := binary.BigEndian.AppendUint64(nil, generation)
	for at = from; at+recordHead <= len(b); at++ {
		n := bytes.Index(b[at+8:], sign)
		if n < 0 {
			return 0, false
		}
		at += n
		if r, ok := recordAt(b, at, generation); ok && has(r) {
			return at, true
		}
	}
	return 0, false
}

// intactOld returns the records of a generation at the head of a journal of format 3 or
// 2, as they are written today: such a journal has no head, and its records no durable.
func intactOld(b []byte, generation uint64) (records []byte) {
	const head = 16
	for len(b) > head {
		length := uint64(binary.BigEndian.Uint32(b[4:]))
		if length == 0 || length > uint64(len(b)-head) || binary.BigEndian.Uint64(b[8:]) != generation {
			break
		}
		end := head + int(length)
		if crc32.Checksum(b[4:end], castagnoli) != binary.BigEndian.Uint32(b) {
			break
		}
		records = append(append(append(records, b[:head]...), 0, 0, 0, 0), b[head:end]...)
		b = b[end:]
	}
	return records
}

// readJournal reads what a store's journal holds for it. base is the least generation
// that its head must have: the one that it had when the file was last written.
func readJournal(path string, b []byte, p *pair) (records []byte, headed uint64, err error) {
	damage := func(loss, what string, args ...any) error {
		return &Damage{File: path, What: fmt.Sprintf(what, args...), Loss: loss}
	}
	if len(b) != journalFile {
		return nil, 0, damage(lossBatches, "it has %d bytes and should have %d", len(b), journalFile)
	}
	id, headed, err := readJournalHead(b)
	switch {
	case err == nil && id == p.id && onlyAnnounced(b, headed, p.generation):
		// What it holds is of before.
	case err != nil:
		return nil, 0, damage(lossBatches, "%s", err)
	case id != p.id:
		return nil, 0, damage(lossBatches, "it belongs to another store (%s) than leadgate.db (%s)", id, p.id)
	case headed < p.base:
		return nil, 0, damage(lossBatches, "it is older than leadgate.db, by %s", stepsText(p.base-headed))
	case headed > p.generation:
		return nil, 0, &Damage{File: p.path, Loss: lossSince,
			What: "it is older than leadgate.journal, by " + stepsText(headed-p.generation)}
	}
	records, later, ok := readRecords(b[journalHead:], p.generation)
	if !ok {
		return nil, 0, damage(lossBatches, "byte %d begins a record that is not whole, and byte %d one that is",
			journalHead+len(records), journalHead+later)
	}
	return records, headed, nil
}

// onlyAnnounced reports whether a journal's head says the generation after the bbolt file's
// and nothing more is of it: a crash came before the bbolt file could say it, too.
func onlyAnnounced(b []byte, headed, generation uint64) bool {
	if headed != generation+1 {
		return false
	}
	_, begun := nextRecord(b[journalHead:], 0, headed, func(record) bool { return true })
	return !begun
}
