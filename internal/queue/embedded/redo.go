package queue

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The changes of a record: an operation's byte and a bucket's name, then what
// the operation takes. Each says what is there afterwards and not what is added,
// so that all of them, made in order, lead to the same from anywhere between.
const (
	redoPut      = iota + 1 // key, value
	redoDelete              // key
	redoSequence            // number: the bucket's sequence
	redoMake                // the bucket
	redoRemove              // the bucket
	redoRemember            // slice, from when on, id: an id is remembered
	redoForget              // slice: its ids are forgotten
)

func (t *txn) redo(op byte, name []byte) {
	t.log = appendText(append(t.log, op), name)
}

// replay makes the changes of a journal's records, in tx and in what is seen. The records must stay as
// they are until the transaction ends.
func replay(tx *bolt.Tx, s *seen, records []byte) error {
	for len(records) > 0 {
		end := recordHead + int(binary.BigEndian.Uint32(records[4:]))
		if err := replayChanges(tx, s, records[recordHead:end]); err != nil {
			return fmt.Errorf("replaying journal: %w", err)
		}
		records = records[end:]
	}
	return nil
}

func replayChanges(tx *bolt.Tx, s *seen, changes []byte) error {
	r := reader{b: changes}
	for len(r.b) > 0 {
		op, name := r.byte(), r.bytes()
		if r.err != nil {
			return r.err
		}
		switch op {
		case redoMake:
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
			continue
		case redoRemove:
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
			continue
		case redoRemember:
			n, from, id := uint32(r.uvarint()), int64(r.uvarint()), r.take(uint64(len(ID{})))
			if r.err != nil {
				return r.err
			}
			s.add(n, ID(id), from, from)
			continue
		case redoForget:
			n := uint32(r.uvarint())
			if r.err != nil {
				return r.err
			}
			if err := s.forget(tx, n); err != nil {
				return err
			}
			continue
		}
		b := tx.Bucket(name)
		if b == nil {
			return fmt.Errorf("there is no bucket %q", name)
		}
		var err error
		switch op {
		case redoPut:
			key, value := r.bytes(), r.bytes()
			if r.err == nil {
				err = b.Put(key, value)
			}
		case redoDelete:
			key := r.bytes()
			if r.err == nil {
				err = b.Delete(key)
			}
		case redoSequence:
			err = b.SetSequence(r.uvarint())
		default:
			err = errors.New("an operation is unknown")
		}
		if err = errors.Join(err, r.err); err != nil {
			return err
		}
	}
	return nil
}
