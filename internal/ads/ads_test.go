package ads

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestDayOf counts by the event's own day, or that of its arrival.
func TestDayOf(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixMilli()
	for _, c := range []struct{ at, want int64 }{
		{now, now / queue.DayMS}, {now - 3*queue.DayMS, now/queue.DayMS - 3}, {now + queue.DayMS, now/queue.DayMS + 1},
		{now + 2*queue.DayMS, now / queue.DayMS}, {0, now / queue.DayMS}, {-5, now / queue.DayMS},
	} {
		if got := dayOf(c.at, now); got != c.want {
			t.Errorf("%d: day %d, want %d", c.at, got, c.want)
		}
	}
}

// TestValue adds amounts up as they are, whatever their size.
func TestValue(t *testing.T) {
	for _, text := range []string{
		"0", "1", "12.5", "0.005", "999999999", "9999999.99", "10000000",
		"123456789012345678901234567890", "0.000000000000000000000000000001", "1000000000000000000.01",
	} {
		a := NewCounter(&queue.Group{}, 0, 0, Ad{ID: "1"})
		a.value("USD", text, 0)
		a.value("USD", text, 0)
		row := shownOf(merged(a.group.Counters))
		want, _ := new(big.Rat).SetString(text)
		got, ok := new(big.Rat).SetString(string(row.Value["USD"]))
		if text == "0" {
			if len(row.Value) != 0 {
				t.Errorf("0: %v", row.Value)
			}
			continue
		}
		if want.Add(want, want); !ok || got.Cmp(want) != 0 {
			t.Errorf("%s twice: %s", text, row.Value["USD"])
		}
	}
	a := NewCounter(&queue.Group{}, 0, 0, Ad{ID: strings.Repeat("1", 65), Headline: strings.Repeat("ä", 200)})
	if a.Ad.ID != "" || len(a.Ad.Headline) > maxHeadline+3 ||
		!strings.HasPrefix(strings.Repeat("ä", 200)+"…", strings.TrimSuffix(a.Ad.Headline, "…")) {
		t.Errorf("id %q, headline %q", a.Ad.ID, a.Ad.Headline)
	}
	a.value("USD", "-1", 0)
	a.value("USD", "x", 0)
	if len(a.group.Counters) != 0 {
		t.Errorf("counted %v", a.group.Counters)
	}
}

// merged adds counters up as a store does.
func merged(counters []queue.Counter) []queue.Count {
	sums := map[string]int64{}
	for _, c := range counters {
		if c.Add > queue.MaxAdd {
			panic("more than a store takes")
		}
		sums[c.Field] += c.Add
	}
	out := []queue.Count{{Field: "none"}}
	for field, n := range sums {
		out = append(out, queue.Count{Field: field, N: n})
	}
	return out
}

func shownOf(counts []queue.Count) Row {
	return grouped("acme", partsOf("acme", counts, nil), ByAdAndDay, nil)[0]
}
