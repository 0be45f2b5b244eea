package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// audit checks that what is shared, spent and counted is what is there.
func audit(t testing.TB, e *Store) {
	t.Helper()
	check := func(tx *bolt.Tx) error {
		auditNames(t, tx)
		found, uses := map[uint64]uint64{}, map[uint64]uint64{}
		var size int64
		err := tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			dead := len(name) == 5 && name[0] == deadBucket
			if !dead && (len(name) != 5 || name[0] != entryBucket) {
				return nil
			}
			return b.ForEach(func(_, value []byte) (err error) {
				record := unstamped(value)
				size += cost(record)
				if dead {
					if _, record, err = codec.DecodeDeath(record); err != nil {
						return err
					}
				}
				if !isReference(record) {
					return nil
				}
				ref, err := readReference(record)
				found[ref.number]++
				uses[ref.number] = ref.uses
				return err
			})
		})
		if err != nil {
			return err
		}
		shared, spent := tx.Bucket(sharedBucket), tx.Bucket(spentBucket)
		if err := shared.ForEach(func(key, value []byte) error {
			size += cost(unstamped(value))
			gone, _ := binary.Uvarint(spent.Get(key))
			if made, _ := binary.Uvarint(unstamped(value)); made != uses[number(key)] {
				t.Errorf("payload %d has %d uses, and %d are referred to", number(key), made, uses[number(key)])
			}
			if n := number(key); found[n] == 0 || found[n]+gone != uses[n] {
				t.Errorf("payload %d: %d of %d references are there and %d spent", n, found[n], uses[n], gone)
			}
			return nil
		}); err != nil {
			return err
		}
		for n := range found {
			if shared.Get(sequence(n)) == nil {
				t.Errorf("payload %d is gone, and %d refer to it", n, found[n])
			}
		}
		if counted := int64(number(tx.Bucket(metaBucket).Get(bytesKey))); counted != size {
			t.Errorf("%d bytes are counted, %d are there", counted, size)
		}
		return spent.ForEach(func(key, _ []byte) error {
			if shared.Get(key) == nil {
				t.Errorf("payload %d is gone, and its count is there", number(key))
			}
			return nil
		})
	}
	if err := e.view(t.Context(), check); err != nil {
		t.Fatal(err)
	}
}

// wideGroup is one event of n's payload for so many destinations, every other with a
// header of its own.
func wideGroup(n uint64, size, destinations int) queue.Group {
	g := testGroup(n, size)
	for i := 1; i < destinations; i++ {
		j := g.Jobs[0]
		j.Dest.Name = fmt.Sprintf("crm-%d", i)
		if i%2 == 1 {
			j.Header.Format = queue.FormatConversion
		}
		g.Jobs = append(g.Jobs, j)
	}
	return g
}

