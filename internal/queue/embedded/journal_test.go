package embedded

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// crashed opens what a crash of e would leave, after change.
func crashed(t *testing.T, e *Store, change func(journal []byte) []byte) *Store {
	t.Helper()
	dir := t.TempDir()
	copyStore(t, e, dir, change)
	return openTest(t, dir)
}

// copyStore copies the files of an open store, the journal after change.
func copyStore(t *testing.T, e *Store, dir string, change func(journal []byte) []byte) {
	t.Helper()
	for _, path := range []string{e.path, e.journalPath()} {
		b, err := os.ReadFile(path)
		if path != e.path && change == nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if path != e.path {
			b = change(b)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// crashedBadly is what a crash of e would leave, after change, and how it is opened.
func crashedBadly(t *testing.T, e *Store, change func(journal []byte) []byte) error {
	t.Helper()
	dir := t.TempDir()
	copyStore(t, e, dir, change)
	again, err := Open(Config{Dir: dir, LockTimeout: time.Second}, testOptions())
	if err == nil {
		_ = again.Close()
	}
	return err
}

// torn is a journal of which nothing from a place in its records on was written.
func torn(b []byte, at int) []byte {
	clear(b[journal.HeadSize+at:])
	return b
}

// Of a journal all records are replayed up to the first that a crash tore.
func TestEmbeddedTornJournal(t *testing.T) {
	e := openTest(t, t.TempDir())
	var ends []int // of the records
	for n := range uint64(3) {
		mustAppend(t, e, testGroup(n, 100))
		ends = append(ends, logLen(e))
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   int
	}{
		"whole":                  {func(b []byte) []byte { return b }, 3},
		"without the last mark":  {func(b []byte) []byte { return torn(b, ends[2]) }, 3},
		"nothing was written":    {func(b []byte) []byte { return torn(b, 0) }, 0},
		"the last one's end":     {func(b []byte) []byte { return torn(b, ends[2]-1) }, 2},
		"the last one's middle":  {func(b []byte) []byte { b[journal.HeadSize+ends[1]+40] ^= 4; return torn(b, ends[2]) }, 2},
		"a head":                 {func(b []byte) []byte { return torn(b, ends[1]+7) }, 2},
		"a mad length":           {func(b []byte) []byte { b[journal.HeadSize+ends[1]+4] = 0x7f; return torn(b, ends[2]) }, 2},
		"an older one behind it": {func(b []byte) []byte { b[journal.HeadSize+ends[1]+15]--; return torn(b, ends[2]) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			again := crashed(t, e, c.change)
			if n := backlog(t, again); n != c.want {
				t.Fatalf("backlog %d, want %d", n, c.want)
			}
			// What is gone may come again, and what is there may not; positions grow.
			for n := range uint64(3) {
				if r := mustAppend(t, again, testGroup(n, 100)); r[0].New[0] != (int(n) >= c.want) {
					t.Errorf("event %d is new: %v", n, r[0].New[0])
				}
			}
			d := again.Drain(testDest, func() {})
			defer d.Close()
			entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20)
			if err != nil || len(entries) != 3 || entries[2].Pos.Seq != 3 {
				t.Fatalf("%d entries, %v, want 3", len(entries), err)
			}
		})
	}
}

// A journal of which a record is not whole that was acknowledged is refused.
func TestEmbeddedDamagedJournal(t *testing.T) {
	e := openTest(t, t.TempDir())
	var ends []int
	for n := range uint64(3) {
		mustAppend(t, e, testGroup(n, 100))
		ends = append(ends, logLen(e))
	}
	flip := func(at int) func([]byte) []byte { return func(b []byte) []byte { b[at] ^= 4; return b } }
	for name, change := range map[string]func([]byte) []byte{
		"empty":             func([]byte) []byte { return nil },
		"one byte":          func(b []byte) []byte { return b[:1] },
		"cut in its head":   func(b []byte) []byte { return b[:100] },
		"cut in a record":   func(b []byte) []byte { return b[:journal.HeadSize+ends[2]-1] },
		"cut at its end":    func(b []byte) []byte { return b[:len(b)-1] },
		"longer":            func(b []byte) []byte { return append(b, 0) },
		"all zeros":         func(b []byte) []byte { clear(b); return b },
		"its magic":         flip(3),
		"its id":            flip(25),
		"its generation":    flip(40),
		"the first record":  flip(journal.HeadSize + 30),
		"a length":          flip(journal.HeadSize + ends[0] + 6),
		"a generation":      flip(journal.HeadSize + ends[0] + 15),
		"a record":          flip(journal.HeadSize + ends[1] - 5),
		"the last record":   flip(journal.HeadSize + ends[2] - 5),
		"the last checksum": flip(journal.HeadSize + ends[1]),
		"a page of zeros":   func(b []byte) []byte { clear(b[journal.HeadSize+ends[0] : journal.HeadSize+ends[1]]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			err := crashedBadly(t, e, change)
			if damage, ok := errors.AsType[*Damage](err); !ok || filepath.Base(damage.File) != "leadgate.journal" {
				t.Fatalf("error %v, want that leadgate.journal is damaged", err)
			}
		})
	}
	if err := crashedBadly(t, e, flip(journal.HeadSize+ends[2]+3)); err != nil {
		t.Errorf("a mark alone: %v, want none, since nothing is lost", err)
	}
}

// Records that were not synced may be missing before others that were not either.
func TestEmbeddedUnsyncedJournal(t *testing.T) {
	e := openTest(t, t.TempDir())
	d := e.Drain(testDest, func() {})
	defer d.Close()
	for n := range uint64(3) {
		mustAppend(t, e, testGroup(n, 100))
	}
	at := logLen(e)
	for n := range uint64(2) { // not synced, since the clock stands still
		if err := d.Done(t.Context(), []queue.Pos{{Seq: n + 1}}); err != nil {
			t.Fatal(err)
		}
	}
	again := crashed(t, e, func(b []byte) []byte { b[journal.HeadSize+at+journal.RecordHead] ^= 4; return b })
	if n := backlog(t, again); n != 3 {
		t.Fatalf("backlog %d, want 3", n)
	}
}

// Records that belong to an earlier state of the file are void: where a crash came before the
// mark of the next, and where an older Leadgate left them, which did not write the head until
// the next record.
func TestEmbeddedStaleJournal(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100))
	stale, err := os.ReadFile(e.journal.File.Name())
	if err != nil {
		t.Fatal(err)
	}
	d := e.Drain(testDest, func() {})
	defer d.Close()
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	settled(t, e)
	again := crashed(t, e, func([]byte) []byte { return headed(t, stale, 1) })
	if n := backlog(t, again); n != 0 {
		t.Fatalf("backlog %d: what was delivered came back", n)
	}
	dir := t.TempDir()
	copyStore(t, e, dir, func([]byte) []byte { return stale })
	db, err := bolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	older := pair{id: e.id, generation: e.journal.Head.Generation, base: e.journal.Head.Generation - 1}
	if err := errors.Join(db.Update(older.store), db.Close()); err != nil {
		t.Fatal(err)
	}
	if n := backlog(t, openTest(t, dir)); n != 0 {
		t.Fatalf("backlog %d: what was delivered came back from an older Leadgate's journal", n)
	}
}

