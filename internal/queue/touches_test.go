package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTouches compares what is kept with all that came: of all and of each kind the
// oldest and the newest, where of equal times the later one is the newer.
func TestTouches(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		var touches Touches
		var all []Click
		for n := range 1 + r.IntN(20) {
			c := Click{At: r.Int64N(6), Kind: ClickKind(r.IntN(int(ClickKinds))), Data: []byte(fmt.Sprint(n))}
			touches, all = touches.Add(c), append(all, c)
		}
		slices.SortStableFunc(all, func(a, b Click) int { return int(a.At - b.At) })
		got := touches.Clicks()
		show := func(what string, oldest, newest []byte, of []Click) {
			var want [2]string
			if len(of) > 0 {
				want = [2]string{string(of[0].Data), string(of[len(of)-1].Data)}
			}
			if (oldest == nil) != (len(of) == 0) || [2]string{string(oldest), string(newest)} != want {
				t.Fatalf("seed %d: %s %q and %q, want %q", seed, what, oldest, newest, want)
			}
		}
		show("of all", got.First, got.Last, all)
		for kind := range ClickKinds {
			of := slices.DeleteFunc(slices.Clone(all), func(c Click) bool { return c.Kind != kind })
			show(fmt.Sprint("kind ", kind), got.Oldest[kind], got.Newest[kind], of)
		}
		if len(touches) > 2*int(ClickKinds) {
			t.Fatalf("seed %d: %d clicks are kept", seed, len(touches))
		}
	}
}

// TestOldTouches: what was kept of clicks before links says of each what it is.
func TestOldTouches(t *testing.T) {
	ad := func(at int64) Click { return Click{At: at, Data: []byte(`[{"ctwaClid":null,"adId":"1"},{}]`)} }
	clid := func(at int64) Click { return Click{At: at, Data: fmt.Appendf(nil, `[{"ctwaClid":"%d"},{}]`, at)} }
	for name, c := range map[string]struct {
		first, last, clid Click
		want              string
	}{
		"one without":            {ad(1), ad(1), Click{}, "1/0 "},
		"one with":               {clid(1), clid(1), clid(1), "1/1 "},
		"with, then without":     {clid(1), ad(2), clid(1), "1/1 2/0 "},
		"without, then with":     {ad(1), clid(2), clid(2), "1/0 2/1 "},
		"two with":               {clid(1), clid(2), clid(2), "1/1 2/1 "},
		"three":                  {clid(1), ad(3), clid(2), "1/1 2/1 3/0 "},
		"three of two kinds":     {ad(1), ad(3), clid(2), "1/0 2/1 3/0 "},
		"two without":            {ad(1), ad(2), Click{}, "1/0 2/0 "},
		"with and no id by name": {Click{At: 1, Data: []byte("x")}, Click{At: 2, Data: []byte("y")}, Click{At: 2, Data: []byte("y")}, "1/0 2/1 "},
		"of one time":            {ad(1), Click{At: 1, Data: []byte("y")}, clid(1), "1/0 1/1 1/0 "},
	} {
		got := ""
		for _, t := range OldTouches(c.first, c.last, c.clid) {
			got += fmt.Sprintf("%d/%d ", t.At, t.Kind)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
