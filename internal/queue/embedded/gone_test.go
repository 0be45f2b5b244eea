package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// What comes while a file's name does not lead to the open file is refused, a redelivery
// of what came at that moment too; what waits is still delivered; and when the folder is
// back, all goes on.
func TestEmbeddedGone(t *testing.T) {
	for name, c := range map[string]struct {
		take func(dir, aside string) error // the folder away
		back func(dir, aside string) error // nil: it does not come back
		tick bool                          // only a look finds it out
	}{
		"moved": {os.Rename, func(dir, aside string) error { return os.Rename(aside, dir) }, false},
		"another in its place": {
			func(dir, aside string) error {
				return errors.Join(os.Rename(dir, aside), os.CopyFS(dir, os.DirFS(aside)))
			},
			func(dir, aside string) error { return errors.Join(os.RemoveAll(dir), os.Rename(aside, dir)) }, false,
		},
		"removed":         {func(dir, _ string) error { return os.RemoveAll(dir) }, nil, false},
		"the file alone":  {func(dir, _ string) error { return os.Remove(filepath.Join(dir, "leadgate.db")) }, nil, true},
		"the file is cut": {func(dir, _ string) error { return os.Truncate(filepath.Join(dir, "leadgate.db"), 3*pageSize) }, nil, true},
		"the journal is cut": {
			func(dir, _ string) error { return os.Truncate(filepath.Join(dir, "leadgate.journal"), 0) }, nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, aside := filepath.Join(t.TempDir(), "queue"), filepath.Join(t.TempDir(), "aside")
			tick := make(chan time.Time)
			e := openTest(t, dir, func(c *Config) { c.Tick = tick })
			look := func() { tick <- testNow; tick <- testNow } // the first is done when the second is taken
			mustAppend(t, e, testGroup(1, 100), testGroup(2, 100))
			if err := c.take(dir, aside); err != nil {
				t.Fatal(err)
			}
			if c.tick {
				look()
			}
			for range 2 {
				if err := e.Append(t.Context(), []queue.Group{testGroup(3, 100)})[0].Err; !errors.Is(err, queue.ErrUnavailable) {
					t.Fatalf("error %v, want %v", err, queue.ErrUnavailable)
				}
			}
			if a := e.Alerts(); len(a) != 1 || a[0].Reason != queue.AlertGone {
				t.Fatalf("alerts %+v, want one that it is gone", a)
			}
			if name == "the file is cut" {
				return
			}
			d := e.Drain(testDest, func() {})
			defer d.Close()
			entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20)
			if err != nil || len(entries) < 2 {
				t.Fatalf("%d entries, %v, want 2 at least", len(entries), err)
			}
			if err := d.Done(t.Context(), []queue.Pos{entries[0].Pos}); err != nil {
				t.Fatal(err)
			}
			if c.back == nil {
				return
			}
			if err := c.back(dir, aside); err != nil {
				t.Fatal(err)
			}
			look()
			if a := e.Alerts(); len(a) != 0 {
				t.Fatalf("alerts %+v, want none", a)
			}
			mustAppend(t, e, testGroup(3, 100), testGroup(4, 100))
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if n := backlog(t, openTest(t, dir)); n != 3 {
				t.Fatalf("%d wait, want 3", n)
			}
		})
	}
}

// A file that is cut under an open store makes errors of what would end the process.
func TestEmbeddedFault(t *testing.T) {
	dir := t.TempDir()
	e := openTest(t, dir)
	for n := range uint64(200) {
		mustAppend(t, e, testGroup(n, 3000))
	}
	settled(t, e)
	if err := os.Truncate(e.path, 2*pageSize); err != nil {
		t.Fatal(err)
	}
	d := e.Drain(testDest, func() {})
	defer d.Close()
	if _, err := d.Read(t.Context(), queue.Pos{}, 1000, 1<<30); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("reading: %v, want %v", err, queue.ErrUnavailable)
	}
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 100}}); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("writing: %v, want %v", err, queue.ErrUnavailable)
	}
	if err := e.Append(t.Context(), []queue.Group{testGroup(1000, 100)})[0].Err; !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("appending: %v, want %v", err, queue.ErrUnavailable)
	}
}
