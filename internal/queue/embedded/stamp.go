package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Bbolt has a checksum of its two meta pages alone. So the records carry one, but for those
// of which all follows from others, and what is known of attempts. A stamped record is the
// stamp's byte, a CRC-32C of the bucket's name, the key and the record, and the record
// itself. One of a file that was of format 3 has no stamp until it is written again, nor
// have once keys, messages and counters of format 6: no record begins with that byte, but
// with its version, its time, or its kind. Aliases without one stand in slice 0.
const (
	stampByte = 0xc4
	stampSize = 1 + 4
)

// stamped says which buckets' values are stamped.
func stamped(bucket []byte) bool {
	if len(bucket) == 5 && (bucket[0] == entryBucket || bucket[0] == departBucket || bucket[0] == deadBucket) {
		return true
	}
	switch string(bucket) {
	case string(destsBucket), string(clicksBucket), string(sharedBucket), string(codesBucket), string(notesBucket),
		string(aliasBucket), string(msgsBucket), string(onceBucket), string(countsBucket), string(factsBucket):
		return true
	}
	return false
}

func stampOf(bucket, key, record []byte) uint32 {
	sum := crc32.Update(crc32.Update(0, castagnoli, bucket), castagnoli, key)
	return crc32.Update(sum, castagnoli, record)
}

// putStamped stores a record of a stamped bucket.
func (t *txn) putStamped(tb *table, key, record []byte) error {
	t.writes++
	t.redo(redoPut, tb.name)
	t.log = codec.AppendText(t.log, key)
	t.log = binary.AppendUvarint(t.log, uint64(stampSize+len(record)))
	from := len(t.log)
	t.log = append(slices.Grow(t.log, stampSize+len(record)), stampByte)
	t.log = binary.BigEndian.AppendUint32(t.log, stampOf(tb.name, key, record))
	t.log = append(t.log, record...)
	return tb.b.Put(key, t.log[from:len(t.log):len(t.log)]) // as in put
}

// unstamped is the record in a value that was checked before, or is checked later.
func unstamped(value []byte) []byte {
	if len(value) >= stampSize && value[0] == stampByte {
		return value[stampSize:]
	}
	return value
}

// errStamp says what is wrong with a value that is not what was written.
var errStamp = errors.New("its checksum is wrong")

// checked is the record in a value.
func checked(bucket, key, value []byte) ([]byte, error) {
	record, err := judged(bucket, key, value)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: stop the edge, and run `caddy leadgate repair`", recordText(bucket, key))
	}
	return record, nil
}

// judged is checked for those who name the record themselves, and know what to do.
func judged(bucket, key, value []byte) ([]byte, error) {
	if len(value) < stampSize || value[0] != stampByte || string(bucket) == string(aliasBucket) && len(key) < placeSize {
		return value, nil // of an older format
	}
	record := value[stampSize:]
	if stampOf(bucket, key, record) != binary.BigEndian.Uint32(value[1:]) {
		return nil, errStamp
	}
	return record, nil
}
