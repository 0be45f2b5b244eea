package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/normalize"
)

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, tt := range []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{[]time.Duration{7}, 99.9, 7},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.9, 100},
		{hundred, 1, 1},
	} {
		if got := percentile(tt.sorted, tt.p); got != tt.want {
			t.Errorf("p%v of %d = %d, want %d", tt.p, len(tt.sorted), got, tt.want)
		}
	}
}

func TestMedian(t *testing.T) {
	values := []float64{5, 1, 3}
	if got := median(values); got != 3 {
		t.Errorf("median = %v", got)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of four = %v", got)
	}
	if values[0] != 5 {
		t.Error("median sorted its argument")
	}
}

// TestCorpus reads every request back: well-formed, signed, distinct, of the
// mix that is promised, and one event each.
func TestCorpus(t *testing.T) {
	const n, first = 2000, 500
	c := newCorpus(8080, first, n, time.Now())
	if c.len() != n {
		t.Fatalf("%d requests", c.len())
	}
	seen := map[string]bool{}
	kinds := map[string]int{}
	for i := range n {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.request(i))))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, []byte(appSecret))
		mac.Write(body)
		if got, want := r.Header.Get("X-Hub-Signature-256"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want ||
			r.Host != "localhost:8080" || r.URL.Path != path {
			t.Fatalf("request %d: %s %s, signature %s", i, r.Host, r.URL, got)
		}
		var batch normalize.Batch
		if err := normalize.Meta(&batch, body, time.Now().UnixMilli()); err != nil || len(batch.Events) != 1 {
			t.Fatalf("request %d: %d events, %v: %s", i, len(batch.Events), err, body)
		}
		ev := &batch.Events[0]
		ev.SetTenant(tenant)
		seen[ev.ID().String()] = true
		kind := ev.Kind.String()
		if ev.Referral.IsAd() {
			kind = "click"
		}
		kinds[kind]++
	}
	if len(seen) != n {
		t.Errorf("%d distinct events of %d", len(seen), n)
	}
	if kinds["status"] != 1400 || kinds["message"] != 500 || kinds["click"] != 100 {
		t.Errorf("mix is %v", kinds)
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("123 (redis ) server) S 1 123 123 0 -1 4194560 100 0 0 0 250 50 7 7 20 0 5 0 100 1000 10 " +
		"18446744073709551615"))
	if err != nil || got != 3*time.Second {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseStat([]byte("123 (x) S 1")); err == nil {
		t.Error("a short stat is taken")
	}
}

func TestHeapAlloc(t *testing.T) {
	mb, err := heapAlloc(strings.NewReader("heap profile: 1: 2\n\n# runtime.MemStats\n# Alloc = 1\n# HeapAlloc = 12500000\n"))
	if err != nil || mb != 12.5 {
		t.Errorf("%v, %v", mb, err)
	}
	if _, err := heapAlloc(strings.NewReader("nothing")); err == nil {
		t.Error("no error without a HeapAlloc")
	}
}

// TestChoose holds the rule that whatever is measured is compared: the bare
// Caddy of its kind is measured too.
func TestChoose(t *testing.T) {
	names := func(section byte, only ...string) string {
		var out []string
		for _, s := range choose(section, only) {
			out = append(out, s.name)
		}
		return strings.Join(out, " ")
	}
	for _, tt := range []struct {
		section byte
		only    string
		want    string
	}{
		{'c', "redis", "bare redis"},
		{'c', "redis-tls", "bare-tls redis-tls"},
		{'l', "redis", "bare redis"},
		{'l', "redis-10", ""},
		{'h', "inline", "inline"},
	} {
		if got := names(tt.section, tt.only); got != tt.want {
			t.Errorf("%c, only %s: %q, want %q", tt.section, tt.only, got, tt.want)
		}
	}
	if got := len(choose('c', nil)); got != len(scenarios) {
		t.Errorf("the closed loop has %d of %d scenarios", got, len(scenarios))
	}
	if err := checkNames([]string{"redis", "nonsense"}); err == nil || !strings.Contains(err.Error(), "embedded-10") {
		t.Errorf("error for a wrong name: %v", err)
	}
}