// Whatever is done to what destinations share, it adds up, and over a crash.
func TestEmbeddedSharedAddsUp(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			now := testNow
			dir := t.TempDir()
			open := func() *Store { return openTest(t, dir, func(c *Config) { c.Now = func() time.Time { return now } }) }
			e := open()
			pick := func() queue.Dest { return wideGroup(0, 0, 5).Jobs[r.IntN(5)].Dest }
			events := uint64(0)
			for range 150 {
				switch r.IntN(10) {
				case 0, 1, 2, 3:
					for range 1 + r.IntN(5) {
						events++
						mustAppend(t, e, wideGroup(events, r.IntN(4000), 1+r.IntN(5)))
					}
				case 4, 5, 6:
					settleSome(t, e, pick(), r)
				case 7:
					f := queue.DeadFilter{Destination: pick().Name}
					_, err := e.ReplayDead(t.Context(), f)
					if r.IntN(2) == 0 {
						_, err = e.DropDead(t.Context(), f)
					}
					must(t, err)
				case 8:
					from, to := pick(), pick()
					if r.IntN(3) == 0 {
						_, _ = e.Drop(t.Context(), from)
					} else if r.IntN(2) == 0 && from != to {
						_, _ = e.Move(t.Context(), from, to)
					}
					if r.IntN(4) == 0 {
						now = now.Add(31 * 24 * time.Hour)
						must(t, e.Sweep(t.Context()))
					}
				case 9:
					if r.IntN(2) == 0 {
						e = crashed(t, e, func(b []byte) []byte { return b })
						dir = filepath.Dir(e.path)
					}
					must(t, e.Close())
					e = open()
				}
				audit(t, e)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// settleSome delivers some of a destination's entries, and has some die.
func settleSome(t testing.TB, e *Store, d queue.Dest, r *rand.Rand) {
	t.Helper()
	reader := e.Drain(d, func() {})
	defer reader.Close()
	entries, err := reader.Read(t.Context(), queue.Pos{}, 20, 1<<20)
	must(t, err)
	var done []queue.Pos
	var dead []queue.Death
	for i := range entries {
		switch r.IntN(3) {
		case 0:
			done = append(done, entries[i].Pos)
		case 1:
			dead = append(dead, queue.Death{Pos: entries[i].Pos, Reason: queue.Reason{Reason: "404"}})
		}
	}
	must(t, reader.Done(t.Context(), done))
	must(t, reader.Dead(t.Context(), dead))
}

// An event for ten destinations takes at most one and a half times the disk of one for
// one, of the size that a message has.
func TestEmbeddedSharedDisk(t *testing.T) {
	used := func(destinations int) (n int64) {
		e := openTest(t, t.TempDir())
		for i := uint64(0); i < 20_000; i += 50 {
			var groups []queue.Group
			for j := i; j < i+50; j++ {
				g := mixGroup(j, testNow.Add(-time.Hour).UnixMilli())
				for k := 1; k < destinations; k++ {
					job := g.Jobs[0]
					job.Dest.Name = fmt.Sprintf("crm-%d", k)
					g.Jobs = append(g.Jobs, job)
				}
				groups = append(groups, g)
			}
			mustAppend(t, e, groups...)
		}
		settled(t, e)
		must(t, e.view(t.Context(), func(tx *bolt.Tx) error { n = tx.Size() - freePages(e.db)*pageSize; return nil }))
		return n
	}
	one, ten := used(1), used(10)
	t.Logf("%.2f times", float64(ten)/float64(one))
	if float64(ten) > 1.5*float64(one) {
		t.Errorf("%d bytes for ten destinations, %d for one", ten, one)
	}
}

// What stands for a record that is not there is an error, and so is half a reference.
func TestEmbeddedSharedDamaged(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, wideGroup(1, 100, 2))
	must(t, e.do(t.Context(), 0, func(t *txn) error { return t.delete(t.table(sharedBucket), sequence(1)) }))
	d := e.Drain(testDest, func() {})
	defer d.Close()
	if entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20); err == nil {
		t.Errorf("%d entries without a payload were read", len(entries))
	}
	whole := appendReference(nil, &reference{format: queue.FormatEvent, number: 300, uses: 300})
	for n := range len(whole) {
		if _, err := readReference(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d were read", n, len(whole))
		}
	}
}

// A file in which what is shared and who refers to it do not go together is damaged.
func TestEmbeddedSharedVerified(t *testing.T) {
	spend := func(t *txn, key, n uint64) error {
		return t.put(t.table(spentBucket), sequence(key), binary.AppendUvarint(nil, n))
	}
	for name, change := range map[string]func(t *txn) error{
		"":                       func(t *txn) error { return nil }, // and this one is not
		"what is shared is gone": func(t *txn) error { return t.delete(t.table(sharedBucket), sequence(2)) },
		"one is spent too much":  func(t *txn) error { return spend(t, 2, 2) },
		"none is spent":          func(t *txn) error { return t.delete(t.table(spentBucket), sequence(2)) },
		"another is spent":       func(t *txn) error { return errors.Join(spend(t, 3, 1), t.delete(t.table(spentBucket), sequence(2))) },
		"a byte is another": func(t *txn) error {
			value := bytes.Clone(t.table(sharedBucket).get(sequence(1)))
			value[len(value)-1]++
			return t.put(t.table(sharedBucket), sequence(1), value)
		},
		"the sequence is behind": func(t *txn) error { return t.counted(t.table(sharedBucket), 2) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := openTest(t, dir)
			for n := range uint64(3) {
				mustAppend(t, e, wideGroup(n, 100, 3))
			}
			d := e.Drain(testDest, func() {})
			entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20)
			must(t, err)
			must(t, d.Done(t.Context(), []queue.Pos{entries[1].Pos}))
			d.Close()
			must(t, e.do(t.Context(), 0, change))
			must(t, e.Close())
			again, err := Open(Config{Dir: dir}, testOptions())
			if err == nil {
				must(t, again.Close())
			}
			if _, damaged := errors.AsType[*Damage](err); damaged != (name != "") {
				t.Errorf("opened with %v", err)
			}
		})
	}
}
