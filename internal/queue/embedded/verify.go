package embedded

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/pages"
)

// verify reads the whole bbolt file before bbolt does, and returns what is wrong with it:
// pages, the shape of every record, the checksums of those that have one, and whether
// there are as many entries and dead letters as their destinations count. It takes half a
// second for each gigabyte in use that is in the system's cache.
func verify(path string, file *os.File) error {
	damage := func(err error) error {
		return &Damage{File: path, What: err.Error(), Loss: "what stood there, of " + lossAll + ","}
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f, err := pages.Open(file, info.Size(), pageSize)
	if err != nil {
		return damage(err)
	}
	if err := f.Whole(); err != nil {
		return damage(err)
	}
	v := &verifier{counts: newTally()}
	if err := f.Walk(v); err != nil {
		return damage(err)
	}
	if err := v.complete(); err != nil {
		return damage(err)
	}
	return nil
}

// verifier is the visitor of a file that should be whole.
type verifier struct {
	counts tally
	names  map[string]bool
	err    error // the first record that is none
}

func (v *verifier) Bad(b pages.Bad) error { return unreadable(b) }

func (v *verifier) Bucket(name []byte, sequence uint64) error {
	if v.names == nil {
		v.names = map[string]bool{}
	}
	v.names[string(name)] = true
	v.counts.sequences[string(name)] = sequence
	return nil
}

func (v *verifier) Pair(bucket, key, value []byte) error {
	err := checkPair(bucket, key, value)
	if err == nil {
		err = v.counts.add(bucket, key, value)
	}
	if err != nil && v.err == nil {
		v.err = fmt.Errorf("%s: %w", recordText(bucket, key), err)
	}
	return nil
}

// complete says what is wrong with a file whose pages are whole. What is no file of ours,
// or of another format, open refuses.
func (v *verifier) complete() error {
	format := v.counts.format
	switch {
	case !v.names[string(metaBucket)] || format < oldestFormat || format > fileFormat:
		return nil
	case v.err != nil || format < pairedFormat:
		return v.err
	}
	for _, name := range fixedBuckets {
		if !v.names[string(name)] && format >= since[string(name)] {
			return fmt.Errorf("the place of %s is missing", bucketText(name))
		}
	}
	return v.counts.compare()
}

// since are the formats of the first files that have these buckets.
var since = map[string]uint64{string(codesBucket): 5, string(codesIndex): 5, string(notesBucket): 6, string(notesIndex): 6,
	string(factsBucket): 8}

// kindOf splits the name of a destination's bucket; num is 0 for every other.
func kindOf(bucket []byte) (kind byte, num uint32) {
	if len(bucket) != 5 {
		return 0, 0
	}
	switch kind = bucket[0]; kind {
	case entryBucket, retryBucket, departBucket, deadBucket:
		return kind, binary.BigEndian.Uint32(bucket[1:])
	}
	return 0, 0
}

// tally counts what there is of each destination, and what should be.
type tally struct {
	format    uint64
	dests     map[uint32]destination
	found     map[uint32]*struct{ entries, dead int }
	last      map[string]uint64 // key of a bucket of which keys are numbers
	sequences map[string]uint64
	letters   uint64 // the highest number of a dead letter
	uses      uses   // of what several share
	codes     codeSum
	notes     noteSum
}

func newTally() tally {
	return tally{
		dests: map[uint32]destination{}, found: map[uint32]*struct{ entries, dead int }{},
		last: map[string]uint64{}, sequences: map[string]uint64{},
	}
}

// add counts a record that was checked.
func (c *tally) add(bucket, key, value []byte) error {
	kind, num := kindOf(bucket)
	if err := c.uses.add(kind, bucket, key, value); err != nil {
		return err
	}
	if err := c.codes.add(bucket, key, value); err != nil {
		return err
	}
	c.notes.add(bucket, key, value)
	switch {
	case string(bucket) == string(sharedBucket):
		c.last[string(bucket)] = number(key)
	case string(bucket) == string(metaBucket) && string(key) == string(formatKey):
		c.format = number(value)
	case string(bucket) == string(destsBucket):
		d, err := decodeDestination(unstamped(value))
		if err != nil {
			return err
		}
		if other, ok := c.dests[d.num]; ok {
			return fmt.Errorf("destinations %q and %q have one number", other.Name, key)
		}
		tenant, name, _ := bytes.Cut(key, []byte{0})
		d.Dest = queue.Dest{Tenant: string(tenant), Name: string(name)}
		c.dests[d.num] = d
	case kind == entryBucket || kind == deadBucket:
		n := c.found[num]
		if n == nil {
			n = &struct{ entries, dead int }{}
			c.found[num] = n
		}
		if kind == deadBucket {
			n.dead++
			c.letters = max(c.letters, number(key))
			return nil
		}
		n.entries++
		c.last[string(bucket)] = number(key)
	}
	return nil
}

// compare says whether there is what should be.
func (c *tally) compare() error {
	for num, n := range c.found {
		if _, ok := c.dests[num]; !ok {
			return fmt.Errorf("of the destination with number %d there are %d entries and %d dead letters, but not what it is",
				num, n.entries, n.dead)
		}
	}
	for num, d := range c.dests {
		n := c.found[num]
		if n == nil {
			n = &struct{ entries, dead int }{}
		}
		if n.entries != d.backlog || n.dead != d.dead {
			return fmt.Errorf("of destination %s of %s there are %d entries and %d dead letters, and should be %d and %d",
				d.Name, d.Tenant, n.entries, n.dead, d.backlog, d.dead)
		}
		if uint64(num) > c.sequences[string(destsBucket)] {
			return fmt.Errorf("the number of destinations is less than that of %s", d.Name)
		}
	}
	for bucket, last := range c.last {
		if last > c.sequences[bucket] {
			return fmt.Errorf("the count of %s is behind its last record", bucketText([]byte(bucket)))
		}
	}
	if c.letters > c.sequences[string(metaBucket)] {
		return errors.New("the number of dead letters is less than that of the last one")
	}
	return cmp.Or(c.codes.compare(), c.notes.compare(), c.uses.compare())
}
