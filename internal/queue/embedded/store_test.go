package embedded

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// What Drop, Move and the counters leave adds up to what is there.
func TestEmbeddedCountsBytes(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	stored := func() (counted int64) {
		if err := e.view(t.Context(), func(tx *bolt.Tx) error {
			counted = int64(number(tx.Bucket(metaBucket).Get(bytesKey)))
			var found int64
			err := tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				if string(name) != string(sharedBucket) && (len(name) != 5 || name[0] != entryBucket && name[0] != deadBucket) {
					return nil
				}
				return b.ForEach(func(_, v []byte) error { found += cost(unstamped(v)); return nil })
			})
			if found != counted {
				t.Errorf("%d bytes are counted, %d are there", counted, found)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return counted
	}
	for n := range uint64(30) {
		g := testGroup(n, 1000)
		if n%2 == 0 {
			g.Jobs = append(g.Jobs, g.Jobs[0])
		}
		mustAppend(t, e, g)
	}
	if stored() < 30_000 {
		t.Fatalf("%d bytes counted for 30 entries of 1000", stored())
	}
	d := e.Drain(testDest, func() {})
	entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		stored()
	}
	check(d.Done(t.Context(), []queue.Pos{entries[0].Pos, entries[1].Pos}))
	check(d.Dead(t.Context(), []queue.Death{{Pos: entries[2].Pos}, {Pos: entries[3].Pos, Reason: queue.Reason{Reason: "404"}}}))
	d.Close()
	_, err = e.ReplayDead(t.Context(), queue.DeadFilter{Reason: "404"})
	check(err)
	_, err = e.Move(t.Context(), testDest, queue.Dest{Tenant: "acme", Name: "moved"})
	check(err)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir)
	stored()
	_, err = e.Drop(t.Context(), queue.Dest{Tenant: "acme", Name: "moved"})
	check(err)
	if n := stored(); n != 0 {
		t.Fatalf("%d bytes counted in an empty store", n)
	}
}

// The janitor sweeps once a minute of the store's clock.
func TestEmbeddedTidies(t *testing.T) {
	clock := make(chan time.Time, 1)
	clock <- testNow
	read := func() time.Time { now := <-clock; clock <- now; return now }
	tick := make(chan time.Time)
	e := openTest(t, t.TempDir(), func(c *Config) { c.Now, c.Tick = read, tick })
	mustAppend(t, e, testGroup(1, 100))
	ids := func() (n int) {
		if err := e.view(t.Context(), func(tx *bolt.Tx) error {
			e.txn.seen.each(tx, 0, func(_ uint32, value []byte) bool { n += len(value[seenHead:]) / len(queue.ID{}); return true })
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tick <- testNow
	tick <- testNow // taken when the first sweep is over
	if ids() != 1 {
		t.Fatal("an id was forgotten too early")
	}
	<-clock
	clock <- testNow.Add(8 * 24 * time.Hour)
	tick <- testNow
	tick <- testNow
	if n := ids(); n != 0 {
		t.Fatalf("%d ids are left", n)
	}
}

// arrivals are the orders in which ids come: their provider's time, ms, for the
// j-th event at 1000 a second.
var arrivals = map[string]func(j uint64, id queue.ID) int64{
	"in order":        func(j uint64, _ queue.ID) int64 { return int64(j) },
	"whole seconds":   func(j uint64, _ queue.ID) int64 { return int64(j) / 1000 * 1000 },
	"up to 2 s late":  func(j uint64, id queue.ID) int64 { return int64(j) - int64(id[3])*8 },
	"some a day late": func(j uint64, id queue.ID) int64 { return int64(j)/1000*1000 - int64(id[3]&1)*int64(id[4])*350_000 },
}

// Remembered ids cost at most 70 bytes each, in whatever order they come.
func TestEmbeddedIDSize(t *testing.T) {
	for name, at := range arrivals {
		t.Run(name, func(t *testing.T) {
			e := openTest(t, t.TempDir())
			// With what they come with, so many are in one checkpoint.
			const n, each = 40_000, 2000
			for i := uint64(0); i < n; i += each {
				rememberIDs(t, e, i, each, at)
				settled(t, e)
			}
			size := idPages(t, e)
			t.Logf("%.1f bytes each", float64(size)/n)
			if size > 70*n {
				t.Errorf("%d ids take %d bytes", n, size)
			}
		})
	}
}

// rememberIDs stores n events without jobs, 200 at a time.
func rememberIDs(t testing.TB, e *Store, from, n uint64, at func(uint64, queue.ID) int64) {
	for i := from; i < from+n; i += 200 {
		g := queue.Group{Tenant: "acme"}
		for j := i; j < min(i+200, from+n); j++ {
			ev := testGroup(j, 0).Events[0]
			ev.Time = testNow.Add(-24*time.Hour).UnixMilli() + at(j, ev.ID)
			g.Events = append(g.Events, ev)
		}
		mustAppend(t, e, g)
	}
}

// idPages is how many bytes the pages of the remembered ids take.
func idPages(t testing.TB, e *Store) (size int) {
	settled(t, e)
	if err := e.view(t.Context(), func(tx *bolt.Tx) error {
		for _, name := range [][]byte{seenBucket, seenFilters} {
			s := tx.Bucket(name).Stats()
			size += s.BranchAlloc + s.LeafAlloc
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return size
}

func TestEmbeddedContextEnds(t *testing.T) {
	e := openTest(t, t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := fmt.Errorf("the client went away")
	entered, release := make(chan struct{}), make(chan struct{})
	e.writer.Start(&request{units: []unit{{run: func(*txn) error {
		close(entered)
		<-release
		return nil
	}}}})
	<-entered
	cancel(reason)
	if err := e.Append(ctx, []queue.Group{testGroup(1, 10)})[0].Err; !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
	}
	close(release)
	if n := len(mustAppend(t, e, testGroup(1, 10))); n != 1 {
		t.Fatal(n)
	}
	if n := backlog(t, e); n != 1 {
		t.Fatalf("backlog %d, want 1", n)
	}
}