// Without a journal, as where the disk is full already, each batch is a
// checkpoint.
func TestEmbeddedWithoutJournal(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "leadgate.journal.new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	e := openTest(t, dir)
	if e.journal.File != nil {
		t.Fatal("there is a journal")
	}
	mustAppend(t, e, testGroup(2, 100))
	if logLen(e) > 0 {
		t.Fatal("a batch waits for a checkpoint")
	}
	mustAppend(t, e, testGroup(1, 100))
	if n := backlog(t, crashed(t, e, nil)); n != 2 {
		t.Fatalf("backlog %d, want 2", n)
	}
	if err := errors.Join(e.Close(), os.RemoveAll(filepath.Join(dir, "leadgate.journal.new"))); err != nil {
		t.Fatal(err)
	}
	if e = openTest(t, dir); e.journal.File == nil || backlog(t, e) != 2 {
		t.Fatalf("the journal is not there, or %d wait: want one, and 2", backlog(t, e))
	}
}

// A change that fails takes nothing along that was acknowledged before it.
func TestEmbeddedRebuilds(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100), testGroup(2, 100))
	d := e.Drain(testDest, func() {})
	defer d.Close()
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	half := errors.New("half-way")
	err := e.do(t.Context(), 1, func(t *txn) error {
		g := testGroup(3, 100)
		return errors.Join(t.append(&g, &queue.Result{New: make([]bool, 1), Jobs: make([]queue.Admission, 1)}), half)
	})
	if !errors.Is(err, half) {
		t.Fatalf("error %v, want %v", err, half)
	}
	r := mustAppend(t, e, testGroup(1, 100), testGroup(2, 100), testGroup(3, 100))
	if r[0].New[0] || r[1].New[0] || !r[2].New[0] {
		t.Fatalf("new: %v, %v, %v, want the third alone", r[0].New[0], r[1].New[0], r[2].New[0])
	}
	again := crashed(t, e, func(b []byte) []byte { return b })
	if n := backlog(t, again); n != 2 {
		t.Fatalf("backlog %d, want 2", n)
	}
}

