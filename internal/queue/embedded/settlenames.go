package embedded

import (
	"bytes"
	"maps"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// indexClicks makes the index of clicks, and, where aliases are lost, those that clicks
// name and that lead to nobody. Of what was found where nothing could be read, some may
// have been moved or taken over since.
func (r *repair) indexClicks() error {
	clicks, aliases, x := r.tx.Bucket(clicksBucket), r.tx.Bucket(aliasBucket), r.tx.Bucket(clicksIndex)
	taken, err := newestOnly(clicks, func(place) bool { return true })
	if err != nil {
		return err
	}
	var buf [placeSize]byte
	led, err := newestOnly(aliases, func(alias place) bool {
		to, _ := aliasLeads(aliases.Get(alias.key(buf[:0])))
		return clicks.Get(alias.beside(to).key(buf[:0])) != nil
	})
	if err != nil {
		return err
	}
	maps.Copy(taken, led)
	return clicks.ForEach(func(key, value []byte) error {
		rec, err := decodeClicks(unstamped(value))
		if err != nil {
			return err
		}
		r.report.Clicks++
		rec.at = placeOf(key)
		for _, m := range rec.aliases {
			if _, ok := taken[m]; ok || !r.unnamed {
				continue
			}
			taken[m] = rec.at.slice
			if err := putAlias(aliases, rec.at.beside(m), rec.at.hash); err != nil {
				return err
			}
		}
		return x.Put(clickTimeKey(rec), nil)
	})
}

func putAlias(aliases *bolt.Bucket, alias place, contact codec.KeyHash) error {
	if alias.slice == 0 {
		return aliases.Put(alias.key(nil), bytes.Clone(contact[:]))
	}
	return putRecord(aliases, aliasBucket, alias.key(nil), contact[:])
}

// newestOnly removes from a bucket of places what stands in a newer slice too, and what is
// not good. It returns what is left.
func newestOnly(b *bolt.Bucket, good func(place) bool) (newest map[codec.KeyHash]uint32, err error) {
	newest = map[codec.KeyHash]uint32{}
	var stale [][]byte
	err = b.ForEach(func(key, _ []byte) error {
		at := placeOf(key)
		if slice, twice := newest[at.hash]; !good(at) {
			stale = append(stale, bytes.Clone(key))
		} else if !twice {
			newest[at.hash] = at.slice
		} else {
			newest[at.hash] = max(slice, at.slice)
			stale = append(stale, place{min(slice, at.slice), at.hash}.key(nil))
		}
		return nil
	})
	for _, key := range stale {
		if err == nil {
			err = b.Delete(key)
		}
	}
	return newest, err
}
