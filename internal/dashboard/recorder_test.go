package dashboard

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/metrics"
)

// TestHistory holds the rings to their steps and sizes.
func TestHistory(t *testing.T) {
	h := history{step: 10_000, size: 3}
	for _, at := range []int64{0, 1000, 2400, 9500, 19_000, 29_000, 38_500, 100_000} {
		h.add(snapshot{at: at})
	}
	var got []int64
	for _, s := range h.snapshots {
		got = append(got, s.at)
	}
	want := []int64{19_000, 29_000, 38_500, 100_000}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	l := latencies{bounds: []float64{.001, .01, .1}, counts: []uint64{50, 90, 98}, total: 100}
	for q, want := range map[float64]float64{.25: .5, .5: 1, .9: 10, .94: 55, .99: 100} {
		if got := l.quantile(q); got == nil || math.Abs(*got-want) > 1e-9 {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	if got := (latencies{}).quantile(.5); got != nil {
		t.Errorf("of nothing: %v", *got)
	}
	before := latencies{bounds: l.bounds, counts: []uint64{50, 50, 50}, total: 50}
	if d := l.minus(&before); d.total != 50 || d.counts[0] != 0 || d.counts[1] != 40 || l.counts[1] != 90 {
		t.Errorf("difference: %+v", d)
	}
}

// TestRecorder reads traffic of its own, by a clock of its own.
func TestRecorder(t *testing.T) {
	traffic := metrics.Traffic{
		Webhooks: map[string]uint64{}, Deliveries: map[string]uint64{},
		Acks: metrics.Histogram{Bounds: []float64{.001, .01, 1}, Counts: make([]uint64, 3)},
	}
	acknowledged := func(seconds float64) {
		traffic.Acks.Total++
		for i, bound := range traffic.Acks.Bounds {
			if seconds <= bound {
				traffic.Acks.Counts[i]++
			}
		}
	}
	clock := time.UnixMilli(1736535600000)
	r := NewRecorder(func() time.Time { return clock }, func() metrics.Traffic {
		now := traffic
		now.Acks.Counts = slices.Clone(now.Acks.Counts)
		return now
	})

	traffic.Webhooks["queued"] += 1000 // before it began
	acknowledged(.5)
	r.Sample()
	for i := range 6000 {
		clock = clock.Add(sampleEvery)
		traffic.Webhooks["queued"]++
		if i%2 == 0 {
			traffic.Webhooks["unauthorized"] += 2
			traffic.Webhooks["handshake"] += 7
			traffic.Webhooks["unavailable"]++
			traffic.Deliveries["delivered"] += 3
			traffic.Deliveries["retried"]++
			traffic.Deliveries["again"]++
			acknowledged(.0005)
		}
		r.Sample()
	}
	hour, _ := r.series("hour", 0)
	if len(hour.At) != hourSteps || hour.Accepted[0] != 1 || hour.Refused[0]+hour.Refused[1] != 2 ||
		hour.Unavailable[0]+hour.Unavailable[1] != 1 ||
		hour.Delivered[0]+hour.Delivered[1] != 3 || hour.Failed[0]+hour.Failed[1] != 1 || hour.Since != 1736535600000 {
		t.Errorf("hour: %+v", hour)
	}
	if a, b := hour.AckP50[0], hour.AckP50[1]; (a == nil) == (b == nil) {
		t.Errorf("every second step has acknowledgements: %v, %v", a, b)
	}
	if last := hour.At[len(hour.At)-1]; last != clock.UnixMilli() {
		t.Errorf("ends at %d, not %d", last, clock.UnixMilli())
	}
	if day, _ := r.series("day", 0); len(day.At) != daySteps || day.Accepted[3] != uint64(dayStep/sampleEvery) ||
		day.Step != dayStep.Milliseconds() {
		t.Errorf("day: %d steps, %v", len(day.At), day.Accepted)
	}
	if newer, _ := r.series("hour", clock.Add(-40*time.Second).UnixMilli()); len(newer.At) != 3 {
		t.Errorf("%d steps in 40 s", len(newer.At))
	}
	if _, ok := r.series("week", 0); ok {
		t.Error("a week is known")
	}
	traffic.Webhooks["duplicate"] += 5 // since the last sample
	w := r.window()
	if w.Accepted != uint64(hourSteps)+5 || w.From != clock.Add(-time.Hour).UnixMilli() || w.AckP50 == nil || *w.AckP50 != .5 {
		t.Errorf("window: %+v", w)
	}
}

// TestOutcomes notices an outcome of webhooks that the dashboard does not know.
func TestOutcomes(t *testing.T) {
	source := ""
	for _, file := range []string{"../../caddymodule/handler.go", "../../caddymodule/serve.go", "../intake/outcome.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	for _, outcome := range []string{
		"queued", "duplicate", "unmatched", "empty", "inline",
		"unauthorized", "malformed", "too_large", "unreadable", "method", "unavailable", "busy",
	} {
		if webhookClass[outcome] == nil {
			t.Errorf("outcome %s is not counted", outcome)
		}
		if !strings.Contains(source, `"`+outcome+`"`) {
			t.Errorf("outcome %s does not exist any more", outcome)
		}
	}
}
