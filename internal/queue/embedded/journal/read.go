package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Record is a record's head, as it stands at a place of a journal.
type Record struct {
	Length  int
	durable int
}

// At reads the record of a generation at a place; ok is false where none is whole.
func At(b []byte, at int, generation uint64) (r Record, ok bool) {
	rest := b[at:]
	if len(rest) < RecordHead || binary.BigEndian.Uint64(rest[8:]) != generation {
		return Record{}, false
	}
	length := uint64(binary.BigEndian.Uint32(rest[4:]))
	if length > uint64(len(rest)-RecordHead) {
		return Record{}, false
	}
	r = Record{Length: int(length), durable: int(binary.BigEndian.Uint32(rest[16:]))}
	ok = crc32.Checksum(rest[4:RecordHead+r.Length], sumTable) == binary.BigEndian.Uint32(rest)
	return r, ok && (r.Length > 0 || r.durable == at)
}

// Records returns the records of a generation at the head of a journal's records. What
// follows was never acknowledged, or is void. Where it was, since a later record or a mark
// says so, the journal is damaged, and damaged is where.
//
// A record that a power failure tore may have a whole one behind it, if neither was synced.
func Records(b []byte, generation uint64) (records []byte, damaged int, ok bool) {
	at := 0
	for {
		r, ok := At(b, at, generation)
		if ok && r.Length == 0 {
			return b[:at], 0, true
		}
		if !ok {
			break
		}
		at += RecordHead + r.Length
	}
	if later, found := Find(b, at, generation, func(r Record) bool { return r.durable > at }); found {
		return b[:at], later, false
	}
	return b[:at], 0, true
}

// Find looks for the first whole record or mark from a place on that has what is
// asked for.
func Find(b []byte, from int, generation uint64, has func(Record) bool) (at int, found bool) {
	sign := binary.BigEndian.AppendUint64(nil, generation)
	for at = from; at+RecordHead <= len(b); at++ {
		n := bytes.Index(b[at+8:], sign)
		if n < 0 {
			return 0, false
		}
		at += n
		if r, ok := At(b, at, generation); ok && has(r) {
			return at, true
		}
	}
	return 0, false
}

// OldRecords returns the records of a generation at the head of a journal of format 3 or
// 2, as they are written today: such a journal has no head, and its records no durable.
func OldRecords(b []byte, generation uint64) (records []byte) {
	const head = 16
	for len(b) > head {
		length := uint64(binary.BigEndian.Uint32(b[4:]))
		if length == 0 || length > uint64(len(b)-head) || binary.BigEndian.Uint64(b[8:]) != generation {
			break
		}
		end := head + int(length)
		if crc32.Checksum(b[4:end], sumTable) != binary.BigEndian.Uint32(b) {
			break
		}
		records = append(append(append(records, b[:head]...), 0, 0, 0, 0), b[head:end]...)
		b = b[end:]
	}
	return records
}

// OnlyAnnounced reports whether a journal's head says the generation after the bbolt file's
// and nothing more is of it: a crash came before the bbolt file could say it, too.
func OnlyAnnounced(b []byte, headed, generation uint64) bool {
	if headed != generation+1 {
		return false
	}
	_, begun := Find(b[HeadSize:], 0, headed, func(Record) bool { return true })
	return !begun
}
