package embedded

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Slices know where a key may be, forget those before a number, and are large enough.
func TestSliced(t *testing.T) {
	var s sliced
	const n = 2*sliceKeys + 10
	for i := range uint64(n) {
		s.put(place{s.next(), codec.HashKey("acme", fmt.Sprint(i))})
	}
	wrong := 0
	for i := range uint64(2 * n) {
		var found []uint32
		s.find(codec.HashKey("acme", fmt.Sprint(i)), func(p place) bool {
			found = append(found, p.slice)
			return false
		})
		want := uint32(i/sliceKeys + 1)
		if i < n && !slices.Contains(found, want) {
			t.Fatalf("key %d is in slices %v, want %d", i, found, want)
		}
		if wrong += len(found); i < n {
			wrong--
		}
	}
	if s.last != 3 || wrong > n/10 {
		t.Errorf("%d slices, and %d of %d looks in vain", s.last, wrong, n)
	}
	s.drop(2)
	if got := s.groups[0].slices[0].number; got != 2 || s.old(2) || !s.old(0) {
		t.Errorf("the first slice is %d", got)
	}
	s.drop(4)
	if len(s.groups) > 0 || s.next() != 4 {
		t.Error("slices are left")
	}
	if p := (place{7, codec.KeyHash{9}}); placeOf(p.key(nil)) != p || placeOf(place{0, p.hash}.key(nil)).slice != 0 {
		t.Error("a place is not what its key says")
	}
}
