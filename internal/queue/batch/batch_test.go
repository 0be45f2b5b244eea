package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// item is a number, and how much it adds.
type item struct {
	n       int
	size    int64
	written bool
}

// held is a batcher whose writes wait until they are let go.
type held struct {
	*Batcher[*item]
	began   chan []int // what each write has, when it begins
	letGo   chan struct{}
	written atomic.Int64
}

func hold(t *testing.T, cfg Config[*item]) *held {
	t.Helper()
	h := &held{began: make(chan []int, 100), letGo: make(chan struct{})}
	cfg.Write = func(items []*item) {
		var numbers []int
		for _, it := range items {
			numbers = append(numbers, it.n)
			it.written = true
		}
		h.began <- numbers
		<-h.letGo
		h.written.Add(int64(len(items)))
	}
	h.Batcher = New(cfg)
	return h
}

func (h *held) want(t *testing.T, numbers ...int) {
	t.Helper()
	if got := <-h.began; !slices.Equal(got, numbers) {
		t.Fatalf("a write has %v, want %v", got, numbers)
	}
}

// Who comes while a write runs goes with the next, in order.
func TestGathers(t *testing.T) {
	for _, yield := range []bool{false, true} {
		h := hold(t, Config[*item]{Yield: yield})
		h.Start(&item{n: 1})
		h.want(t, 1)
		for n := 2; n <= 5; n++ {
			h.Start(&item{n: n})
		}
		h.letGo <- struct{}{}
		h.want(t, 2, 3, 4, 5)
		h.letGo <- struct{}{}
		h.Start(&item{n: 6})
		h.want(t, 6)
		close(h.letGo)
		h.Close()
	}
}

// A batch is full with the item with which it reaches the limit; one that is larger
// by itself goes alone.
func TestLimit(t *testing.T) {
	h := hold(t, Config[*item]{Size: func(it *item) int64 { return it.size }, Limit: 10})
	h.Start(&item{n: 1})
	h.want(t, 1)
	for i, size := range []int64{4, 5, 1, 100, 9, 100, 0} {
		h.Start(&item{n: i + 2, size: size})
	}
	for _, want := range [][]int{{2, 3, 4}, {5}, {6, 7}, {8}} {
		h.letGo <- struct{}{}
		h.want(t, want...)
	}
	close(h.letGo)
	h.Close()
}

// Do returns when its item was written, and not before.
func TestDoWaits(t *testing.T) {
	h := hold(t, Config[*item]{})
	it, end := &item{n: 1}, make(chan error)
	go func() { end <- h.Do(context.Background(), it) }()
	h.want(t, 1)
	select {
	case err := <-end:
		t.Fatal("it did not wait:", err)
	default:
	}
	h.letGo <- struct{}{}
	if err := <-end; err != nil || !it.written {
		t.Errorf("%v, written: %v", err, it.written)
	}
	h.Close()
}

// Who gives up leaves an item that is written all the same, and takes nobody else's
// turn: channels of such callers are not used again.
func TestGivesUp(t *testing.T) {
	h := hold(t, Config[*item]{})
	why := errors.New("the client is gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	end, left := make(chan error), &item{n: 1}
	go func() { end <- h.Do(ctx, left) }()
	h.want(t, 1)
	cancel(why)
	if err := <-end; !errors.Is(err, why) {
		t.Errorf("error %v, want the cause", err)
	}
	go func() { end <- h.Do(context.Background(), &item{n: 2}) }()
	h.letGo <- struct{}{}
	h.want(t, 2)
	select {
	case err := <-end:
		t.Fatal("woken by another's write:", err)
	default:
	}
	h.letGo <- struct{}{}
	if err := <-end; err != nil || !left.written {
		t.Errorf("%v, written: %v", err, left.written)
	}
	h.Close()
}

// Close waits for what was taken, may be called again, and refuses what comes later.
func TestClose(t *testing.T) {
	h := hold(t, Config[*item]{})
	h.Start(&item{n: 1})
	h.want(t, 1)
	h.Start(&item{n: 2})
	var closers sync.WaitGroup
	for range 2 {
		closers.Go(func() {
			h.Close()
			if n := h.written.Load(); n != 2 {
				t.Errorf("closed after %d of 2 were written", n)
			}
		})
	}
	close(h.letGo)
	closers.Wait()
	h.Start(&item{n: 3})
	if err := h.Do(t.Context(), &item{n: 4}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v after Close", err)
	}
	if n := h.written.Load(); n != 2 {
		t.Errorf("%d were written after Close", n-2)
	}
}

// Many callers: each item is written once, and its caller sees that it is.
func TestManyCallers(t *testing.T) {
	writing := 0
	b := New(Config[*item]{Yield: true, Size: func(*item) int64 { return 1 }, Limit: 7, Write: func(items []*item) {
		if writing++; writing != 1 || len(items) == 0 || len(items) > 7 {
			t.Errorf("%d writes at once, of %d items", writing, len(items))
		}
		for _, it := range items {
			it.n++
		}
		writing--
	}})
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for range 200 {
				it := &item{}
				if err := b.Do(context.Background(), it); err != nil || it.n != 1 {
					t.Errorf("%v, written %d times", err, it.n)
				}
			}
		})
	}
	callers.Wait()
	b.Close()
}

// BenchmarkDo is what waiting for a write costs that costs nothing: no allocation.
func BenchmarkDo(b *testing.B) {
	batcher := New(Config[*item]{Yield: true, Write: func([]*item) {}})
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		it := &item{}
		for pb.Next() {
			if err := batcher.Do(context.Background(), it); err != nil {
				b.Error(err)
			}
		}
	})
	batcher.Close()
}
