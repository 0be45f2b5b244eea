package gate

import (
	"testing"
	"time"
)

const second = time.Second

// open makes a gate of a destination without limits.
func open() *Gate {
	g := new(Gate)
	g.Configure(Settings{Concurrency: 4, Batch: 1}, 1)
	return g
}

// fail has so many contacts' events fail, one after another.
func fail(g *Gate, contacts, times int, now, wish time.Duration) {
	for i := range times {
		g.Failed(uint64(i%contacts), All, now, wish)
	}
}

func TestCheck(t *testing.T) {
	now := time.Minute
	for name, c := range map[string]struct {
		given func(g *Gate)
		want  Mode
		next  time.Duration
	}{
		"nothing in the way":     {func(*Gate) {}, All, Never},
		"paused":                 {func(g *Gate) { g.Enter(true, false, now) }, Nothing, Never},
		"a write just begun":     {func(g *Gate) { g.Writing(now) }, All, Never},
		"a write without answer": {func(g *Gate) { g.Writing(now - StorePatience) }, Nothing, Never},
		"a write that was answered late": {func(g *Gate) {
			g.Writing(now - second)
			g.Written()
		}, All, Never},
		"throttled": {func(g *Gate) { g.Throttle(now + second) }, Nothing, now + second},
		"throttled twice, the longer counts": {func(g *Gate) {
			g.Throttle(now + 5*second)
			g.Throttle(now + second)
		}, Nothing, now + 5*second},
		"throttled until now": {func(g *Gate) { g.Throttle(now) }, All, Never},
		"parked":              {func(g *Gate) { g.Enter(false, true, now) }, ParkProbe, Never},
		"parked, and paused":  {func(g *Gate) { g.Enter(true, true, now) }, Nothing, Never},
		"parked, and refused": {func(g *Gate) {
			g.Enter(false, true, now)
			g.Refused(now)
		}, Nothing, now + time.Minute},
		"parked, and probed": {func(g *Gate) {
			g.Enter(false, true, now)
			g.Began(ParkProbe, now)
		}, Nothing, Never},
		"parked, and the probe said nothing": {func(g *Gate) {
			g.Enter(false, true, now)
			g.Began(ParkProbe, now)
			g.Ended(ParkProbe)
			g.ParkProbed(now)
		}, Nothing, now + time.Minute},
		"parked, and the probe failed with a wish": {func(g *Gate) {
			g.Enter(false, true, now)
			g.Failed(1, ParkProbe, now, time.Hour)
			g.ParkProbed(now)
		}, Nothing, now + time.Hour},
		"parked with an open breaker": {func(g *Gate) {
			fail(g, 3, BreakerFailures, now, 0)
			g.Enter(false, true, now)
		}, ParkProbe, Never},
		"ten failures of two contacts":   {func(g *Gate) { fail(g, 2, BreakerFailures, now, 0) }, All, Never},
		"nine failures of three":         {func(g *Gate) { fail(g, 3, BreakerFailures-1, now, 0) }, All, Never},
		"ten failures of three contacts": {func(g *Gate) { fail(g, 3, BreakerFailures, now, 0) }, Nothing, now + second},
		"the breaker's time has come":    {func(g *Gate) { fail(g, 3, BreakerFailures, now-second, 0) }, BreakerProbe, Never},
		"a breaker's probe on its way": {func(g *Gate) {
			fail(g, 3, BreakerFailures, now-second, 0)
			g.Began(BreakerProbe, now)
		}, Nothing, Never},
		"a breaker's probe that was not sent": {func(g *Gate) {
			fail(g, 3, BreakerFailures, now-second, 0)
			g.Began(BreakerProbe, now)
			g.Ended(BreakerProbe)
		}, BreakerProbe, Never},
		"resumed": {func(g *Gate) {
			fail(g, 3, BreakerFailures, now, 0)
			g.Throttle(now + second)
			g.Resume()
		}, All, Never},
		"other settings": {func(g *Gate) {
			g.Enter(false, true, now)
			g.Refused(now)
			g.Configure(Settings{Concurrency: 4, Batch: 1}, now)
		}, ParkProbe, Never},
		"a success": {func(g *Gate) {
			fail(g, 3, BreakerFailures, now, 0)
			g.Succeeded()
		}, All, Never},
	} {
		t.Run(name, func(t *testing.T) {
			g := open()
			c.given(g)
			if m, next := g.Check(now); m != c.want || m == Nothing && next != c.next {
				t.Errorf("mode %d until %v, want %d until %v", m, next, c.want, c.next)
			}
		})
	}
}

