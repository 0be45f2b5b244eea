package embedded

import (
	"encoding/binary"
	"errors"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// uses finds out whether what is shared, less what is spent, is what is referred to, of
// each number as often. There may be millions of them, so they are not listed: each use
// adds a number that looks random, each that is gone and each reference takes it off, and
// in the end nothing must be left.
type uses struct{ left uint64 }

// add adds a record of any bucket, which was checked.
func (u *uses) add(kind byte, bucket, key, value []byte) error {
	switch {
	case kind == entryBucket || kind == deadBucket:
		record := unstamped(value)
		if kind == deadBucket {
			var err error
			if _, record, err = codec.DecodeDeath(record); err != nil {
				return err
			}
		}
		if !isReference(record) {
			return nil
		}
		ref, err := readReference(record)
		u.left -= scattered(ref.number)
		return err
	case string(bucket) == string(sharedBucket):
		n, size := binary.Uvarint(unstamped(value))
		u.left += n * scattered(number(key))
		if size <= 0 || n == 0 {
			return errShape
		}
	case string(bucket) == string(spentBucket):
		n, size := binary.Uvarint(value)
		u.left -= n * scattered(number(key))
		if size != len(value) || n == 0 {
			return errShape
		}
	}
	return nil
}

func (u *uses) compare() error {
	if u.left != 0 {
		return errors.New("what several destinations share is not what they refer to")
	}
	return nil
}

// scattered makes numbers that follow each other look random.
func scattered(n uint64) uint64 {
	n = (n + 1) * 0x9E3779B97F4A7C15
	n = (n ^ n>>30) * 0xBF58476D1CE4E5B9
	n = (n ^ n>>27) * 0x94D049BB133111EB
	return n ^ n>>31
}
