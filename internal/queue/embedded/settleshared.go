package embedded

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// shares makes what is shared and what refers to it fit together again: a reference to
// what is lost is lost, and what nobody refers to goes.
func (r *repair) shares() error {
	found := map[uint64]uint64{}
	shared := r.tx.Bucket(sharedBucket)
	err := r.eachReference(func(num uint32, ref *reference) (change bool) {
		if usesOf(shared, ref.number) == 0 {
			r.dangling[num]++
			return true
		}
		found[ref.number]++
		return false
	}, nil)
	if err != nil {
		return err
	}
	more := map[uint64]uint64{} // of which there are more references than were made: some came again
	var unused [][]byte
	err = shared.ForEach(func(key, _ []byte) error {
		switch n := number(key); {
		case found[n] == 0:
			unused = append(unused, bytes.Clone(key))
		case found[n] > usesOf(shared, n):
			more[n] = found[n]
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range unused {
		if err := shared.Delete(key); err != nil {
			return err
		}
	}
	if err := r.raiseUses(more); err != nil {
		return err
	}
	return r.spend(found)
}

// usesOf is how many references of a shared record were made; 0 if it is not there.
func usesOf(shared *bolt.Bucket, number uint64) uint64 {
	n, _ := binary.Uvarint(unstamped(shared.Get(sequence(number))))
	return n
}

// eachReference calls f with the references that entries and dead letters are, and puts
// what replace makes of those for which it returns true; nil drops them.
func (r *repair) eachReference(f func(num uint32, ref *reference) bool, replace func(*reference)) error {
	return r.tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		kind, num := kindOf(name)
		if kind != entryBucket && kind != deadBucket {
			return nil
		}
		changed := map[string][]byte{}
		err := b.ForEach(func(key, value []byte) error {
			whole := unstamped(value)
			record := whole
			if kind == deadBucket {
				_, record, _ = codec.DecodeDeath(whole)
			}
			if !isReference(record) {
				return nil
			}
			ref, err := readReference(record)
			if err != nil || f(num, &ref) {
				changed[string(key)] = nil
				if err == nil && replace != nil {
					replace(&ref)
					changed[string(key)] = appendReference(bytes.Clone(whole[:len(whole)-len(record)]), &ref)
				}
			}
			return nil
		})
		for key, record := range changed {
			if err == nil && record == nil {
				err = b.Delete([]byte(key))
			} else if err == nil {
				err = putRecord(b, name, []byte(key), record)
			}
		}
		return err
	})
}

// raiseUses has what is shared say that it has so many references, and these too.
func (r *repair) raiseUses(more map[uint64]uint64) error {
	if len(more) == 0 {
		return nil
	}
	shared := r.tx.Bucket(sharedBucket)
	for n, uses := range more {
		key := sequence(n)
		old := unstamped(shared.Get(key))
		_, size := binary.Uvarint(old)
		if err := putRecord(shared, sharedBucket, key, append(binary.AppendUvarint(nil, uses), old[size:]...)); err != nil {
			return err
		}
	}
	return r.eachReference(func(_ uint32, ref *reference) bool { return more[ref.number] > 0 },
		func(ref *reference) { ref.uses = more[ref.number] })
}

// spend stores how many references of each are gone.
func (r *repair) spend(found map[uint64]uint64) error {
	if err := r.tx.DeleteBucket(spentBucket); err != nil {
		return err
	}
	spent, err := r.tx.CreateBucket(spentBucket)
	if err != nil {
		return err
	}
	shared := r.tx.Bucket(sharedBucket)
	for n, count := range found {
		if gone := usesOf(shared, n) - count; gone > 0 {
			if err := spent.Put(sequence(n), binary.AppendUvarint(nil, gone)); err != nil {
				return err
			}
		}
	}
	return nil
}

// whole is a record, or what it refers to.
func (r *repair) whole(record []byte) []byte {
	if ref, err := readReference(record); err == nil && isReference(record) {
		shared := unstamped(r.tx.Bucket(sharedBucket).Get(sequence(ref.number)))
		if _, n := binary.Uvarint(shared); n > 0 {
			return shared[n:]
		}
	}
	return record
}
