package embedded

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// grab is a copy of an open store's files, or of one of them.
func grab(t *testing.T, e *Store) (db, journal []byte) {
	t.Helper()
	db, err := os.ReadFile(e.path)
	if err != nil {
		t.Fatal(err)
	}
	if journal, err = os.ReadFile(e.journalPath()); err != nil {
		t.Fatal(err)
	}
	return db, journal
}

// grabUsed is grab, without what lies behind the pages that are in use.
func grabUsed(t *testing.T, e *Store) (db, journal []byte) {
	t.Helper()
	db, journal = grab(t, e)
	used := 0
	if err := e.view(t.Context(), func(tx *bolt.Tx) error { used = int(tx.Size()); return nil }); err != nil {
		t.Fatal(err)
	}
	return db[:used], journal
}

// folder makes one of the files; nil is one that is missing.
func folder(t *testing.T, db, journal []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, b := range map[string][]byte{"leadgate.db": db, "leadgate.journal": journal} {
		if b == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A folder of which one file is missing, empty, of another store or of another time is
// refused, with the file's name, however often it is tried, and nothing in it changes.
func TestEmbeddedPair(t *testing.T) {
	e, other := openTest(t, t.TempDir()), openTest(t, t.TempDir())
	for n := range uint64(3) {
		mustAppend(t, e, testGroup(n, 100))
		mustAppend(t, other, testGroup(n, 100))
	}
	db1, journal1 := grab(t, e)
	settled(t, e)
	mustAppend(t, e, testGroup(4, 100))
	settled(t, e)
	mustAppend(t, e, testGroup(5, 100))
	db2, journal2 := grab(t, e)
	otherDB, otherJournal := grab(t, other)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	closedDB, closedJournal := grab(t, e)
	for name, c := range map[string]struct {
		db, journal []byte
		file        string // "" is one that opens
		waits       int
	}{
		"a crash":                      {db2, journal2, "", 5},
		"another":                      {db1, journal1, "", 3},
		"a good end":                   {closedDB, closedJournal, "", 5},
		"no file":                      {nil, journal2, "leadgate.db", 0},
		"no journal":                   {db2, nil, "leadgate.journal", 0},
		"no file after a good end":     {nil, closedJournal, "leadgate.db", 0},
		"no journal after a good end":  {closedDB, nil, "leadgate.journal", 0},
		"an empty file":                {[]byte{}, journal2, "leadgate.db", 0},
		"an empty file alone":          {[]byte{}, nil, "leadgate.db", 0},
		"both empty":                   {[]byte{}, []byte{}, "leadgate.db", 0},
		"an empty journal":             {db2, []byte{}, "leadgate.journal", 0},
		"an older file":                {db1, journal2, "leadgate.db", 0},
		"an older file, well closed":   {db1, closedJournal, "leadgate.db", 0},
		"an older journal":             {db2, journal1, "leadgate.journal", 0},
		"the journal of another store": {db2, otherJournal, "leadgate.journal", 0},
		"the file of another store":    {otherDB, journal2, "leadgate.journal", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.db, c.journal)
			if c.file == "" {
				if n := backlog(t, openTest(t, dir)); n != c.waits {
					t.Fatalf("%d wait, want %d", n, c.waits)
				}
				return
			}
			for range 2 {
				_, err := Open(Config{Dir: dir, LockTimeout: time.Second}, testOptions())
				if damage, ok := errors.AsType[*Damage](err); !ok || damage.File != filepath.Join(dir, c.file) {
					t.Fatalf("error %v, want that %s is damaged", err, c.file)
				}
				for file, want := range map[string][]byte{"leadgate.db": c.db, "leadgate.journal": c.journal} {
					got, err := os.ReadFile(filepath.Join(dir, file))
					if string(got) != string(want) || want == nil && !errors.Is(err, os.ErrNotExist) {
						t.Fatalf("%s was changed, or made", file)
					}
				}
			}
		})
	}
}

// A journal from before the last checkpoint, or from before the last start, is told from
// today's by its head; and so is a file from before a checkpoint.
func TestEmbeddedPairOfOneStep(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	mustAppend(t, e, testGroup(1, 100))
	db1, journal1 := grab(t, e)
	settled(t, e)
	db2, journal2 := grab(t, e)
	mustAppend(t, e, testGroup(2, 100))
	db3, journal3 := grab(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, closed := grab(t, e)
	e = openTest(t, dir)
	mustAppend(t, e, testGroup(3, 100))
	db4, journal4 := grab(t, e)
	for name, c := range map[string]struct {
		db, journal []byte
		file        string // "" is one that opens
		waits       int
	}{
		"of one moment": {db4, journal4, "", 3},
		"a crash before the file says the checkpoint": {db1, headed(t, journal1, 1), "", 1},
		"a journal of before the start":               {db4, closed, "leadgate.journal", 0},
		"a journal of before the checkpoint":          {db3, journal1, "leadgate.journal", 0},
		"a journal of before the checkpoint, idle":    {db2, journal1, "leadgate.journal", 0},
		"a file of before the checkpoint":             {db1, journal3, "leadgate.db", 0},
		"a file of before the checkpoint, idle":       {db1, journal2, "leadgate.db", 0},
		"a file two steps behind the journal's head":  {db1, headed(t, journal1, 2), "leadgate.db", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.db, c.journal)
			e, err := Open(Config{Dir: dir, LockTimeout: time.Second}, testOptions())
			if c.file == "" {
				if err != nil {
					t.Fatal(err)
				}
				if n := backlog(t, crashed(t, e, func(b []byte) []byte { return b })); n != c.waits {
					t.Fatalf("%d wait, want %d", n, c.waits)
				}
				return
			}
			if damage, ok := errors.AsType[*Damage](err); !ok || damage.File != filepath.Join(dir, c.file) {
				t.Fatalf("error %v, want that %s is damaged", err, c.file)
			}
		})
	}
	// What a crash left is no damage for a repair either.
	dir = folder(t, db1, headed(t, journal1, 1))
	if r, err := Repair(dir, time.Now()); err != nil || len(r.Damage) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	// And beside damage its journal is read.
	dir = folder(t, zeroed(db1, 0, 2*pageSize), headed(t, journal1, 1))
	if r, err := Repair(dir, time.Now()); err != nil || r.Saved != 1 || r.Lost != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// headed is a journal whose head says a generation that is so many later.