// Messages lead to their contact from whatever slice they are in, after a
// restart too, and are forgotten slice by slice.
func TestEmbeddedMessages(t *testing.T) {
	dir := t.TempDir()
	clock := testNow
	now := func(c *Config) { c.Now = func() time.Time { return clock } }
	e := openTest(t, dir, now)
	const n = sliceKeys*2 + 108
	message := func(i uint64) string { return "message/" + string(binary.BigEndian.AppendUint64(nil, i)) }
	for i := uint64(0); i < n; i += 100 {
		g := queue.Group{Tenant: "acme"}
		for j := i; j < i+100; j++ {
			ev := testGroup(j, 0).Events[0]
			ev.Contact, ev.MessageID = "whatsapp/1", message(j)
			if j == 0 {
				ev.Clicks = []queue.Click{{At: clock.UnixMilli(), Data: []byte("click")}}
			}
			g.Events = append(g.Events, ev)
		}
		mustAppend(t, e, g)
		if i < sliceKeys {
			clock = clock.Add(time.Second)
		}
	}
	found := func() (list []bool) {
		got, err := e.Clicks(t.Context(), "acme", []string{message(0), message(sliceKeys + 5), message(n - 1), message(n)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			list = append(list, string(got[i].First) == "click")
		}
		return list
	}
	want := func(what string, want ...bool) {
		t.Helper()
		for i, ok := range found() {
			if ok != want[i] {
				t.Errorf("%s: message %d is found: %v", what, i, ok)
			}
		}
	}
	want("stored", true, true, true, false)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir, now)
	want("opened again", true, true, true, false)
	clock = clock.Add(time.Duration(keepMessages)*time.Millisecond - 5*time.Second)
	want("the first have expired", false, true, true, false)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("swept", false, true, true, false)
	clock = clock.Add(10 * time.Second)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("all have expired", false, false, false, false)
	if len(e.txn.messages.groups) != 0 {
		t.Errorf("%d groups of slices are left in memory", len(e.txn.messages.groups))
	}
}

// What became of entries that were sent is written at once and synced now and
// then; everything else is synced each time. If the machine crashes, entries come
// back whose removal was not synced, and none is lost.
func TestEmbeddedAcks(t *testing.T) {
	now := make(chan time.Time, 1)
	now <- testNow
	e := openTest(t, t.TempDir(), func(c *Config) {
		c.Now = func() time.Time { at := <-now; now <- at; return at }
	})
	d := e.Drain(testDest, func() {})
	defer d.Close()
	at := func(ms int64) {
		<-now
		now <- testNow.Add(time.Duration(ms) * time.Millisecond)
	}
	synced := func(want int64) {
		t.Helper()
		if got := e.syncedAt - testNow.UnixMilli(); got != want {
			t.Errorf("synced at %d ms, want %d", got, want)
		}
	}
	for n := range uint64(4) {
		mustAppend(t, e, testGroup(n, 100))
	}
	conversion := testGroup(4, 100)
	conversion.Jobs[0].Header.Format = queue.FormatConversion
	mustAppend(t, e, conversion)
	synced(0)
	durable := logLen(e)

	at(syncAcks - 1)
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Retry(t.Context(), []queue.Retry{{Pos: queue.Pos{Seq: 2}, Attempts: 1, Due: 1}}); err != nil {
		t.Fatal(err)
	}
	synced(0)
	if n := backlog(t, crashed(t, e, func(b []byte) []byte { return b })); n != 4 {
		t.Errorf("%d wait after a crash of the process, want 4", n)
	}
	if n := backlog(t, crashed(t, e, func(b []byte) []byte { return torn(b, durable) })); n != 5 {
		t.Errorf("%d wait after a crash of the machine, want 5", n)
	}

	at(syncAcks)
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 3}}); err != nil {
		t.Fatal(err)
	}
	synced(syncAcks)
	for i, change := range []func() error{
		func() error { return e.SetState(t.Context(), testDest, queue.State{Paused: true}) },
		func() error { mustAppend(t, e, testGroup(9, 100)); return nil },
		func() error { return d.Done(t.Context(), []queue.Pos{{Seq: 5}}) }, // the conversion
	} {
		ms := syncAcks + 10*int64(i+1)
		at(ms)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		synced(ms)
	}
	at(-1000) // a clock that went back
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 4}}); err != nil {
		t.Fatal(err)
	}
	synced(-1000)
}
