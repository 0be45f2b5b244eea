package caddymodule

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/normalize"
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
	traffic := metrics.Traffic{Webhooks: map[string]uint64{}, Deliveries: map[string]uint64{}, Acks: metrics.Histogram{Bounds: []float64{.001, .01, 1}, Counts: make([]uint64, 3)}}
	acknowledged := func(seconds float64) {
		traffic.Acks.Total++
		for i, bound := range traffic.Acks.Bounds {
			if seconds <= bound {
				traffic.Acks.Counts[i]++
			}
		}
	}
	clock := time.UnixMilli(1736535600000)
	r := newRecorder(func() time.Time { return clock })
	r.traffic = func() metrics.Traffic {
		now := traffic
		now.Acks.Counts = slices.Clone(now.Acks.Counts)
		return now
	}

	traffic.Webhooks["queued"] += 1000 // before it began
	acknowledged(.5)
	r.begin()
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
		r.sample()
	}
	hour, _ := r.series("hour", 0)
	if len(hour.At) != hourSteps || hour.Accepted[0] != 1 || hour.Refused[0]+hour.Refused[1] != 2 || hour.Unavailable[0]+hour.Unavailable[1] != 1 ||
		hour.Delivered[0]+hour.Delivered[1] != 3 || hour.Failed[0]+hour.Failed[1] != 1 || hour.Since != 1736535600000 {
		t.Errorf("hour: %+v", hour)
	}
	if a, b := hour.AckP50[0], hour.AckP50[1]; (a == nil) == (b == nil) {
		t.Errorf("every second step has acknowledgements: %v, %v", a, b)
	}
	if last := hour.At[len(hour.At)-1]; last != clock.UnixMilli() {
		t.Errorf("ends at %d, not %d", last, clock.UnixMilli())
	}
	if day, _ := r.series("day", 0); len(day.At) != daySteps || day.Accepted[3] != uint64(dayStep/sampleEvery) || day.Step != dayStep.Milliseconds() {
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
	source := read(t, "handler.go") + read(t, "serve.go") + read(t, "../internal/intake/outcome.go")
	for _, outcome := range []string{"queued", "duplicate", "unmatched", "empty", "inline", "unauthorized", "malformed", "too_large", "unreadable", "method", "unavailable", "busy"} {
		if webhookClass[outcome] == nil {
			t.Errorf("outcome %s is not counted", outcome)
		}
		if !strings.Contains(source, `"`+outcome+`"`) {
			t.Errorf("outcome %s does not exist any more", outcome)
		}
	}
}

func TestShortenPhones(t *testing.T) {
	for in, want := range map[string]string{
		`{"waPhone":"+15551234567","waId":"15551234567","n":1.50,"x":null}`: `{"waPhone":"+1555…67","waId":"1555…67","n":1.50,"x":null}`,
		// What was seen is found in ids and texts that come later.
		`{"waPhone":"+15551234567","message":{"id":"true_15551234567@c.us_3A","text":"mail 15551234567"}}`: `{"waPhone":"+1555…67","message":{"id":"true_1555…67@c.us_3A","text":"mail 1555…67"}}`,
		`{"text":"call +1 (555) 123-4567 or 2026-11-20"}`:                                                  `{"text":"call +1555…67 or 2026-11-20"}`,
		`{"From":"whatsapp:+15551234567","Body":"x"}`:                                                      `{"From":"whatsapp:+1555…67","Body":"x"}`,
		`"From=whatsapp%3A%2B15551234567&WaId=15551234567&Body=x"`:                                         `"From=whatsapp%3A%2B1555…67&WaId=1555…67&Body=x"`,
		`{"chat_id":"15551234567@s.whatsapp.net"}`:                                                         `{"chat_id":"1555…67@s.whatsapp.net"}`,
		`{"phone":15551234567,"timestamp":1736535600,"id":106540352242922}`:                                `{"phone":"1555…67","timestamp":1736535600,"id":106540352242922}`,
		`{"id":"wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA="}`:                          `{"id":"wamid.…MUMxMAA="}`,
		// The business's own ids, ads and times are no contact's number.
		`{"phoneNumberId":"106540352242922","adId":"120210000000000001","ctwaClid":"Aff123456789"}`: `{"phoneNumberId":"106540352242922","adId":"120210000000000001","ctwaClid":"Aff123456789"}`,
		`{"contacts":[{"phones":[{"phone":"+1 555 987 6543","wa_id":"15559876543"}]}]}`:             `{"contacts":[{"phones":[{"phone":"+1555…43","wa_id":"1555…43"}]}]}`,
		`{"a":{"from":"15551234567"},"from":["1234567"],"a":"<img src=x onerror=alert(1)>"}`:        `{"a":{"from":"1555…67"},"from":["12…67"],"a":"<img src=x onerror=alert(1)>"}`,
	} {
		got, err := shortenPhones([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s:\n got %s (%v)\nwant %s", in, got, err, want)
		}
	}
	for _, bad := range []string{`{`, `{"a":}`, ``} {
		if got, err := shortenPhones([]byte(bad)); err == nil && len(got) > 0 {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// FuzzShortenPhones: what is valid stays valid, and keeps its shape.
func FuzzShortenPhones(f *testing.F) {
	f.Add([]byte(`{"waPhone":"+15551234567","raw":{"from":"15551234567","text":{"body":"+15551234567"}}}`))
	f.Add([]byte(`{"from":1555123456789012345678901234567890,"to":"%2B12345678"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := shortenPhones(in)
		if err != nil {
			return
		}
		if json.Valid(in) && !json.Valid(got) {
			t.Errorf("%q became %q", in, got)
		}
	})
}

// TestKeptEvents bounds the memory of the last events.
func TestKeptEvents(t *testing.T) {
	var ring eventRing
	ev := normalize.Event{TenantID: "acme", Kind: normalize.KindAccount, Provider: "meta", Raw: normalize.Value(`{"a":"` + strings.Repeat("x", maxKeptEvent) + `"}`)}
	ev.SetKey("key")
	ring.add(&ev)
	got := ring.after(0)
	if len(got) != 1 || !bytes.Contains(got[0].Event, []byte(`"raw":null`)) || !json.Valid(got[0].Event) {
		t.Fatalf("a large event is kept as %d, %.200s", len(got), got[0].Event)
	}
	ev.Raw = normalize.Value(`{}`)
	ev.Conversion = normalize.Value(`"` + strings.Repeat("x", 2*maxKeptEvent) + `"`)
	ring.add(&ev)
	if got := ring.after(0); len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("an event that is larger still is kept: %d", len(got))
	}
	ev.Conversion = nil
	for range 2 * keptEvents {
		ring.add(&ev)
	}
	got = ring.after(0)
	if len(got) != keptEvents || got[0].Seq != 2*keptEvents+1 || got[keptEvents-1].Seq != keptEvents+2 {
		t.Errorf("%d are kept, the newest %d", len(got), got[0].Seq)
	}
}

func BenchmarkRecordEvent(b *testing.B) {
	provider, err := newProvider("meta")
	if err != nil {
		b.Fatal(err)
	}
	body := click("wamid.1", "15551234567", "Aff-1")
	var batch normalize.Batch
	if err := provider.Normalize(nil, body, 1736535600000, &batch); err != nil {
		b.Fatal(err)
	}
	recorder := newRecorder(time.Now)
	b.Run("dashboard", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recorder.events.add(&batch.Events[0])
		}
	})
	b.Run("none", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recordEvent(&batch.Events[0])
		}
	})
}
