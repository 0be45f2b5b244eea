package embedded

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/embedded/pages"
)

// base is the bbolt file from which a repair begins, seen from its best root.
type base struct {
	*pages.File
	pair
	rooted bool // there is a root
	stale  bool // it is an earlier one, and the last cannot be read
}

// newBase looks for the newest root from which all can be read, else for the newest. It
// is nil for a file that is empty.
func newBase(file *os.File) (*base, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	f, err := pages.Open(file, info.Size(), pageSize)
	if err != nil {
		f = pages.Any(file, info.Size(), pageSize)
	} else if b := rootAt(f); f.Whole() == nil && b.rooted {
		return b, nil
	}
	best := &base{File: f}
	if f.Root != 0 {
		best = rootAt(f)
	}
	for _, root := range f.Roots(string(metaBucket)) {
		if b := rootAt(f.At(root)); b.rooted && (!best.rooted || b.generation > best.generation) {
			b.stale = best.stale || f.Root != 0 && !best.rooted
			best = b
		}
	}
	return best, nil
}

// rootAt reads what a root says of the store.
func rootAt(f *pages.File) *base {
	b := &base{File: f}
	_ = f.WalkOnly(string(metaBucket), (*rootVisitor)(b))
	return b
}

// rootVisitor reads the meta bucket alone.
type rootVisitor base

func (v *rootVisitor) Bucket([]byte, uint64) error { return nil }
func (v *rootVisitor) Bad(pages.Bad) error         { return nil }

func (v *rootVisitor) Pair(bucket, key, value []byte) error {
	if string(bucket) != string(metaBucket) {
		return nil
	}
	switch string(key) {
	case string(formatKey):
		v.format, v.rooted = number(value), true
	case string(pairKey):
		_ = v.pair.read(value)
	case string(generationKey):
		v.generation = number(value)
	}
	return nil
}

// hole is a part of a bucket that could not be read.
type hole struct {
	bucket   string
	from, to []byte
}

// copyBase copies every record that can be read.
func (r *repair) copyBase(b *base) error {
	if !b.rooted {
		r.uncounted("the list of the buckets in leadgate.db cannot be read: entries were looked for page by page")
		r.holes, r.unnamed = append(r.holes, hole{}), true
		return nil
	}
	if b.stale {
		r.holes, r.unnamed = append(r.holes, hole{}), true
	}
	return b.Walk((*copier)(r))
}

// copier is the visitor that fills the new file.
type copier repair

func (c *copier) Bad(b pages.Bad) error {
	r := (*repair)(c)
	r.holes = append(r.holes, hole{string(b.Bucket), b.From, b.To})
	r.unnamed = r.unnamed || b.Bucket == nil || string(b.Bucket) == string(aliasBucket)
	r.damaged(r.path + ": " + unreadable(b).Error())
	return nil
}

// derived says of which buckets the contents follow from others.
func derived(bucket []byte) bool {
	switch string(bucket) {
	case string(onceIndex), string(clicksIndex), string(codesIndex), string(notesIndex), string(seenFilters):
		return true
	}
	return false
}

func (c *copier) Bucket(name []byte, sequence uint64) error {
	if derived(name) {
		return nil
	}
	if kind, num := kindOf(name); num == 0 && kind == 0 && !known(name) {
		return nil
	}
	b, err := c.tx.CreateBucketIfNotExists(name)
	if err != nil {
		return err
	}
	return b.SetSequence(max(b.Sequence(), sequence))
}

func known(bucket []byte) bool {
	_, ok := shapes[string(bucket)]
	return ok
}

func (c *copier) Pair(bucket, key, value []byte) error {
	r := (*repair)(c)
	if derived(bucket) || string(bucket) == string(metaBucket) {
		return nil
	}
	if err := checkPair(bucket, key, value); err != nil {
		r.lose(bucket, key)
		r.damaged(fmt.Sprintf("%s: %s: %s", r.path, recordText(bucket, key), err))
		return nil
	}
	if err := r.room(len(key) + len(value)); err != nil {
		return err
	}
	b := r.tx.Bucket(bucket)
	b.FillPercent = 0.9
	return b.Put(key, value)
}

