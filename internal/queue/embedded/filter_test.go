package embedded

import (
	"fmt"
	"testing"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

func TestFilter(t *testing.T) {
	var f filter
	const n = 200_000
	for i := range n {
		f.add(codec.HashKey("acme", fmt.Sprint(i)))
	}
	size := 0
	for i := range f.layers {
		size += len(f.layers[i].bits)
	}
	for i := range n {
		if !f.has(codec.HashKey("acme", fmt.Sprint(i))) {
			t.Fatalf("%d was added and is not there", i)
		}
	}
	wrong := 0
	for i := range n {
		if f.has(codec.HashKey("acme", fmt.Sprint(n+i))) {
			wrong++
		}
	}
	t.Logf("%.1f %% wrong, %.1f bytes each", 100*float64(wrong)/n, float64(size)/n)
	if wrong > n/20 {
		t.Errorf("%d of %d that were never added seem to be there", wrong, n)
	}
}
