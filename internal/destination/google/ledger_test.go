package google

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/google/googletest"
)

// TestAskedForADay: ever more slowly, an hour apart at most, for 24 hours; then it counts
// as unknown and is not sent again.
func TestAskedForADay(t *testing.T) {
	b := newBench(t, func(f *googletest.Server, _ *Config) { f.ReadyAfter = 1000 * time.Hour })
	it := b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)
	began := b.now
	v := b.send(it)[0]
	var waits []time.Duration
	for v.Action == destination.Later {
		waits = append(waits, v.After)
		it = b.next(it, v)
		v = b.send(it)[0]
	}
	b.want(v, destination.Done, "")
	if b.now.Sub(began) != 24*time.Hour || waits[0] != 30*time.Minute || waits[1] != 39*time.Minute || len(waits) < 24 {
		t.Errorf("asked for %v, after %v", b.now.Sub(began), waits)
	}
	for i, w := range waits[1:] {
		if w > time.Hour || i < len(waits)-2 && w < waits[i] {
			t.Errorf("waits %v", waits)
		}
	}
	if b.counts["Purchase unknown"] != 1 || b.counts["Purchase delivered"] != 1 {
		t.Errorf("counted %v", b.counts)
	}
	if events, _, _, _ := b.fake.Counts(); events != 1 {
		t.Errorf("sent %d times", events)
	}
}

// TestReasons: what is done about each kind of reason that a status gives.
func TestReasons(t *testing.T) {
	for reason, c := range map[string]struct {
		want   destination.Action
		letter string
		sends  int
	}{
		"DUPLICATE_TRANSACTION_ID": {destination.Done, "", 1},
		"TOO_RECENT_CLICK":         {destination.Dead, google.ReasonRefused, 5},
		"INTERNAL_ERROR":           {destination.Dead, google.ReasonRefused, 3},
		"CLICK_NOT_FOUND":          {destination.Dead, google.ReasonRefused, 2},
		"INVALID_GCLID":            {destination.Dead, google.ReasonRefused, 1},
		"EXPIRED_CLICK":            {destination.Dead, google.ReasonExpired, 1},
		"UNKNOWN_CONSENT":          {destination.Dead, google.ReasonConsent, 1},
		"OF_NEXT_YEAR":             {destination.Dead, google.ReasonRefused, 1},
		"PROCESSING_ERROR_REASON_CONVERSION_PRECEDES_CLICK": {destination.Dead, google.ReasonRefused, 1},
	} {
		t.Run(reason, func(t *testing.T) {
			b := newBench(t, func(f *googletest.Server, _ *Config) { f.Reasons = map[string]string{"A-1": google.Bare(reason)} })
			it := b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)
			v := b.send(it)[0]
			for range 50 {
				if v.Action != destination.Later {
					break
				}
				it = b.next(it, v)
				v = b.send(it)[0]
			}
			if v.Action != c.want || v.Reason != c.letter || c.letter != "" && (v.Code != google.Bare(reason) || v.Explanation == "") {
				t.Errorf("%+v, want %v %s", v, c.want, c.letter)
			}
			accepted := b.fake.Accepted()
			if len(accepted) != c.sends {
				t.Errorf("sent %d times, want %d", len(accepted), c.sends)
			}
			for _, a := range accepted {
				if string(a.Event) != string(accepted[0].Event) {
					t.Errorf("sent again as another:\n%s\n%s", a.Event, accepted[0].Event)
				}
			}
		})
	}
}

// TestForeignClicks: clicks of another account are dead letters; many in a row are said, once.
func TestForeignClicks(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	b := newBench(t, func(f *googletest.Server, c *Config) {
		c.Logger = zap.New(core)
		f.Reasons = map[string]string{}
		for n := range 9 {
			f.Reasons[fmt.Sprint("A-", n)] = "INVALID_OPERATING_ACCOUNT_FOR_CLICK"
		}
		delete(f.Reasons, "A-3")
	})
	for n := range 9 {
		it := b.sale(fmt.Sprint("A-", n), fmt.Sprint("Cj0", n), 10*24*time.Hour, b.now)
		it = b.next(it, b.send(it)[0])
		if v := b.send(it)[0]; (v.Action == destination.Dead) == (n == 3) {
			t.Errorf("%d: %+v", n, v)
		}
		if said := logged.FilterMessageSnippet("another Google Ads account").Len(); (said == 1) != (n >= 8) {
			t.Errorf("said %d times after %d", said, n)
		}
	}
}

// TestTooRecent: what Google does not know yet is sent again when its click is six hours
// old, under the same id.
func TestTooRecent(t *testing.T) {
	b := newBench(t, func(_ *googletest.Server, c *Config) { c.Hold = 0 })
	b.fake.Clicks = map[string]googletest.Click{"Cj0": {At: b.now.Add(-time.Minute)}}
	it := b.sale("A-1", "Cj0", time.Minute, b.now)
	it = b.next(it, b.send(it)[0])
	v := b.send(it)[0]
	b.want(v, destination.Later, "TOO_RECENT_CLICK")
	if v.Receipt != "" || v.After != 6*time.Hour-time.Minute-30*time.Minute {
		t.Fatalf("%+v", v)
	}
	it = b.next(it, v)
	it = b.next(it, b.send(it)[0])
	b.want(b.send(it)[0], destination.Done, "")
	if a := b.fake.Accepted(); len(a) != 2 || string(a[0].Event) != string(a[1].Event) {
		t.Errorf("accepted %+v", a)
	}
}
