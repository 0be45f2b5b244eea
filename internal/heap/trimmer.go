package heap

import (
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync"
	"time"
)

// Trimmer gives memory back to the system when a burst is over. Go's collector
// runs when the heap has doubled, or every two minutes, so that an edge which
// has just taken large bodies, or thousands of connections, would keep what they
// took while it waits for work, beside what the next burst takes.
type Trimmer struct {
	resident func() uint64 // bytes of memory that Go holds
	free     func()        // collects, and gives back what is free
	now      func() time.Time

	last time.Time     // when memory was last given back
	wait time.Duration // for how long then not again

	quit  chan struct{}
	owner sync.WaitGroup
}

const (
	trimTick = time.Second
	// Below this there is nothing to gain: a busy edge is smaller.
	trimFloor = 96 << 20
	// Memory that was given back costs time when it is needed again: half a
	// second's worth for each gigabyte, so not more often than this.
	trimWait = 3 * time.Second
	// What is still held is in use; it is tried again when that may be over.
	trimMost = 30 * time.Second
	// Giving back may take a hundredth of the time.
	trimShare = 100
)

// NewTrimmer returns one that has not begun.
func NewTrimmer() *Trimmer {
	return &Trimmer{resident: residentHeap, free: debug.FreeOSMemory, now: time.Now, wait: trimWait, quit: make(chan struct{})}
}

// Start looks each second, until Stop, which waits for it.
func (t *Trimmer) Start() {
	t.owner.Go(func() {
		ticker := time.NewTicker(trimTick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				t.look()
			case <-t.quit:
				return
			}
		}
	})
}

// Stop ends what Start began, and waits for it.
func (t *Trimmer) Stop() {
	close(t.quit)
	t.owner.Wait()
}

// look gives memory back where there may be much. Where that gained little, it
// waits twice as long before it tries again.
func (t *Trimmer) look() {
	before, began := t.resident(), t.now()
	if before < trimFloor {
		t.wait = trimWait
		return
	}
	if began.Sub(t.last) < t.wait {
		return
	}
	t.free()
	t.last = t.now()
	if gained := int64(before) - int64(t.resident()); gained < int64(before/4) {
		t.wait = min(2*t.wait, trimMost)
	} else {
		t.wait = trimWait
	}
	t.wait = max(t.wait, trimShare*t.last.Sub(began))
}

// residentHeap is the memory of Go's heap and stacks that is not given back, in
// bytes. The ballast is counted and not resident, see [HoldBallast].
func residentHeap() uint64 {
	samples := []runtimemetrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	runtimemetrics.Read(samples)
	total := uint64(0)
	for i := range samples {
		if samples[i].Value.Kind() == runtimemetrics.KindUint64 {
			total += samples[i].Value.Uint64()
		}
	}
	return total - min(total, held())
}
