package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
)

// A file that can't be written is opened again by the writer.
func TestEmbeddedOpensAgain(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100))
	woken := make(chan struct{}, 8)
	d := e.Drain(testDest, func() { woken <- struct{}{} })
	defer d.Close()
	<-woken // the right
	before, _ := d.Epoch()

	// Every write fails from here on, as after a disk that went away.
	if err := e.journal.File.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Append(t.Context(), []queue.Group{testGroup(2, 100)})[0].Err; !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("appending to a broken file: %v, want %v", err, queue.ErrUnavailable)
	}
	<-woken // the store came back
	after, ok := d.Epoch()
	if !ok || after == before {
		t.Fatalf("epoch %d, %v after %d", after, ok, before)
	}
	if r := mustAppend(t, e, testGroup(1, 100), testGroup(2, 100)); r[0].New[0] || !r[1].New[0] {
		t.Fatalf("new: %v, %v, want false and true", r[0].New[0], r[1].New[0])
	}
	if n := backlog(t, e); n != 2 {
		t.Fatalf("backlog %d, want 2", n)
	}
}

// A file that can't even be opened is tried again at each tick.
func TestEmbeddedTicksUntilOpen(t *testing.T) {
	var seconds atomic.Int64
	now := func() time.Time { return testNow.Add(time.Duration(seconds.Add(2)) * time.Second) }
	tick := make(chan time.Time)
	dir := t.TempDir()
	e := openTest(t, dir, func(c *Config) {
		c.Now, c.Tick = now, tick
		c.LockTimeout = 60 * time.Millisecond
	})
	mustAppend(t, e, testGroup(1, 100))
	woken := make(chan struct{}, 8)
	d := e.Drain(testDest, func() { woken <- struct{}{} })
	defer d.Close()
	<-woken

	// In place of the file there is a folder.
	kept := filepath.Join(dir, "kept.db")
	if err := errors.Join(os.Rename(e.path, kept), os.Mkdir(e.path, 0o700), e.journal.File.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Append(t.Context(), []queue.Group{testGroup(2, 100)})[0].Err; !errors.Is(err, queue.ErrUnavailable) {
			t.Fatalf("appending to a broken file: %v, want %v", err, queue.ErrUnavailable)
		}
	}
	if _, ok := d.Epoch(); ok {
		t.Fatal("there is a right to drain what can't be read")
	}
	if _, err := d.Read(t.Context(), queue.Pos{}, 1, 1); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("reading: %v, want %v", err, queue.ErrUnavailable)
	}
	if err := errors.Join(os.Remove(e.path), os.Rename(kept, e.path)); err != nil {
		t.Fatal(err)
	}
	tick <- testNow
	<-woken
	mustAppend(t, e, testGroup(2, 100))
	if n := backlog(t, e); n != 2 {
		t.Fatalf("backlog %d, want 2", n)
	}
}

