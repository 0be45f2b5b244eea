package journal

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
)

// ID is what both files of a store carry; 0 is none.
type ID [16]byte

// String is how it is shown to people: its first digits.
func (id ID) String() string { return hex.EncodeToString(id[:4]) }

// NewID makes one that no other store has.
func NewID() (id ID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// sumTable is that of all sums.
var sumTable = crc32.MakeTable(crc32.Castagnoli)

const (
	// HeadSize is how much the head takes: a page, so that no record shares one with it.
	HeadSize = 4096
	magic    = "leadgate journal"
)

// Head is what a journal's head says.
type Head struct {
	Format     uint64 // of the store's files
	ID         ID
	Generation uint64 // of the newest records
}

// Append appends a head: magic, format (4 bytes), the store's id, generation
// (8 bytes), and a CRC-32C of these.
func (h *Head) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.Format))
	dst = append(dst, h.ID[:]...)
	dst = binary.BigEndian.AppendUint64(dst, h.Generation)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst, sumTable))
}

// ReadHead reads the head of a journal; the error says what is wrong with it.
func ReadHead(b []byte) (h Head, err error) {
	const formats = len(magic)
	const ids, generations = formats + 4, formats + 4 + len(h.ID)
	const sum = generations + 8
	switch {
	case len(b) < HeadSize || string(b[:formats]) != magic:
		return h, errors.New("it does not begin as a journal does")
	case crc32.Checksum(b[:sum], sumTable) != binary.BigEndian.Uint32(b[sum:]):
		return h, errors.New("its head is damaged")
	}
	h.Format, h.Generation = uint64(binary.BigEndian.Uint32(b[formats:])), binary.BigEndian.Uint64(b[generations:])
	copy(h.ID[:], b[ids:])
	return h, nil
}
