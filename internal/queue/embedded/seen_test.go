package embedded

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// idsOf is a group of events from to from+n-1, without jobs.
func idsOf(from, n uint64) queue.Group {
	g := queue.Group{Tenant: "acme"}
	for i := from; i < from+n; i++ {
		g.Events = append(g.Events, testGroup(i, 0).Events[0])
	}
	return g
}

// fresh appends events, and says how many were new.
func fresh(t testing.TB, e *Store, from, n uint64) (count int) {
	t.Helper()
	for i := from; i < from+n; i += 1000 {
		for _, isNew := range mustAppend(t, e, idsOf(i, min(1000, from+n-i)))[0].New {
			if isNew {
				count++
			}
		}
	}
	return count
}

// More ids than a group of slices holds are known before and after opening again,
// by filters of which the full ones come from the file; and all of it is gone when
// the window is over.
func TestEmbeddedRemembersMany(t *testing.T) {
	const n = 3*seenSliceIDs + 2*(seenGroupOf+10)
	dir, now := t.TempDir(), testNow
	at := func(c *Config) { c.Now = func() time.Time { return now } }
	e := openTest(t, dir, at)
	if got := fresh(t, e, 1, 3*seenSliceIDs); got != 3*seenSliceIDs {
		t.Fatalf("%d of %d are new", got, 3*seenSliceIDs)
	}
	// A clock that goes to and fro begins a slice each time.
	for i := range uint64(seenGroupOf + 10) {
		now = testNow.Add(time.Duration(i%2) * 3 * time.Hour)
		if got := fresh(t, e, 3*seenSliceIDs+1+2*i, 2); got != 2 {
			t.Fatalf("%d of 2 are new", got)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir, at)
	if groups := e.txn.seen.groups; len(groups) != 2 || !groups[0].stored || groups[1].stored {
		t.Fatalf("%d groups; the first's filter does not come from the file", len(groups))
	}
	if got := fresh(t, e, 1, n); got != 0 {
		t.Fatalf("%d are new again", got)
	}
	now = now.Add(testOptions().Dedupe + 4*time.Hour)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := &e.txn.seen; len(s.groups) != 0 || len(s.dirty) != 0 || s.open != nil {
		t.Errorf("%d groups, %d slices are left in memory", len(s.groups), len(s.dirty))
	}
	if err := e.view(t.Context(), func(tx *bolt.Tx) error {
		for _, name := range [][]byte{seenBucket, seenFilters} {
			if key, _ := tx.Bucket(name).Cursor().First(); key != nil {
				t.Errorf("%s is not empty", name)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := fresh(t, e, 1, 10); got != 10 {
		t.Errorf("%d of 10 are new after the window", got)
	}
	if got := fresh(t, e, 1, 10); got != 0 {
		t.Errorf("%d are new again after that", got)
	}
}

// Slices begin and expire as time goes by, however few ids come; what is late, or
// came while the clock was wrong, stays as long as it should.
func TestEmbeddedIDsExpire(t *testing.T) {
	now := testNow
	dir := t.TempDir()
	at := func(c *Config) { c.Now = func() time.Time { return now } }
	e := openTest(t, dir, at)
	const hours = 24 * 30
	for h := range uint64(hours) {
		now = testNow.Add(time.Duration(h) * time.Hour)
		if got := fresh(t, e, h+1, 1); got != 1 {
			t.Fatalf("hour %d: taken for another", h)
		}
		if h == hours/2 {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = openTest(t, dir, at)
		}
		if err := e.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h >= 7*24-1 {
			if got := fresh(t, e, h+1-(7*24-1), 1); got != 0 {
				t.Fatalf("hour %d: forgotten within the window", h)
			}
		}
		if h > 8*24 {
			n := 0
			e.txn.seen.each(e.txn.tx, 0, func(uint32, []byte) bool { n++; return true })
			if n > seenSpans+4 {
				t.Fatalf("hour %d: %d slices", h, n)
			}
		}
	}
}

// A transaction that is rolled back takes the ids of its batch along, and no other.
func TestEmbeddedIDsRolledBack(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	known := func(want int, what string, from, n uint64) {
		t.Helper()
		if got := fresh(t, e, from, n); got != want {
			t.Fatalf("%s: %d are new, want %d", what, got, want)
		}
	}
	known(6000, "before the checkpoint", 1, 6000)
	settled(t, e)
	known(3000, "in the journal", 10_001, 3000)
	refused := errors.New("refused")
	if err := e.do(t.Context(), 0, func(tx *txn) error {
		for i := range uint64(5000) {
			tx.remember(&testGroup(20_001+i, 0).Events[0])
		}
		return refused
	}); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	known(0, "before the checkpoint, again", 1, 6000)
	known(0, "in the journal, again", 10_001, 3000)
	known(5000, "rolled back", 20_001, 5000)
	known(0, "stored after that", 20_001, 5000)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir)
	known(0, "after opening", 1, 6000)
	known(0, "after opening", 10_001, 3000)
	known(0, "after opening", 20_001, 5000)
}

// A file of format 2, which kept ids by their events' time, is read; what it
// remembers is known until it has expired.
func TestEmbeddedReadsFormat2(t *testing.T) {
	dir, now := t.TempDir(), testNow
	timed, untimed := testGroup(1, 0), testGroup(2, 0)
	untimed.Events[0].Time = 0
	timed.Events[0].Time = testNow.Add(-time.Hour).UnixMilli()
	e := openTest(t, dir)
	mustAppend(t, e, testGroup(3, 100))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	db, _, err := openFile(filepath.Join(dir, "leadgate.db"), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{seenBucket, seenFilters} {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		ids, err := tx.CreateBucket(idsBucket)
		if err != nil {
			return err
		}
		for _, g := range []queue.Group{timed, untimed} {
			at := g.Events[0].Time
			if at == 0 {
				at = dayEnd(testNow.UnixMilli())
			}
			key := binary.BigEndian.AppendUint64(nil, uint64(at))[2:]
			if err := ids.Put(append(key, g.Events[0].ID[:]...), nil); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(formatKey, sequence(2))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	at := func(c *Config) { c.Now = func() time.Time { return now } }
	for range 2 { // the second time it is of format 3 already
		e = openTest(t, dir, at)
		if n := backlog(t, e); n != 1 {
			t.Fatalf("backlog %d, want 1", n)
		}
		if r := mustAppend(t, e, timed, untimed); r[0].New[0] || r[1].New[0] {
			t.Fatal("an id of the old file is not known")
		}
		if r := mustAppend(t, e, idsOf(4, 1)); !r[0].New[0] && now.Equal(testNow) {
			t.Fatal("a new id is taken for an old one")
		}
		now = now.Add(6 * 24 * time.Hour)
		if err := e.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e = openTest(t, dir, at) // 12 days later
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e.txn.oldIDs {
		t.Error("old ids are still looked up")
	}
	if r := mustAppend(t, e, timed, untimed); !r[0].New[0] || !r[1].New[0] {
		t.Error("an old id is remembered beyond the window")
	}
}

// Of ids that are no one's, few are suspected, and a look at the filters of ten
// million is cheap.
func BenchmarkSeen(b *testing.B) {
	var s seen
	now := testNow.UnixMilli()
	const n = 10_000_000
	for i := range uint64(n) {
		number := s.next(now, 7*queue.DayMS)
		s.add(number, testGroupID(i), now, now)
		if len(s.dirty) > 1 {
			s.dirty = s.dirty[:0] // as if stored
		}
	}
	wrong, i := 0, uint64(n)
	for b.Loop() {
		p := probeID(testGroupID(i))
		for _, g := range s.groups {
			if g.any.has(p) {
				wrong++
			}
		}
		i++
	}
	b.ReportMetric(float64(wrong)/float64(i-n), "suspected/op")
	b.ReportMetric(float64(len(s.groups)*len(s.groups[0].any.bits))/n, "bytes/id")
}

func testGroupID(n uint64) (id queue.ID) {
	binary.BigEndian.PutUint64(id[8:], n)
	binary.BigEndian.PutUint64(id[:8], n*0x9E3779B97F4A7C15)
	return id
}
