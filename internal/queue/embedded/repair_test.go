package embedded

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// waiting is what a store would deliver and list, by destination, kind and event, in order.
func waiting(t *testing.T, e *Store) (list []string) {
	t.Helper()
	infos, err := e.Destinations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		d := e.Drain(info.Dest, func() {})
		entries, err := d.Read(t.Context(), queue.Pos{}, 10_000, 1<<30)
		if err != nil || len(entries) != info.Backlog {
			t.Fatalf("%d entries, %v, want %d", len(entries), err, info.Backlog)
		}
		for _, entry := range entries {
			list = append(list, fmt.Sprintf("%s %d %x", info.Name, entry.Pos.Seq, entry.Header.EventID))
		}
		d.Close()
	}
	letters, err := e.Dead(t.Context(), queue.DeadFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range letters {
		list = append(list, fmt.Sprintf("%s dead %x", letter.Dest.Name, letter.Header.EventID))
	}
	return list
}

// mustRepair repairs a folder and opens it: what was there before is there, but for as
// many as the report says are lost, in the same order; and nothing else is but for as many
// as it says may be delivered again.
func mustRepair(t *testing.T, dir string, before []string) *Repaired {
	t.Helper()
	report, err := Repair(dir, testNow)
	if err != nil {
		t.Fatal(err)
	}
	e, err := openAt(dir)
	if err != nil {
		t.Fatalf("after the repair: %v", err)
	}
	defer func() { _ = e.Close() }()
	after := waiting(t, e)
	audit(t, e)
	has, was := map[string]bool{}, map[string]bool{}
	for _, line := range after {
		has[line] = true
	}
	lost, more, again := 0, 0, 0
	for _, line := range before {
		was[line] = true
		if !has[line] {
			lost++
		}
	}
	for _, line := range after {
		if !was[line] {
			more++
		}
	}
	for _, d := range report.Destinations {
		again += d.Again
	}
	if len(report.Damage) > 0 && report.Saved != len(after) {
		t.Errorf("%d records are saved, the report says %d", len(after), report.Saved)
	}
	if lost > report.Lost && len(report.Uncounted) == 0 {
		t.Errorf("%d records are lost, the report says %d: %+v", lost, report.Lost, report)
	}
	if more > again && len(report.Uncounted) == 0 {
		t.Errorf("%d records came again, the report says %d: %+v", more, again, report)
	}
	mustAppend(t, e, testGroup(1_000_000, 100))
	return report
}

func TestEmbeddedRepairs(t *testing.T) {
	e := richStore(t, t.TempDir())
	before := waiting(t, e)
	db, log := grabUsed(t, e)
	used := len(db)
	logged := journal.HeadSize + logLen(e)
	// How many the journal alone brought: 40 events for two destinations.
	const inJournal = 80
	for name, c := range map[string]struct {
		db, journal []byte
		lost        int // at most; it says so
		uncounted   bool
	}{
		"nothing":              {db, log, 0, false},
		"no journal":           {db, nil, inJournal, true},
		"an empty journal":     {db, []byte{}, inJournal, true},
		"no file":              {nil, log, len(before) - inJournal, false},
		"an empty file":        {[]byte{}, log, len(before) - inJournal, false},
		"the first meta page":  {zeroed(db, 0, pageSize), log, 0, false},
		"the second meta page": {zeroed(db, pageSize, 2*pageSize), log, 0, false},
		"both meta pages":      {zeroed(db, 0, 2*pageSize), log, 0, false},
		"half the file":        {db[:used/2/pageSize*pageSize], log, len(before), true},
		"the journal's head":   {db, zeroed(log, 0, journal.HeadSize), 0, true},
		"a record":             {db, zeroed(log, logged/2, logged/2+100), 8, true},
		"half the journal":     {db, log[:logged/2], inJournal, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.db, c.journal)
			report := mustRepair(t, dir, before)
			t.Logf("saved %d of %d, lost %d, uncounted %q", report.Saved, len(before), report.Lost, report.Uncounted)
			if report.Lost > c.lost || (len(report.Uncounted) > 0) && !c.uncounted {
				t.Errorf("lost %d, want at most %d; uncounted %q", report.Lost, c.lost, report.Uncounted)
			}
			for file, b := range map[string][]byte{"leadgate.db": c.db, "leadgate.journal": c.journal} {
				kept, _ := filepath.Glob(filepath.Join(dir, file+".damaged-*"))
				if name == "nothing" || b == nil {
					if len(kept) > 0 {
						t.Errorf("%v is kept", kept)
					}
					continue
				}
				if len(kept) != 1 {
					t.Fatalf("%s is kept as %v, want one", file, kept)
				}
				if got, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%s is not what it was: %v", kept[0], err)
				}
			}
			// Now it is whole.
			if again, err := Repair(dir, testNow); err != nil || len(again.Damage) > 0 {
				t.Errorf("repairing it again: %+v, %v", again, err)
			}
		})
	}
}

