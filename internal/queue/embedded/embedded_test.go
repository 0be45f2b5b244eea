package embedded_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
)

var start = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)

// openEmbedded opens a store that no ticker disturbs.
func openEmbedded(t testing.TB, dir string, clock *queuetest.Clock) *embedded.Store {
	t.Helper()
	e, err := embedded.Open(embedded.Config{
		Dir: dir, Now: clock.Now, LockTimeout: 10 * time.Second, Tick: make(chan time.Time),
	}, queuetest.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestEmbedded(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Harness {
		dir, clock := t.TempDir(), queuetest.NewClock(start)
		e := openEmbedded(t, dir, clock)
		return queuetest.Harness{
			Queue: e,
			Clock: clock,
			Reopen: func(t *testing.T) queue.Queue {
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
				e = openEmbedded(t, dir, clock)
				return e
			},
			// What a crash leaves are the files as they are: copies of them, taken
			// while the store is open.
			Crash: func(t *testing.T) queue.Queue {
				crashed := t.TempDir()
				for _, name := range []string{"leadgate.db", "leadgate.journal"} {
					copyFile(t, filepath.Join(dir, name), filepath.Join(crashed, name))
				}
				dir = crashed
				e = openEmbedded(t, dir, clock)
				return e
			},
			Payloads: func(t *testing.T) int { return embedded.Payloads(t, e) },
			Sweep: func(t *testing.T) {
				if err := e.Sweep(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
}
