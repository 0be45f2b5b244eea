package embedded

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// settle makes what was saved a whole store: indexes, counters and sequences follow from
// the records that are there.
func (r *repair) settle() error {
	if err := r.index(); err != nil {
		return fmt.Errorf("making indexes: %w", err)
	}
	if err := r.shares(); err != nil {
		return fmt.Errorf("counting what is shared: %w", err)
	}
	counts, err := r.tally()
	if err != nil {
		return err
	}
	if err := r.nameless(&counts); err != nil {
		return err
	}
	if err := r.recount(&counts); err != nil {
		return err
	}
	return r.sequences(&counts)
}

// index makes the indexes.
func (r *repair) index() error {
	once := r.tx.Bucket(onceIndex)
	err := r.tx.Bucket(onceBucket).ForEach(func(key, value []byte) error {
		return once.Put(timeKey(int64(number(unstamped(value))), key), nil)
	})
	if err != nil {
		return err
	}
	if err := r.indexClicks(); err != nil {
		return err
	}
	if err := cmp.Or(r.indexCodes(), r.indexNotes()); err != nil {
		return err
	}
	if ids := r.tx.Bucket(idsBucket); ids != nil {
		r.report.IDs += ids.Inspect().KeyN
	}
	return r.tx.Bucket(seenBucket).ForEach(func(_, value []byte) error {
		r.report.IDs += (len(value) - seenHead) / len(queue.ID{})
		return nil
	})
}

// indexCodes makes the index of codes, with what it counts.
func (r *repair) indexCodes() error {
	x, codes := r.tx.Bucket(codesIndex), r.tx.Bucket(codesBucket)
	var twins [][]byte // one that was removed, and was found where nothing could be read
	err := codes.ForEach(func(key, value []byte) error {
		row, err := decodeCode(unstamped(value))
		if err != nil {
			return err
		}
		if x.Get(indexKey(drawnIndex, row.key[:])) != nil {
			twins = append(twins, bytes.Clone(key))
			return nil
		}
		r.report.Codes++
		if key := row.counted(); key != nil {
			if err := x.Put(key, sequence(number(x.Get(key))+1)); err != nil {
				return err
			}
		}
		return row.indexed(x.Put)
	})
	for _, key := range twins {
		err = cmp.Or(err, codes.Delete(key))
	}
	return err
}

// nameless gives records of which the destination is lost to one of another name, which
// shows as removed, and can be moved.
func (r *repair) nameless(counts *tally) error {
	for num, n := range counts.found {
		if _, ok := counts.dests[num]; ok {
			continue
		}
		tenant := ""
		for _, kind := range []byte{deadBucket, entryBucket} {
			b := r.tx.Bucket(bucketName(nil, kind, num))
			if b == nil {
				continue
			}
			if _, value := b.Cursor().First(); value != nil {
				record := unstamped(value)
				if kind == deadBucket {
					_, record, _ = codec.DecodeDeath(record)
				}
				tenant = tenantOf(r.whole(record))
			}
		}
		d := destination{Dest: queue.Dest{Tenant: tenant, Name: fmt.Sprintf("recovered-%d", num)}, num: num, backlog: n.entries, dead: n.dead}
		counts.dests[num] = d
		r.uncounted(fmt.Sprintf("it is lost whose %d records are: they are now those of destination %s, "+
			"to be moved (`POST /leadgate/destinations/%s/move`)",
			n.entries+n.dead, d.Name, d.Name))
	}
	return nil
}

// recount stores what each destination has, and tells.
func (r *repair) recount(counts *tally) error {
	dests := r.tx.Bucket(destsBucket)
	list := make([]destination, 0, len(counts.dests))
	for _, d := range counts.dests {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b destination) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Tenant, b.Tenant))
	})
	for _, d := range list {
		expected, n := d.backlog+d.dead, counts.found[d.num]
		d.backlog, d.dead = 0, 0
		if n != nil {
			d.backlog, d.dead = n.entries, n.dead
		}
		if err := r.strayRetries(d.num); err != nil {
			return err
		}
		r.tell(d.Dest, expected, d.backlog, d.dead, r.lostOf(d.num)+r.dangling[d.num])
		if err := putRecord(dests, destsBucket, destKey(d.Dest), appendDestination(nil, &d)); err != nil {
			return err
		}
	}
	return nil
}

// strayRetries removes what is known of attempts of entries that are not there.
func (r *repair) strayRetries(num uint32) error {
	retries, entries := r.tx.Bucket(bucketName(nil, retryBucket, num)), r.tx.Bucket(bucketName(nil, entryBucket, num))
	if retries == nil {
		return nil
	}
	var stray [][]byte
	err := retries.ForEach(func(key, _ []byte) error {
		if entries == nil || entries.Get(key) == nil {
			stray = append(stray, bytes.Clone(key))
		}
		return nil
	})
	for _, key := range stray {
		err = cmp.Or(err, retries.Delete(key))
	}
	return err
}

// sequences are behind nothing that is there; the bytes are those that are.
func (r *repair) sequences(counts *tally) error {
	var size int64
	err := r.tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		kind, _ := kindOf(name)
		if kind != entryBucket && kind != deadBucket && string(name) != string(sharedBucket) {
			return nil
		}
		return b.ForEach(func(_, value []byte) error { size += cost(unstamped(value)); return nil })
	})
	if err != nil {
		return err
	}
	last := map[string]uint64{string(metaBucket): counts.letters}
	for num := range counts.dests {
		last[string(destsBucket)] = max(last[string(destsBucket)], uint64(num))
	}
	maps.Copy(last, counts.last)
	for name, n := range last {
		b := r.tx.Bucket([]byte(name))
		if err := b.SetSequence(max(b.Sequence(), n)); err != nil {
			return err
		}
	}
	return r.tx.Bucket(metaBucket).Put(bytesKey, sequence(uint64(size)))
}
