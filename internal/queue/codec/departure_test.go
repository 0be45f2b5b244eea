package codec

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

func TestDepartureRoundTrip(t *testing.T) {
	const at = 1736535600000
	run := make([]queue.Pos, 1000)
	for i := range run {
		run[i] = queue.Pos{Seq: uint64(1<<40 + i)}
	}
	bundles := []queue.Pos{
		{Ms: at, Seq: 1}, {Ms: at, Seq: 2}, {Ms: at, Seq: 1<<8 | 1}, {Ms: at + 7}, {Ms: at + 7, Seq: 3}, {Ms: 1<<64 - 1, Seq: 1<<64 - 1},
	}
	for _, entries := range [][]queue.Pos{nil, {{}}, {{Seq: 1}}, {{Ms: 1}}, run, bundles} {
		b := AppendDeparture(nil, at, entries)
		got, err := DecodeDeparture(b)
		if err != nil || got.At != at || len(entries) != len(got.Entries) || len(entries) > 0 && !reflect.DeepEqual(got.Entries, entries) {
			t.Errorf("got %+v and %v, want %+v", got, err, entries)
		}
		for n := 1; n < len(b); n++ {
			if cut, err := DecodeDeparture(b[:n]); err == nil && len(cut.Entries) >= max(len(entries), 1) {
				t.Errorf("%d of %d bytes were decoded", n, len(b))
			}
		}
	}
	if n := len(AppendDeparture(nil, at, run)); n > 24 {
		t.Errorf("a thousand entries in a row take %d bytes", n)
	}
	mixed := append(run[:0:0], run...)
	rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	if got, err := DecodeDeparture(AppendDeparture(nil, at, append(mixed, mixed[0]))); err != nil || !reflect.DeepEqual(got.Entries, run) {
		t.Error("entries in any order are not read in their own")
	}
	if _, err := DecodeDeparture(append(AppendDeparture(nil, at, nil), 0, 0, 255, 255, 255, 255, 7)); err == nil {
		t.Error("a record of two thousand million entries was decoded")
	}
}