// fillHoles looks for what stood where the tree could not be read: in leaves that lie
// anywhere in the file. They may be older ones, so what is found of a destination is taken
// from its newest on, and no more than it lacks.
func (r *repair) fillHoles(b *base) error {
	if b == nil || len(r.holes) == 0 {
		return nil
	}
	counts, err := r.tally()
	if err != nil {
		return err
	}
	names := r.suspects(&counts)
	found := map[string]map[string][]byte{}
	b.Scan(func(_ uint64, elems []pages.Elem) {
		for _, e := range elems {
			for _, name := range names {
				if r.inHole(name, e.Key) && isOf(name, e.Key, e.Value) && better(found[name][string(e.Key)], e.Value) {
					if found[name] == nil {
						found[name] = map[string][]byte{}
					}
					found[name][string(e.Key)] = bytes.Clone(e.Value)
				}
			}
		}
	})
	for name, records := range found {
		if err := r.putFound(&counts, name, records); err != nil {
			return err
		}
	}
	return nil
}

// suspects are the buckets whose records may lie elsewhere.
func (r *repair) suspects(counts *tally) (names []string) {
	names = append(names, string(destsBucket), string(clicksBucket), string(msgsBucket), string(onceBucket),
		string(codesBucket), string(notesBucket), string(factsBucket), string(seenBucket), string(sharedBucket))
	last := uint32(64)
	for num := range counts.dests {
		last = max(last, num)
	}
	for num := uint32(1); num <= last; num++ {
		names = append(names, string(bucketName(nil, entryBucket, num)), string(bucketName(nil, deadBucket, num)))
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(r.holes, func(h hole) bool { return h.bucket == "" || h.bucket == name })
	})
}

func (r *repair) inHole(bucket string, key []byte) bool {
	return slices.ContainsFunc(r.holes, func(h hole) bool {
		return h.bucket == "" || h.bucket == bucket && bytes.Compare(key, h.from) >= 0 && (h.to == nil || bytes.Compare(key, h.to) < 0)
	})
}

// isOf reports whether a record that lay somewhere is one of a bucket: its checksum, which
// takes the bucket's name in, says so.
func isOf(bucket string, key, value []byte) bool {
	if bucket == string(seenBucket) {
		return len(key) == 4 && len(value) > seenHead && len(withoutSum(value)) < len(value) && checkSlice(value) == nil
	}
	record, err := checked([]byte(bucket), key, value)
	return err == nil && len(record) < len(value)
}

// better reports whether of two records of a key the second is the newer one.
func better(old, value []byte) bool { return len(value) > len(old) }

// putFound stores what was found of a bucket, and lacks.
func (r *repair) putFound(counts *tally, name string, records map[string][]byte) error {
	b, err := r.tx.CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(records))
	for key := range records {
		if b.Get([]byte(key)) == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if kind, num := kindOf([]byte(name)); kind != 0 {
		if d, ok := counts.dests[num]; ok {
			keys = keys[max(len(keys)-counts.lacks(kind, &d), 0):]
		}
	}
	for _, key := range keys {
		value := records[key]
		if err := b.Put([]byte(key), value); err != nil {
			return err
		}
	}
	return nil
}

// lacks is how many records of a kind a destination has fewer than it counts.
func (c *tally) lacks(kind byte, d *destination) int {
	n := c.found[d.num]
	if n == nil {
		n = &struct{ entries, dead int }{}
	}
	if kind == deadBucket {
		return max(d.dead-n.dead, 0)
	}
	return max(d.backlog-n.entries, 0)
}

// tally counts what the new file has.
func (r *repair) tally() (tally, error) {
	counts := newTally()
	err := r.tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		counts.sequences[string(name)] = b.Sequence()
		return b.ForEach(func(key, value []byte) error { _ = counts.add(name, key, value); return nil })
	})
	return counts, err
}

// tenantOf is the tenant of an entry of which only the destination's number is known.
func tenantOf(record []byte) string {
	_, payload, err := codec.DecodeHeader(record)
	var event struct {
		TenantID string `json:"tenantId"`
	}
	if err == nil && json.NewDecoder(io.LimitReader(bytes.NewReader(payload), 1<<20)).Decode(&event) == nil && event.TenantID != "" {
		return strings.Clone(event.TenantID)
	}
	return queue.Unmatched.Tenant
}
