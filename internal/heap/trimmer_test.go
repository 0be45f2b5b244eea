package heap

import (
	"testing"
	"time"
)

// TestTrimmer: memory is given back after a burst, seldom where that gains
// nothing, and never by an edge that is as small as edges are.
func TestTrimmer(t *testing.T) {
	now := time.Unix(1_736_535_600, 0)
	held, stays := uint64(50<<20), uint64(40<<20)
	freed := 0
	trim := NewTrimmer()
	trim.now = func() time.Time { return now }
	trim.resident = func() uint64 { return held }
	trim.free = func() { freed++; held = min(held, stays) }
	after := func(d time.Duration, want int) {
		t.Helper()
		for end := now.Add(d); now.Before(end); now = now.Add(trimTick) {
			trim.look()
		}
		if freed != want {
			t.Fatalf("memory was given back %d times, want %d", freed, want)
		}
	}
	after(time.Hour, 0) // a small edge
	held = 500 << 20
	after(time.Second, 1)
	held = 300 << 20
	after(time.Second, 1) // not at once again
	after(trimWait, 2)
	held, stays = 400<<20, 400<<20 // in use
	after(5*time.Minute, 2+12)
	held, stays = 400<<20, 40<<20 // no more
	after(trimMost, 2+12+1)
	if held != stays {
		t.Errorf("%d bytes are held", held)
	}
}