func TestRate(t *testing.T) {
	g := new(Gate)
	g.Configure(Settings{Concurrency: 4, Batch: 1, Rate: 2}, 1)
	now := time.Minute
	for i := range 2 { // the burst
		if m, _ := g.Check(now); m != All {
			t.Fatalf("call %d: mode %d", i, m)
		}
		g.Began(All, now)
	}
	for range 3 {
		m, next := g.Check(now)
		if m != Nothing || next != now+second/2 {
			t.Fatalf("mode %d until %v, want a call every half second", m, next-now)
		}
		if m, _ := g.Check(next); m != All {
			t.Fatalf("mode %d when the time has come", m)
		}
		now = next
		g.Began(All, now)
	}
	g.Configure(Settings{Concurrency: 4, Batch: 1, Rate: 0.5}, now)
	if m, next := g.Check(now); m != Nothing || next != now+2*second {
		t.Errorf("slower: mode %d until %v", m, next-now)
	}
	g.Configure(Settings{Concurrency: 4, Batch: 1}, now)
	if m, _ := g.Check(now); m != All {
		t.Errorf("without a rate: mode %d", m)
	}
}

func TestLimit(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		given    func(g *Gate)
		failing  bool
		want     int
	}{
		"as many again":      {settings: Settings{Concurrency: 4, Batch: 1}, want: 8},
		"events wait":        {settings: Settings{Concurrency: 4, Batch: 1}, failing: true, want: 4},
		"batches":            {settings: Settings{Concurrency: 4, Batch: 2}, want: 4},
		"a rate":             {settings: Settings{Concurrency: 4, Batch: 1, Rate: 1}, want: 4},
		"after a failure":    {settings: Settings{Concurrency: 4, Batch: 1}, given: func(g *Gate) { fail(g, 1, 1, 1, 0) }, want: 4},
		"while it is parked": {settings: Settings{Concurrency: 4, Batch: 1}, given: func(g *Gate) { g.Enter(false, true, 1) }, want: 4},
	} {
		t.Run(name, func(t *testing.T) {
			g := new(Gate)
			g.Configure(c.settings, 1)
			if c.given != nil {
				c.given(g)
			}
			if n := g.Limit(c.failing); n != c.want {
				t.Errorf("%d calls, want %d", n, c.want)
			}
		})
	}
}

func TestEnter(t *testing.T) {
	g := open()
	for i, c := range []struct{ paused, parked, stops bool }{
		{false, false, false}, {true, false, true}, {true, false, false}, {true, true, true}, {false, true, false},
		{false, false, false}, {false, true, true},
	} {
		if stops := g.Enter(c.paused, c.parked, second); stops != c.stops {
			t.Errorf("%d: stops %v, want %v", i, stops, c.stops)
		}
		if g.Paused() != c.paused || g.Parked() != c.parked {
			t.Errorf("%d: paused %v, parked %v", i, g.Paused(), g.Parked())
		}
	}
}

func TestBreakerHeedsRetryAfter(t *testing.T) {
	var b breaker
	for i := range BreakerFailures {
		b.failure(uint64(i), false, time.Minute, 90*time.Second)
	}
	if !b.open || b.probeAt != time.Minute+30*time.Second {
		t.Fatalf("open %v, probe at %v", b.open, b.probeAt)
	}
	b.failure(1, true, 3*time.Minute, 0)
	if b.probeAt != 3*time.Minute+2*time.Second {
		t.Fatalf("second probe at %v", b.probeAt)
	}
	b.success()
	if b.open || b.fails != 0 || len(b.contacts) != 0 {
		t.Fatalf("after a success: %+v", b)
	}
}

func TestSilent(t *testing.T) {
	g := open()
	if at, silent := g.Silent(second); silent || at != Never {
		t.Fatalf("silent %v at %v without a write", silent, at)
	}
	g.Writing(second)
	if at, silent := g.Silent(second + StorePatience - 1); silent || at != second+StorePatience {
		t.Fatalf("silent %v at %v, too early", silent, at)
	}
	if _, silent := g.Silent(second + StorePatience); !silent {
		t.Fatal("its patience has no end")
	}
	g.Written()
	if _, silent := g.Silent(time.Hour); silent {
		t.Fatal("silent after the answer")
	}
}
