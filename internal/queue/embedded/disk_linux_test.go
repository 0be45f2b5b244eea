package embedded

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// A disk that is really full: a tmpfs of 48 MB.
func TestEmbeddedFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("leadgate", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	e := openTest(t, dir)
	fill := func(from uint64) (n uint64) {
		for ; ; n++ {
			switch err := e.Append(t.Context(), []queue.Group{testGroup(from+n, 20_000)})[0].Err; {
			case errors.Is(err, queue.ErrFull):
				return n
			case err != nil:
				t.Fatalf("appending: %v, want %v", err, queue.ErrFull)
			}
		}
	}
	stored := fill(0)
	if stored < 500 {
		t.Fatalf("only %d entries of 20 kB on 48 MB", stored)
	}
	// Somebody else takes the rest, and the edge is started again.
	rest, err := os.Create(dir + "/rest")
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = rest.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	if err := errors.Join(rest.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir)
	// What the journal held took less room than it might have: that is left.
	n := fill(100_000)
	if n > stored/5 {
		t.Fatalf("%d entries were stored on a full disk", n)
	}
	stored += n
	d := e.Drain(testDest, func() {})
	defer d.Close()
	drained := uint64(0)
	var after queue.Pos
	for {
		entries, err := d.Read(t.Context(), after, 7, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		// Not the whole: what stays keeps every page in use.
		for i, entry := range entries {
			after = entry.Pos
			if i == 0 {
				err = d.Dead(t.Context(), []queue.Death{{Pos: entry.Pos, Reason: queue.Reason{Reason: "400"}}})
			} else {
				err = d.Done(t.Context(), []queue.Pos{entry.Pos})
			}
			if err != nil {
				t.Fatalf("draining on a full disk: %v", err)
			}
			drained++
		}
	}
	if drained != stored {
		t.Fatalf("%d drained of %d", drained, stored)
	}
	// What was drained is room again, on the same full disk.
	again := fill(200_000)
	if again < stored/3 {
		t.Fatalf("only %d entries fitted where %d were drained", again, stored)
	}
	if err := os.Remove(dir + "/rest"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DropDead(t.Context(), queue.DeadFilter{}); err != nil {
		t.Fatal(err)
	}
	if fill(300_000) == 0 {
		t.Fatal("nothing fitted after the disk had room again")
	}
	t.Logf("%d entries, then %d on the full disk", stored, again)
}