// listen serves a handler, and says how to reach it.
func listen(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestClosedLoopEndsWithCorpus(t *testing.T) {
	bodies := make(chan string, 300)
	addr := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- string(b)
	})
	l, err := dial(addr, nil, 4, newCorpus(1, 0, 300, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	s, err := l.closed(time.Hour)
	if err != nil || len(s.took) != 300 || !slices.IsSorted(s.took) {
		t.Errorf("%d requests, %v", len(s.took), err)
	}
	close(bodies)
	seen := map[string]bool{}
	for b := range bodies {
		seen[b] = true
	}
	if len(seen) != 300 {
		t.Errorf("%d distinct bodies", len(seen))
	}
}

func TestOpenLoopSendsAll(t *testing.T) {
	addr := listen(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	l, err := dial(addr, nil, 8, newCorpus(1, 0, 10, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.again = true
	if s, err := l.open(2000, 50*time.Millisecond); err != nil || len(s.took) != 100 {
		t.Errorf("%d requests, %v", len(s.took), err)
	}
}

// TestRefused: an edge that answers anything but 200 has not been measured.
func TestRefused(t *testing.T) {
	addr := listen(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for name, run := range map[string]func(*load) (sample, error){
		"closed": func(l *load) (sample, error) { return l.closed(time.Hour) },
		"open":   func(l *load) (sample, error) { return l.open(1000, 20*time.Millisecond) },
	} {
		l, err := dial(addr, nil, 2, newCorpus(1, 0, 50, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run(l); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("%s: %v", name, err)
		}
		l.close()
	}
}

// TestSink is what Leadgate's and Go's own clients rely on.
func TestSink(t *testing.T) {
	for _, tt := range []struct{ target, body, want string }{
		{"/hook", `{"id":"x"}`, ""},
		{"/v27.0/1/events", `{"data":[{"event_name":"LeadSubmitted"},{"event_name":"Purchase"}]}`,
			`{"events_received":2,"messages":[],"fbtrace_id":"bench"}`},
	} {
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- answer(theirs) }()
		for range 2 { // keep-alive
			req, err := http.NewRequest(http.MethodPost, "http://sink"+tt.target, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if err := req.Write(ours); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(ours), req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != tt.want || resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %q, %v", tt.target, resp.StatusCode, body, err)
			}
		}
		ours.Close()
		if err := <-done; err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// TestStore appends what a source makes, measures its size, and drains it into
// a sink.
func TestStore(t *testing.T) {
	b := &builds{dir: t.TempDir()}
	s, err := openStore(t.Context(), b, "embedded")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	addr := listen(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	_, port, _ := net.SplitHostPort(addr)
	src := &source{}
	src.dest.Tenant, src.dest.Name = tenant, "forward"
	if err := s.fill(t.Context(), src, 200); err != nil {
		t.Fatal(err)
	}
	size, err := s.size()
	if err != nil || size < src.payloads {
		t.Errorf("%d bytes on disk for %d, %v", size, src.payloads, err)
	}
	d := drained{Kind: forward.Kind, Backlog: 200}
	if err := d.run(t.Context(), s, src, atoi(t, port)); err != nil || d.PerSecond <= 0 {
		t.Errorf("%+v, %v", d, err)
	}
	list, err := s.Destinations(t.Context())
	if err != nil || len(list) != 1 || list[0].Backlog != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	// The same webhooks again are no new ones, which must not pass as appends.
	groups, err := src.groups(10, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.appendAll(t.Context(), groups, 5, nil); err != nil {
		t.Error(err)
	}
	if _, err := s.appendAll(t.Context(), groups, 5, nil); err == nil {
		t.Error("duplicates are counted as appends")
	}
}

func atoi(t *testing.T, s string) (n int) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReport(t *testing.T) {
	rounds := func(perSecond, cpu float64, p50 time.Duration) []measurement {
		return []measurement{{PerSecond: perSecond, EdgeCPU: cpu, took: []time.Duration{p50}}, {PerSecond: perSecond, EdgeCPU: cpu,
			took: []time.Duration{p50}}}
	}
	a := &acknowledgements{Title: "Closed loop", Connections: 64, key: 'c'}
	for _, s := range choose('c', []string{"redis", "inline"}) {
		a.Results = append(a.Results, sumUp(&s, map[string][]measurement{
			"bare":   rounds(50_000, 20, time.Millisecond),
			"inline": rounds(40_000, 24, time.Millisecond),
			"redis":  rounds(36_000, 28, 2*time.Millisecond),
		}[s.name]))
	}
	for i := range a.Results {
		a.Results[i].compare(a.find(a.Results[i].Baseline))
	}
	r := &report{Rounds: 2, Seconds: 1, Acknowledgements: []*acknowledgements{a}}
	r.Goals = r.goals()
	met := map[string]bool{}
	for _, g := range r.Goals {
		met[g.What] = g.Met
	}
	for what, want := range map[string]bool{
		"inline to `respond 200`: requests a second ÷ bare":     false, // 0.80
		"inline to `respond 200`: CPU a request ÷ bare":         true,  // 1.20
		"Redis, appendfsync everysec: requests a second ÷ bare": true,  // 0.72
		"Redis, appendfsync everysec: CPU a request ÷ bare":     true,  // 1.40
	} {
		if got, ok := met[what]; !ok || got != want {
			t.Errorf("%s: met %v (checked %v), want %v", what, got, ok, want)
		}
	}
	var markdown, text, asJSON bytes.Buffer
	for format, out := range map[string]*bytes.Buffer{"markdown": &markdown, "text": &text, "json": &asJSON} {
		if err := r.write(out, format); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(markdown.String(), "| Redis, appendfsync everysec | 36.0 k |   0.72 |") {
		t.Errorf("Markdown:\n%s", &markdown)
	}
	if !strings.Contains(text.String(), "Redis, appendfsync everysec  36.0 k    0.72") {
		t.Errorf("text:\n%s", &text)
	}
	var back report
	if err := json.Unmarshal(asJSON.Bytes(), &back); err != nil || back.Acknowledgements[0].find("redis").P50Ratio != 2 {
		t.Errorf("JSON: %v\n%s", err, &asJSON)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-connections", "0", "-latency", "4", "-rate", "0", "-markdown"})
	if err != nil || len(o.sections()) != 1 || o.sections()[0].connections != 4 || o.format() != "markdown" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-rounds", "0"}, {"-rate", "-1"}, {"drain"}} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

// TestOnDisk: what the disk ratio is made of counts blocks, not the length.
func TestOnDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := datasync(f); err != nil {
		t.Fatal(err)
	}
	if n, err := onDisk(file); err != nil || n < 100_000 {
		t.Errorf("%d, %v", n, err)
	}
}
