package embedded

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// shapes are the lengths of keys and values of buckets where these are always the same; 0
// is any.
var shapes = map[string]struct{ key, value int }{
	string(seenBucket):   {4, 0},
	string(seenFilters):  {4, layerSize(seenGroupOf*seenSliceIDs, seenGroupBits)},
	string(idsBucket):    {6 + 16, 0},
	string(onceBucket):   {16, 8},
	string(onceIndex):    {8 + 16, 0},
	string(clicksIndex):  {8 + 16, 0},
	string(clicksBucket): {16, 0}, string(aliasBucket): {16, 16},
	string(msgsBucket): {4 + 16, 8 + 16}, string(countsBucket): {0, 0},
	string(destsBucket): {0, 0}, string(metaBucket): {0, 0},
	string(sharedBucket): {8, 0}, string(spentBucket): {8, 0},
	string(codesBucket): {16, 0}, string(codesIndex): {0, 0},
	string(notesBucket): {16, 0}, string(notesIndex): {8 + 16, 0},
}

var errShape = errors.New("it has not the shape of one")

// checkPair says what is wrong with a record of a bucket. Each bucket that this Leadgate
// writes has its case here: another's name is damage too.
func checkPair(bucket, key, value []byte) error {
	if kind, num := kindOf(bucket); num != 0 {
		return checkEntry(kind, bucket, key, value)
	}
	shape, known := shapes[string(bucket)]
	switch {
	case !known:
		return errors.New("the bucket is unknown")
	case shape.key > 0 && len(key) != shape.key || shape.value > 0 && len(value) != shape.value:
		return errShape
	}
	switch string(bucket) {
	case string(seenBucket):
		return checkSlice(value)
	case string(metaBucket):
		if string(key) == string(pairKey) {
			return new(pair).read(value)
		}
		if len(value) != 8 {
			return errShape
		}
	case string(countsBucket):
		if len(value) == 0 {
			return errShape
		}
	case string(destsBucket):
		record, err := judged(bucket, key, value)
		if err == nil {
			_, err = decodeDestination(record)
		}
		return err
	case string(sharedBucket):
		_, err := judged(bucket, key, value)
		return err
	case string(codesIndex):
		return checkCodeIndex(key, value)
	case string(codesBucket):
		return checkCode(key, value)
	case string(notesBucket):
		record, err := judged(bucket, key, value)
		if err == nil {
			_, _, err = codec.DecodeJournal(record)
		}
		return err
	case string(clicksBucket):
		record, err := judged(bucket, key, value)
		if err == nil {
			_, err = decodeClicks(record)
		}
		return err
	}
	return nil
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