// A change that fails half-way leaves nothing behind, and its neighbours in
// the transaction are made.
func TestEmbeddedRollsBackOne(t *testing.T) {
	e := openTest(t, t.TempDir())
	half := errors.New("half-way")
	runs := 0
	r := &request{}
	for n := uint64(1); n <= 2; n++ {
		g := testGroup(n, 100)
		res := &queue.Result{New: make([]bool, 1), Jobs: make([]queue.Admission, 1)}
		r.units = append(r.units, unit{adds: 1, run: func(t *txn) error { runs++; return t.append(&g, res) }})
	}
	g := testGroup(3, 100)
	r.units = append(r.units[:1], unit{adds: 1, run: func(t *txn) error {
		if err := t.append(&g, &queue.Result{New: make([]bool, 1), Jobs: make([]queue.Admission, 1)}); err != nil {
			return err
		}
		return half
	}}, r.units[1])
	if err := e.write(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if r.units[0].err != nil || !errors.Is(r.units[1].err, half) || r.units[2].err != nil {
		t.Fatalf("errors %v, %v, %v", r.units[0].err, r.units[1].err, r.units[2].err)
	}
	if n := backlog(t, e); n != 2 || runs != 3 {
		t.Fatalf("backlog %d after %d runs, want 2 after 3", n, runs)
	}
	if r := mustAppend(t, e, testGroup(3, 100)); !r[0].New[0] {
		t.Fatal("the event that failed is remembered")
	}
}

// Deaths that are stored again, since a neighbour failed, are all stored, where
// the first of them is gone by then too.
func TestEmbeddedDeathsTwice(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100), testGroup(2, deathBatch/2), testGroup(3, deathBatch/2), testGroup(4, deathBatch/2))
	d := e.Drain(testDest, func() {})
	defer d.Close()
	entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<30)
	if err != nil || len(entries) != 4 {
		t.Fatal(entries, err)
	}
	var deaths []queue.Death
	for i := range entries {
		deaths = append(deaths, queue.Death{Pos: entries[i].Pos, Attempts: 1, Reason: queue.Reason{Reason: "x"}})
	}
	if err := d.Done(t.Context(), []queue.Pos{entries[0].Pos}); err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	e.writer.Start(&request{units: []unit{{run: func(*txn) error {
		close(entered)
		<-release
		return nil
	}}}})
	<-entered
	died := make(chan error, 1)
	go func() { died <- d.Dead(t.Context(), deaths) }()
	for e.writer.Len() == 0 { // for the deaths, which go before the one that fails
		runtime.Gosched()
	}
	e.writer.Start(&request{units: []unit{{run: func(t *txn) error {
		t.writes++
		return errors.New("half-way")
	}}}})
	close(release)
	if err := <-died; err != nil {
		t.Fatal(err)
	}
	letters, err := e.Dead(t.Context(), queue.DeadFilter{})
	if err != nil || len(letters) != 3 || backlog(t, e) != 0 {
		t.Fatalf("%d dead letters, %d entries, %v: want 3 and none", len(letters), backlog(t, e), err)
	}
}

// A failed fsync is none of the failures after which nothing was written.
func TestEmbeddedRefused(t *testing.T) {
	wrap := func(op string) error {
		return fmt.Errorf("writing journal: %w", &fs.PathError{Op: op, Path: "leadgate.journal", Err: syscall.ENOSPC})
	}
	for _, c := range []struct {
		err  error
		want bool
	}{{wrap("write"), true}, {wrap("truncate"), true}, {wrap("sync"), false}, {syscall.ENOSPC, false}} {
		if disk.WasRefused(c.err) != c.want {
			t.Errorf("%#v: %v", c.err, !c.want)
		}
	}
}

// A disk that gives nothing refuses appends, and lets everything else through,
// after a restart too.
func TestEmbeddedFull(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	var groups []queue.Group
	for n := range uint64(200) {
		groups = append(groups, testGroup(n, 10_000))
	}
	mustAppend(t, e, groups...)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir)
	nothing := func(*os.File, int64, int64) error { return syscall.ENOSPC }
	swap := func(give func(*os.File, int64, int64) error) {
		if err := e.do(t.Context(), 0, func(*txn) error { e.space.give, e.space.end = give, 0; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	swap(nothing)
	for n := range uint64(3) {
		if err := e.Append(t.Context(), []queue.Group{testGroup(1000+n, 100)})[0].Err; !errors.Is(err, queue.ErrFull) {
			t.Fatalf("appending to a full disk: %v, want %v", err, queue.ErrFull)
		}
	}
	d := e.Drain(testDest, func() {})
	defer d.Close()
	var at []queue.Pos
	for {
		entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		at = at[:0]
		for i := range entries {
			at = append(at, entries[i].Pos)
		}
		err = errors.Join(
			d.Retry(t.Context(), []queue.Retry{{Pos: at[0], Attempts: 1, Due: 1}}),
			d.Dead(t.Context(), []queue.Death{{Pos: at[0], Reason: queue.Reason{Reason: "400"}}}),
			d.Done(t.Context(), at[1:]))
		if err != nil {
			t.Fatalf("draining on a full disk: %v", err)
		}
	}
	if n, err := e.DropDead(t.Context(), queue.DeadFilter{}); err != nil || n != 20 {
		t.Fatalf("%d dead letters dropped, %v, want 20", n, err)
	}
	swap(disk.Allocate)
	mustAppend(t, e, testGroup(1000, 100))
}