// What a repair says of what it could not count, and of a record that is damaged.
func TestEmbeddedRepairSays(t *testing.T) {
	e := richStore(t, t.TempDir())
	before := waiting(t, e)
	db, log := grab(t, e)
	other := richStore(t, t.TempDir())
	_, foreign := grab(t, other)
	const again = "what was delivered since may be delivered again"
	for name, c := range map[string]struct {
		db, journal []byte
		says        string
	}{
		"no journal":              {db, nil, again},
		"another store's journal": {db, foreign, again},
		"half the journal":        {db, log[:(journal.HeadSize+logLen(e))/2], "what was delivered then may be delivered again"},
		"both empty":              {[]byte{}, []byte{}, "neither leadgate.db nor the journal says how much there was"},
		"text, and no journal":    {[]byte("hello\n"), nil, "neither leadgate.db nor the journal says how much there was"},
	} {
		t.Run(name, func(t *testing.T) {
			report := mustRepair(t, folder(t, c.db, c.journal), before)
			if said := strings.Join(report.Uncounted, "\n"); !strings.Contains(said, c.says) {
				t.Errorf("it says %q, want %q in it", said, c.says)
			}
		})
	}
	t.Run("a record in the journal", func(t *testing.T) {
		damaged := bytes.Clone(log)
		damaged[journal.HeadSize+logLen(e)/2] ^= 0xff
		report := mustRepair(t, folder(t, db, damaged), before)
		whole := mustRepair(t, folder(t, db, zeroed(log, 0, journal.HeadSize)), before)
		if report.Forgotten == 0 || report.IDs+report.Forgotten != whole.IDs {
			t.Errorf("%d ids are remembered and %d forgotten, of %d", report.IDs, report.Forgotten, whole.IDs)
		}
	})
	t.Run("a payload", func(t *testing.T) {
		damaged := bytes.Clone(db)
		err := e.view(t.Context(), func(tx *bolt.Tx) error {
			_, value := tx.Bucket(sharedBucket).Cursor().First()
			damaged[bytes.Index(db, value)+len(value)-1] ^= 1
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		report := mustRepair(t, folder(t, damaged, log), before)
		said := strings.Join(report.Damage, "\n")
		if !strings.Contains(said, "its checksum is wrong") || strings.Contains(said, "run `") {
			t.Errorf("it says %q, want what is wrong, and not to do what is being done", said)
		}
	})
}

func zeroed(b []byte, from, to int) []byte {
	b = bytes.Clone(b)
	clear(b[from:to])
	return b
}

// Whatever page or bytes are damaged, a repair leads to a store that opens, and says what
// is lost.
func TestEmbeddedRepairsAny(t *testing.T) {
	e := richStore(t, t.TempDir())
	before := waiting(t, e)
	db, log := grabUsed(t, e)
	used := len(db)
	logged := journal.HeadSize + logLen(e) + journal.RecordHead
	for page := range used / pageSize {
		mustRepair(t, folder(t, zeroed(db, page*pageSize, (page+1)*pageSize), log), before)
		if t.Failed() {
			t.Fatalf("page %d", page)
		}
	}
	random := rand.New(rand.NewPCG(uint64(len(db)), 7))
	for range 60 {
		b, j := bytes.Clone(db), bytes.Clone(log)
		target, size := b, used
		if random.IntN(2) == 0 {
			target, size = j, logged
		}
		at := random.IntN(size)
		target[at] ^= byte(1 + random.IntN(255))
		mustRepair(t, folder(t, b, j), before)
		if t.Failed() {
			t.Fatalf("byte %d of %d", at, size)
		}
	}
}

func TestEmbeddedRepairRefuses(t *testing.T) {
	e := openTest(t, t.TempDir())
	if _, err := Repair(filepath.Dir(e.path), testNow); err == nil || !strings.Contains(err.Error(), "stop the edge") {
		t.Errorf("beside a running edge: %v", err)
	}
	if _, err := Repair(t.TempDir(), testNow); err == nil || !strings.Contains(err.Error(), "no queue") {
		t.Errorf("in an empty folder: %v", err)
	}
}
