package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// soaked is a soak whose figures are all 100 but for what change makes of a slice.
func soaked(change func(i int, s *slice)) *soak {
	k := &soak{Queue: "embedded", Rate: 10}
	for i := range soakSlices {
		s := slice{Webhooks: 1000, P50: 100, P99: 100, Live: 100}
		for _, column := range s.columns() {
			*column = 100
		}
		change(i, &s)
		k.Slices = append(k.Slices, s)
	}
	k.Verdicts = k.judge()
	return k
}

// TestSoakVerdict has one figure after the other grow, and finds that it did, and
// nothing else.
func TestSoakVerdict(t *testing.T) {
	for what, figure := range map[string]func(*slice) *float64{
		"anonymous memory": func(s *slice) *float64 { return &s.Anonymous },
		"live heap":        func(s *slice) *float64 { return &s.Live },
		"goroutines":       func(s *slice) *float64 { return &s.Goroutines },
		"descriptors":      func(s *slice) *float64 { return &s.Descriptors },
		"backlog":          func(s *slice) *float64 { return &s.Backlog },
		"files":            func(s *slice) *float64 { return &s.Disk },
	} {
		k := soaked(func(i int, s *slice) { *figure(s) += 20 * float64(i) })
		if got := k.uneven(); len(got) != 1 || !strings.Contains(got[0], what) {
			t.Errorf("%s grows: %q", what, got)
		}
		// The first slice is no measure, and one that sticks out is none.
		k = soaked(func(i int, s *slice) {
			if i == 0 {
				*figure(s) = 1
			}
			if i == soakSlices-2 {
				*figure(s) = 1000
			}
		})
		if got := k.uneven(); len(got) != 0 {
			t.Errorf("%s once: %q", what, got)
		}
	}
	// How long it takes is told, and says as much of the machine.
	k := soaked(func(i int, s *slice) { s.P50 += 100 * float64(i) })
	if got := k.uneven(); len(got) != 0 || k.Verdicts[6].Flat || k.Verdicts[6].What != "p50, ms" {
		t.Errorf("latency: %q, %+v", got, k.Verdicts)
	}
	for _, lost := range []soak{{Left: 1}, {Waiting: unlucky(10) + 1}, {Dead: 1}} {
		k := soaked(func(int, *slice) {})
		k.Left, k.Waiting, k.Dead = lost.Left, lost.Waiting, lost.Dead
		k.Verdicts = k.judge()
		if err := (&report{Soaks: []*soak{k}}).uneven(); err == nil {
			t.Errorf("%+v passes", lost)
		}
	}
}

// TestPatient: a webhook whose connection a reload closes, or that is refused, is
// posted again.
func TestPatient(t *testing.T) {
	var n atomic.Int64
	addr := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) % 5 {
		case 1:
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			conn.Close()
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	l, err := dial(addr, nil, 2, newCorpus(1, 0, 50, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.patient = true
	s, err := l.open(1000, 50*time.Millisecond)
	if err != nil || len(s.took) != 50 || n.Load() != 50+l.repeated.Load() || l.repeated.Load() == 0 {
		t.Errorf("%d answered of %d requests, %d again, %v", len(s.took), n.Load(), l.repeated.Load(), err)
	}
}

// TestSinkFails: every third request to the one path is refused, and none to another.
func TestSinkFails(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() { _ = answer(theirs) }()
	defer ours.Close()
	answers := bufio.NewReader(ours)
	count := map[string]int{}
	for i := range 12 {
		path := [...]string{"/", flakyPath}[i%2]
		if _, err := fmt.Fprintf(ours, "POST %s HTTP/1.1\r\nContent-Length: 0\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		count[fmt.Sprint(path, " ", resp.StatusCode)]++
	}
	if count["/ 200"] != 6 || count[flakyPath+" 200"] != 4 || count[flakyPath+" 503"] != 2 {
		t.Errorf("%v", count)
	}
}

// TestSoakReport: what was not flat is the run's error, after the table.
func TestSoakReport(t *testing.T) {
	r := &report{Soaks: []*soak{soaked(func(i int, s *slice) { s.Goroutines += 20 * float64(i) })}}
	var out bytes.Buffer
	if err := r.write(&out, "text"); err != nil || !strings.Contains(out.String(), "goroutines") || !strings.Contains(out.String(), "no") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := r.uneven(); err == nil || !strings.Contains(err.Error(), "embedded: goroutines: 140.00, then 260.00") {
		t.Errorf("error %v", err)
	}
	if _, err := parseFlags([]string{"-soak", "-1s"}); err == nil {
		t.Error("a negative time is taken")
	}
}
