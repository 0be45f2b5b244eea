package deque

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDeque does the same at random to a Deque and to a slice.
func TestDeque(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var d Deque[int]
	var want []int
	for i := range 20_000 {
		switch n := r.IntN(10); {
		case n < 4:
			d.Push(i)
			want = append(want, i)
		case n < 6:
			d.PushFront(i)
			want = slices.Insert(want, 0, i)
		case len(want) == 0:
		case n < 9:
			if got := d.Pop(); got != want[0] {
				t.Fatalf("step %d: popped %d, want %d", i, got, want[0])
			}
			want = want[1:]
		default:
			at := r.IntN(len(want))
			if got := d.Remove(at); got != want[at] {
				t.Fatalf("step %d: removed %d, want %d", i, got, want[at])
			}
			want = slices.Delete(want, at, at+1)
		}
		if d.Len() != len(want) {
			t.Fatalf("step %d: %d, want %d", i, d.Len(), len(want))
		}
		if n := len(want); n > 0 && d.At(n-1) != want[n-1] {
			t.Fatalf("step %d: the last is %d, want %d", i, d.At(n-1), want[n-1])
		}
	}
}