func headed(t *testing.T, file []byte, later uint64) []byte {
	t.Helper()
	h, err := journal.ReadHead(file)
	if err != nil {
		t.Fatal(err)
	}
	h.Generation += later
	changed := h.Append(nil)
	return append(changed, file[len(changed):]...)
}

// What a crash leaves of a first start, at any moment, is no damage.
func TestEmbeddedFirstStart(t *testing.T) {
	half := map[string][]byte{"leadgate.db.new": []byte("half a file"), "leadgate.journal.new": nil}
	dir := t.TempDir()
	for name, b := range half {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "leadgate.db")
	if err := makeFile(path, time.Second, func(*bolt.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	withoutJournal, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := openTest(t, dir)
	_, journal := grab(t, e)
	for name, c := range map[string]string{
		"nothing":                         folder(t, nil, nil),
		"the file alone":                  folder(t, withoutJournal, nil),
		"a journal of which it is silent": folder(t, withoutJournal, journal),
	} {
		t.Run(name, func(t *testing.T) {
			e := openTest(t, c)
			mustAppend(t, e, testGroup(1, 100))
			if n := backlog(t, crashed(t, e, func(b []byte) []byte { return b })); n != 1 {
				t.Fatalf("%d wait, want 1", n)
			}
		})
	}
	for name := range half {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// A folder that format 3 wrote, and a crash of that edge left, goes on with all that was
// in both files; and from then on they are a pair. So it does where the first start of
// this Leadgate was killed in the middle.
func TestEmbeddedFormat3(t *testing.T) {
	dir := t.TempDir()
	unpack(t, "testdata/format3.tgz", dir)
	old, err := os.ReadFile(filepath.Join(dir, "leadgate.journal"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(e *Store) {
		t.Helper()
		info, err := e.Destinations(t.Context())
		if err != nil || len(info) != 1 || info[0].Backlog != 2 || info[0].Dead != 1 {
			t.Fatalf("%+v, %v: want 2 that wait, and 1 dead letter", info, err)
		}
		for n := range uint64(4) {
			if r := mustAppend(t, e, testGroup(n+1, 100)); r[0].New[0] {
				t.Errorf("event %d is not remembered", n+1)
			}
		}
	}
	e := openTest(t, dir)
	check(e)
	db, journal := grab(t, e)
	check(openTest(t, folder(t, db, journal)))
	if _, err := Open(Config{Dir: folder(t, db, nil)}, testOptions()); err == nil {
		t.Fatal("a file of this format is opened without its journal")
	}

	// Killed after the file was written, before the journal was.
	again := t.TempDir()
	unpack(t, "testdata/format3.tgz", again)
	inTheWay := filepath.Join(again, "leadgate.journal.new", "in the way")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	half := openTest(t, again)
	db, left := grab(t, half)
	if string(left) != string(old) {
		t.Fatal("the journal was written over")
	}
	check(openTest(t, folder(t, db, left)))
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The doctor says what it can see without opening anything.
func TestExamineDamage(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100))
	db, journal := grab(t, e)
	for name, c := range map[string]struct {
		db, journal []byte
		want        finding.Level
		says        string
	}{
		"whole":         {db, journal, finding.OK, "can be written"},
		"no file":       {nil, journal, finding.Fail, "leadgate.db is damaged: it is missing"},
		"no journal":    {db, nil, finding.Warn, "leadgate.journal is missing"},
		"an empty file": {[]byte{}, journal, finding.Fail, "leadgate.db is damaged: it is empty"},
		"a cut journal": {db, journal[:5000], finding.Fail, "leadgate.journal is damaged: it is cut"},
	} {
		t.Run(name, func(t *testing.T) {
			found := Examine(folder(t, c.db, c.journal), 1<<20)
			if len(found) != 1 || found[0].Level != c.want || !strings.Contains(found[0].What, c.says) {
				t.Errorf("%+v, want %v and %q", found, c.want, c.says)
			}
			if c.want != finding.OK && !strings.Contains(found[0].Fix, "caddy leadgate repair --dir ") {
				t.Errorf("the fix is %q", found[0].Fix)
			}
		})
	}
}
