package embedded

import (
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// BenchmarkEmbeddedAppend is one webhook with one event by each of 64 writers,
// with its latencies: on an empty store, on one that has drained 350 000
// entries, and on one that remembers a million ids.
func BenchmarkEmbeddedAppend(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1.2kB", 1200}, {"2.9kB", 2900}} {
		for _, before := range []struct {
			name string
			do   func(testing.TB, *Store, int)
		}{
			{"empty", func(testing.TB, *Store, int) {}},
			{"drained350k", func(t testing.TB, e *Store, size int) {
				for i := range uint64(7) {
					load(t, e, 1<<32+i*50_000, 50_000, size)
				}
				drainAll(t, e, testDest, 1000)
			}},
			{"remember1M", func(t testing.TB, e *Store, _ int) {
				rememberIDs(t, e, 1<<33, 1_000_000, func(j uint64, id queue.ID) int64 { return int64(j-1<<33)/1000*1000 - int64(id[3])*8 })
			}},
		} {
			b.Run(size.name+"/"+before.name, func(b *testing.B) {
				e := openTest(b, b.TempDir())
				before.do(b, e, size.bytes)
				b.SetBytes(int64(size.bytes))
				b.ReportAllocs()
				b.ResetTimer()
				appendAll(b, e, size.bytes)
			})
		}
	}
}

func appendAll(b *testing.B, e *Store, size int) {
	const writers = 64
	took := make([][]time.Duration, writers)
	payload := make([]byte, size)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				g := testGroup(uint64(n), 0)
				g.Payloads[0] = payload
				// As in life: the events' times go on with the clock.
				g.Events[0].Time = testNow.UnixMilli() + n/50
				begin := time.Now()
				if r := e.Append(b.Context(), []queue.Group{g}); r[0].Err != nil {
					b.Error(r[0].Err)
					return
				}
				took[w] = append(took[w], time.Since(begin))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkEmbeddedDrain reads and removes 100 at a time.
func BenchmarkEmbeddedDrain(b *testing.B) {
	e := openTest(b, b.TempDir())
	load(b, e, 1, uint64(b.N), 1200)
	b.ReportAllocs()
	b.ResetTimer()
	drainAll(b, e, testDest, 100)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkEmbeddedDisk says what an entry takes on disk, in payloads.
func BenchmarkEmbeddedDisk(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(diskUse(b, 30_000, 2900), "disk/payload")
	}
}

// What waits takes at most 1.3 times its payload on disk, its ids included.
func TestEmbeddedDisk(t *testing.T) {
	if use := diskUse(t, 30_000, 2900); use > 1.3 {
		t.Errorf("%.2f times the payload on disk", use)
	}
}

func diskUse(t testing.TB, n, size int) float64 {
	e := openTest(t, t.TempDir())
	load(t, e, 1, uint64(n), size)
	settled(t, e)
	var used int64
	if err := e.view(t.Context(), func(tx *bolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(e.path)
	if err != nil {
		t.Fatal(err)
	}
	// What the file has in reserve is the same at every size.
	if ahead := info.Size() - used; ahead > 2*commitBytes+spaceReserve+spaceStep+2<<20 && runtime.GOOS == "linux" {
		t.Errorf("%d bytes in reserve", ahead)
	}
	return float64(used) / float64(n*size)
}

// load appends n entries, 50 in a call.
func load(t testing.TB, e *Store, from, n uint64, size int) {
	payload := make([]byte, size)
	for i := from; i < from+n; i += 50 {
		var groups []queue.Group
		for j := i; j < min(i+50, from+n); j++ {
			g := testGroup(j, 0)
			g.Payloads[0] = payload
			g.Events[0].Time = testNow.Add(-time.Hour).UnixMilli() + int64(j-from)
			groups = append(groups, g)
		}
		mustAppend(t, e, groups...)
	}
}

func drainAll(t testing.TB, e *Store, dest queue.Dest, n int) {
	d := e.Drain(dest, func() {})
	defer d.Close()
	var after queue.Pos
	at := make([]queue.Pos, 0, n)
	for {
		entries, err := d.Read(t.Context(), after, n, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return
		}
		at = at[:0]
		for i := range entries {
			at = append(at, entries[i].Pos)
		}
		after = at[len(at)-1]
		if err := d.Done(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkEmbeddedDrainShared is BenchmarkEmbeddedDrain of what three destinations share.
func BenchmarkEmbeddedDrainShared(b *testing.B) {
	e := openTest(b, b.TempDir())
	g := testGroup(1, 1200)
	for i := uint64(0); i < uint64(b.N); i += 50 {
		var groups []queue.Group
		for j := i; j < min(i+50, uint64(b.N)); j++ {
			g = testGroup(j, 1200)
			for _, name := range []string{"n8n", "meta"} {
				job := g.Jobs[0]
				job.Dest.Name = name
				g.Jobs = append(g.Jobs, job)
			}
			groups = append(groups, g)
		}
		mustAppend(b, e, groups...)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range g.Jobs {
		drainAll(b, e, g.Jobs[i].Dest, 100)
	}
	b.ReportMetric(float64(3*b.N)/b.Elapsed().Seconds(), "entries/s")
}
