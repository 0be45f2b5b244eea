package embedded

import (
	"errors"
	"os"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestEmbeddedUnmarked: a checkpoint of which only the mark behind it found no room was made,
// so that the file is opened again, and not gone on with as if nothing had been stored.
func TestEmbeddedUnmarked(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100))
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.journal.Announce(e.journal.Head.Generation+1), e.journal.File.Close()); err != nil {
		t.Fatal(err)
	}
	e.journal.File = full
	err = e.do(t.Context(), 0, func(t *txn) error { t.writes, t.whole = t.writes+1, true; return nil })
	if !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("error %v, want %v", err, queue.ErrUnavailable)
	}
	mustAppend(t, e, testGroup(2, 100))
	if n := backlog(t, crashed(t, e, func(b []byte) []byte { return b })); n != 2 {
		t.Fatalf("%d wait after a crash, want 2", n)
	}
}
