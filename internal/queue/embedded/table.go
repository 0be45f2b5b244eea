package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// table is a bucket of the open transaction. It is changed by the transaction's
// methods alone, which write down each change for the journal.
type table struct {
	b    *bolt.Bucket
	c    *bolt.Cursor // for get: a cursor of its own would be garbage each time
	name []byte
}

func (tb *table) get(key []byte) []byte {
	if found, value := tb.c.Seek(key); bytes.Equal(found, key) {
		return value
	}
	return nil
}

func (tb *table) has(key []byte) bool {
	found, _ := tb.c.Seek(key)
	return bytes.Equal(found, key)
}

// nearlySequential is how full a page is left of keys that grow, but for a few
// that come late.
const nearlySequential = 0.6

// fills is how full pages are left when they are split, where that is not half.
var fills = map[string]float64{
	string(onceIndex):    nearlySequential,
	string(clicksIndex):  nearlySequential,
	string(msgsBucket):   nearlySequential,
	string(spentBucket):  nearlySequential,
	string(sharedBucket): 1,
}

// table returns a bucket, nil if it isn't there.
func (t *txn) table(name []byte) *table {
	if tb := t.tables[string(name)]; tb != nil {
		return tb
	}
	b := t.tx.Bucket(name)
	if b == nil {
		return nil
	}
	if fill, ok := fills[string(name)]; ok {
		b.FillPercent = fill
	}
	return t.keep(b, name)
}

func (t *txn) keep(b *bolt.Bucket, name []byte) *table {
	tb := &table{b: b, c: b.Cursor(), name: bytes.Clone(name)}
	t.tables[string(name)] = tb
	return tb
}

// put stores a copy of value.
func (t *txn) put(tb *table, key, value []byte) error {
	t.writes++
	t.redo(redoPut, tb.name)
	t.log = codec.AppendText(t.log, key)
	t.log = codec.AppendText(t.log, value)
	// bbolt keeps the value until the transaction ends, as the log does.
	return tb.b.Put(key, t.log[len(t.log)-len(value):len(t.log):len(t.log)])
}

func (t *txn) delete(tb *table, key []byte) error {
	t.writes++
	t.redo(redoDelete, tb.name)
	t.log = codec.AppendText(t.log, key)
	return tb.b.Delete(key)
}

// next counts the bucket's sequence on.
func (t *txn) next(tb *table) (uint64, error) {
	n := tb.b.Sequence() + 1
	return n, t.counted(tb, n)
}

// counted sets the bucket's sequence.
func (t *txn) counted(tb *table, n uint64) error {
	t.writes++
	t.redo(redoSequence, tb.name)
	t.log = binary.AppendUvarint(t.log, n)
	return tb.b.SetSequence(n)
}

// The kinds of a destination's buckets.
const (
	entryBucket  = 'e'
	retryBucket  = 'r'
	departBucket = 'n'
	deadBucket   = 'x'
)

func bucketName(dst []byte, kind byte, num uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst[:0], kind), num)
}

// bucket returns one of a destination's buckets, nil if it isn't there.
func (t *txn) bucket(kind byte, num uint32) *table {
	var name [5]byte
	tb := t.table(bucketName(name[:0], kind, num))
	if tb != nil {
		tb.b.FillPercent = 1 // keys only grow
	}
	return tb
}

// needBucket is like bucket, but makes it.
func (t *txn) needBucket(kind byte, num uint32) (*table, error) {
	if tb := t.bucket(kind, num); tb != nil {
		return tb, nil
	}
	t.writes++
	name := bucketName(nil, kind, num)
	t.redo(redoMake, name)
	b, err := t.tx.CreateBucket(name)
	if err != nil {
		return nil, fmt.Errorf("making bucket: %w", err)
	}
	b.FillPercent = 1
	return t.keep(b, name), nil
}

// removeBucket deletes one of a destination's buckets, if it is there.
func (t *txn) removeBucket(kind byte, num uint32) error {
	tb := t.bucket(kind, num)
	if tb == nil {
		return nil
	}
	t.writes++
	delete(t.tables, string(tb.name))
	t.redo(redoRemove, tb.name)
	return t.tx.DeleteBucket(tb.name)
}
