package embedded

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// shapes are the lengths of keys and values of buckets where these are always the same; 0
// is any. Of values without their stamps, if they have one.
var shapes = map[string]struct{ key, value int }{
	string(seenBucket):   {4, 0},
	string(seenFilters):  {4, layerSize(seenGroupOf*seenSliceIDs, seenGroupBits)},
	string(idsBucket):    {6 + 16, 0},
	string(onceBucket):   {16, 8},
	string(onceIndex):    {8 + 16, 0},
	string(clicksIndex):  {0, 0}, // time, and a place's key
	string(clicksBucket): {0, 0}, // a place's key
	string(aliasBucket):  {0, 0}, // a place's key
	string(msgsBucket):   {4 + 16, 8 + 16}, string(countsBucket): {0, 0},
	string(destsBucket): {0, 0}, string(metaBucket): {0, 0},
	string(sharedBucket): {8, 0}, string(spentBucket): {8, 0},
	string(codesBucket): {16, 0}, string(codesIndex): {0, 0},
	string(notesBucket): {0, 0}, string(notesIndex): {0, 0}, // as clicks
	string(factsBucket): {0, 0},
}

var errShape = errors.New("it has not the shape of one")

// checkPair says what is wrong with a record of a bucket. Each bucket that this Leadgate
// writes has its case here: another's name is damage too.
func checkPair(bucket, key, value []byte) error {
	if kind, num := kindOf(bucket); num != 0 {
		return checkEntry(kind, bucket, key, value)
	}
	shape, known := shapes[string(bucket)]
	if !known {
		return errors.New("the bucket is unknown")
	}
	record := value
	if stamped(bucket) {
		var err error
		if record, err = judged(bucket, key, value); err != nil {
			return err
		}
	}
	if shape.key > 0 && len(key) != shape.key || shape.value > 0 && len(record) != shape.value {
		return errShape
	}
	return checkRecord(bucket, key, record)
}

// checkRecord is checkPair for a record whose checksum is right.
func checkRecord(bucket, key, record []byte) (err error) {
	switch string(bucket) {
	case string(seenBucket):
		return checkSlice(record)
	case string(metaBucket):
		if string(key) == string(pairKey) {
			return new(pair).read(record)
		}
		if len(record) != 8 {
			return errShape
		}
	case string(countsBucket):
		if len(record) == 0 {
			return errShape
		}
	case string(destsBucket):
		_, err = decodeDestination(record)
	case string(codesIndex):
		return checkCodeIndex(key, record)
	case string(codesBucket):
		return checkCode(key, record)
	case string(notesBucket):
		if _, _, err = codec.DecodeJournal(record); err == nil && !isPlace(key) {
			err = errShape
		}
	case string(factsBucket):
		err = checkFact(key, record)
	case string(clicksBucket):
		if _, err = decodeClicks(record); err == nil && !isPlace(key) {
			err = errShape
		}
	case string(clicksIndex), string(notesIndex):
		if len(key) < 8 || !isPlace(key[8:]) {
			return errShape
		}
	case string(aliasBucket):
		if !isPlace(key) || len(record) != len(codec.KeyHash{}) {
			return errShape
		}
	}
	return err
}

// isPlace reports whether a key is one of a slice, or of slice 0.
func isPlace(key []byte) bool {
	return len(key) == len(codec.KeyHash{}) || len(key) == placeSize && placeOf(key).slice > 0
}

// checkEntry is checkPair for an entry, a dead letter, a retry state or a departure. What
// has a stamp need not be decoded.
func checkEntry(kind byte, bucket, key, value []byte) error {
	if len(key) != 8 && (kind != departBucket || len(key) != departKey) {
		return errShape
	}
	record, err := judged(bucket, key, value)
	stamped := len(record) < len(value)
	switch {
	case err != nil:
		return err
	case kind == retryBucket:
		_, err = codec.DecodeRetry(value)
	case kind == departBucket:
		_, err = codec.DecodeDeparture(record)
	case kind == deadBucket && !stamped:
		if _, record, err = codec.DecodeDeath(record); err == nil {
			_, _, err = codec.DecodeHeader(record)
		}
	case kind == entryBucket && !stamped:
		_, _, err = codec.DecodeHeader(record)
	}
	return err
}

// checkSlice checks a slice of ids. In a file of format 3 it has no checksum.
func checkSlice(value []byte) error {
	if len(value) < seenHead {
		return errShape
	}
	body := withoutSum(value)
	switch len(value) - len(body) {
	case 0:
		return nil
	case 4:
		if crc32.Checksum(body, castagnoli) == binary.BigEndian.Uint32(value[len(body):]) {
			return nil
		}
		return errStamp
	}
	return errShape
}
