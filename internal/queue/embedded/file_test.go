package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

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
