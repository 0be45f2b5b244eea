package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

var (
	testNow  = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)
	testDest = queue.Dest{Tenant: "acme", Name: "crm"}
)

func testOptions() queue.Options {
	return queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour,
		MaxBacklog: 1_000_000, MaxSize: 4 << 30,
	}
}

func openTest(t testing.TB, dir string, change ...func(*Config)) *Store {
	t.Helper()
	cfg := Config{Dir: dir, Now: func() time.Time { return testNow }, Tick: make(chan time.Time)}
	for _, f := range change {
		f(&cfg)
	}
	e, err := Open(cfg, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// testGroup is one event with one job, whose payload has size bytes.
func testGroup(n uint64, size int) queue.Group {
	var id queue.ID
	binary.BigEndian.PutUint64(id[8:], n)
	binary.BigEndian.PutUint64(id[:8], n*0x9E3779B97F4A7C15)
	at := testNow.UnixMilli() - 5000 + int64(n%4000)
	return queue.Group{
		Tenant:   testDest.Tenant,
		Events:   []queue.Event{{ID: id, Time: at}},
		Payloads: [][]byte{bytes.Repeat([]byte{'x'}, size)},
		Jobs: []queue.Job{{Dest: testDest, Events: []int{0}, Header: queue.Header{
			EventID: id, Format: queue.FormatEvent, Kind: 1, Contact: "15551234567", Time: at, QueuedAt: at + 400,
		}}},
	}
}

func mustAppend(t testing.TB, e *Store, groups ...queue.Group) []queue.Result {
	t.Helper()
	results := e.Append(t.Context(), groups)
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return results
}

func backlog(t testing.TB, e *Store) int {
	t.Helper()
	infos, err := e.Destinations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, i := range infos {
		n += i.Backlog
	}
	return n
}

func TestEmbeddedModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	e := openTest(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, e.path: 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s is %o, want %o", path, got, want)
		}
	}
}

func TestEmbeddedLocked(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir)
	_, err := Open(Config{Dir: dir, LockTimeout: 60 * time.Millisecond}, testOptions())
	if err == nil {
		t.Fatal("a locked file was opened")
	}
	for _, want := range []string{filepath.Join(dir, "leadgate.db"), "another process has it open"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestEmbeddedRefusesOtherFiles(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bolt.Tx) error
		want   string
	}{
		"newer": {func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(metaBucket)
			if err != nil {
				return err
			}
			return b.Put(formatKey, sequence(fileFormat+1))
		}, "newer Leadgate"},
		"another program's": {func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("acme_keys")); return err }, "no queue of Leadgate"},
		"without a format":  {func(tx *bolt.Tx) error { _, err := tx.CreateBucket(metaBucket); return err }, "no format number"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db, _, err := openFile(filepath.Join(dir, "leadgate.db"), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Update(c.change); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err = Open(Config{Dir: dir}, testOptions()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v does not say %q", err, c.want)
			}
		})
	}
}

// What Drop, Move and the counters leave adds up to what is there.
func TestEmbeddedCountsBytes(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	stored := func() (counted int64) {
		if err := e.view(t.Context(), func(tx *bolt.Tx) error {
			counted = int64(number(tx.Bucket(metaBucket).Get(bytesKey)))
			var found int64
			err := tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				if len(name) != 5 || name[0] != entryBucket && name[0] != deadBucket {
					return nil
				}
				return b.ForEach(func(_, v []byte) error { found += cost(v); return nil })
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
		mustAppend(t, e, testGroup(n, 1000))
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

func TestEmbeddedCompacts(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	for n := range uint64(12) {
		mustAppend(t, e, testGroup(n, 14<<20))
	}
	d := e.Drain(testDest, func() {})
	entries, err := d.Read(t.Context(), queue.Pos{}, 12, 1<<30)
	if err != nil || len(entries) != 12 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, entry := range entries[1:] {
		if err := d.Done(t.Context(), []queue.Pos{entry.Pos}); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	large, err := os.Stat(e.path)
	if err != nil {
		t.Fatal(err)
	}
	// What a crash in the middle of an earlier compaction left.
	if err := os.WriteFile(e.path+".compact", []byte("half a copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir)
	small, err := os.Stat(e.path)
	if err != nil {
		t.Fatal(err)
	}
	if small.Size() > large.Size()/3 {
		t.Fatalf("%d bytes became %d", large.Size(), small.Size())
	}
	if _, err := os.Stat(e.path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the copy is still there: %v", err)
	}
	if r := mustAppend(t, e, testGroup(0, 100), testGroup(99, 100)); r[0].New[0] || !r[1].New[0] {
		t.Fatal("the remembered ids are wrong after compacting")
	}
	if n := backlog(t, e); n != 2 {
		t.Fatalf("backlog %d, want 2", n)
	}
	// The compacted file is locked like any other.
	if other, err := Open(Config{Dir: dir, LockTimeout: 60 * time.Millisecond}, testOptions()); err == nil {
		_ = other.Close()
		t.Fatal("the compacted file is not locked")
	}
	// And positions still grow.
	d = e.Drain(testDest, func() {})
	defer d.Close()
	later, err := d.Read(t.Context(), entries[11].Pos, 10, 1<<20)
	if err != nil || len(later) != 1 {
		t.Fatalf("%d entries after the last position, %v, want 1", len(later), err)
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

// settled has everything in the bbolt file, as after a checkpoint.
func settled(t testing.TB, e *Store) {
	t.Helper()
	if err := e.do(t.Context(), 0, func(t *txn) error { t.writes, t.whole = t.writes+1, true; return nil }); err != nil {
		t.Fatal(err)
	}
}
