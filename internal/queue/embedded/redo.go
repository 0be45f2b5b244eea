package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
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
	t.log = codec.AppendText(append(t.log, op), name)
}

// replay makes the changes of a journal's records, in tx and in what is seen. The records must stay as
// they are until the transaction ends.
func replay(tx *bolt.Tx, s *seen, records []byte) error {
	for len(records) > 0 {
		end := journal.RecordHead + int(binary.BigEndian.Uint32(records[4:]))
		if err := replayChanges(tx, s, records[journal.RecordHead:end]); err != nil {
			return fmt.Errorf("replaying journal: %w", err)
		}
		records = records[end:]
	}
	return nil
}

func replayChanges(tx *bolt.Tx, s *seen, changes []byte) error {
	r := codec.Reader{Rest: changes}
	for len(r.Rest) > 0 {
		op, name := r.Byte(), r.Bytes()
		if r.Err != nil {
			return r.Err
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
			n, from, id := uint32(r.Uvarint()), int64(r.Uvarint()), r.Take(uint64(len(queue.ID{})))
			if r.Err != nil {
				return r.Err
			}
			s.add(n, queue.ID(id), from, from)
			continue
		case redoForget:
			n := uint32(r.Uvarint())
			if r.Err != nil {
				return r.Err
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
			key, value := r.Bytes(), r.Bytes()
			if r.Err == nil {
				err = b.Put(key, value)
			}
		case redoDelete:
			key := r.Bytes()
			if r.Err == nil {
				err = b.Delete(key)
			}
		case redoSequence:
			err = b.SetSequence(r.Uvarint())
		default:
			err = errors.New("an operation is unknown")
		}
		if err = errors.Join(err, r.Err); err != nil {
			return err
		}
	}
	return nil
}
