package importer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/conversions"
)

// statusOf reads a report: the statuses of the lines by number.
func statusOf(report string) map[string]string {
	statuses := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ *(\d+)  (\w+)`).FindAllStringSubmatch(report, -1) {
		statuses[m[1]] = m[2]
	}
	return statuses
}

func expectStatuses(t *testing.T, report string, want map[string]string) {
	t.Helper()
	got := statusOf(report)
	for number, status := range want {
		if got[number] != status {
			t.Errorf("line %s: %s, want %s", number, got[number], status)
		}
	}
	if len(got) != len(want) || t.Failed() {
		t.Errorf("%d lines reported, want %d:\n%s", len(got), len(want), report)
	}
}

// TestImportRetries goes on when the edge is back, and gives up in the end.
func TestImportRetries(t *testing.T) {
	var mu sync.Mutex // of posts and answer: each connection has a goroutine of its own
	var posts []string
	answer := func(w http.ResponseWriter, n int) {}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posts = append(posts, string(body))
		answer(w, len(posts))
	}))
	defer server.Close()
	queued := func(w http.ResponseWriter, n int) {
		fmt.Fprintf(w, `{"results":[%s]}`, strings.TrimSuffix(strings.Repeat(`{"status":"queued"},`, n), ","))
	}
	clock := time.Unix(1_790_000_000, 0)
	var pauses []time.Duration
	run := func(lines ...string) (string, error) {
		mu.Lock()
		posts, pauses = nil, nil
		mu.Unlock()
		var out bytes.Buffer
		im := &importer{
			Options: Options{To: server.URL, Token: "t", From: 1, Batch: 2, RetryFor: time.Minute}, out: bufio.NewWriter(&out),
			now: func() time.Time { return clock },
			sleep: func(ctx context.Context, d time.Duration) error {
				clock = clock.Add(d)
				pauses = append(pauses, d)
				return ctx.Err()
			},
		}
		im.post = im.postBatch
		err := im.run(t.Context(), strings.NewReader(strings.Join(lines, "\n")))
		mu.Lock() // after the last handler
		defer mu.Unlock()
		return out.String(), err
	}

	answer = func(w http.ResponseWriter, n int) {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "10")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler) // the network
		case 3:
			queued(w, 2)
		case 4:
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			queued(w, 1)
		}
	}
	out, err := run(`{"a":1}`, `{"a":2}`, `{"a":3}`)
	if err != nil {
		t.Fatal(err)
	}
	expectStatuses(t, out, map[string]string{"1": "queued", "2": "queued", "3": "queued"})
	if fmt.Sprint(pauses) != "[10s 2s 1s]" || posts[0] != `[{"a":1},{"a":2}]` || posts[1] != posts[0] || posts[4] != `[{"a":3}]` {
		t.Errorf("pauses %v, posts %q", pauses, posts)
	}

	// It gives up at the second batch, and says where to go on.
	answer = func(w http.ResponseWriter, n int) {
		if n == 1 {
			queued(w, 2)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	}
	out, err = run(`{"a":1}`, ``, `{"a":2}`, ``, `{"a":3}`)
	var stop *stopped
	if !errors.As(err, &stop) || stop.line != 5 || !strings.Contains(err.Error(), "502") {
		t.Errorf("error: %v", err)
	}
	expectStatuses(t, out, map[string]string{"1": "queued", "3": "queued"})
	if fmt.Sprint(pauses) != "[1s 2s 4s 8s 16s]" {
		t.Errorf("pauses: %v", pauses)
	}

	// Something on the way takes one line at a time, and no large one.
	answer = func(w http.ResponseWriter, n int) {
		if posted := posts[n-1]; strings.Contains(posted, ",") || strings.Contains(posted, "large") {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		queued(w, 1)
	}
	out, err = run(`{"a":1}`, `{"a":"large"}`)
	if err == nil {
		t.Error("a line that failed is no success")
	}
	expectStatuses(t, out, map[string]string{"1": "queued", "2": "failed"})

	// An answer of something else is no success, and nothing to repeat.
	answer = func(w http.ResponseWriter, _ int) { fmt.Fprint(w, "welcome") }
	if _, err = run(`{"a":1}`); err == nil || len(posts) != 1 || !strings.Contains(err.Error(), "is --to its URL") {
		t.Errorf("error: %v after %d", err, len(posts))
	}
	answer = func(w http.ResponseWriter, _ int) { w.Header().Set("Location", "/x"); w.WriteHeader(http.StatusFound) }
	if _, err = run(`{"a":1}`); err == nil || len(posts) != 1 || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("error: %v after %d", err, len(posts))
	}
}

// TestImportWithoutTLS: https:// to who speaks http helps nobody however often it is tried.
func TestImportWithoutTLS(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	im := &importer{Options: Options{To: "https" + strings.TrimPrefix(s.URL, "http"), Token: "x", RetryFor: time.Hour}, now: time.Now}
	im.sleep = func(context.Context, time.Duration) error { t.Error("it tries again"); return context.Canceled }
	if _, err := im.postBatch(t.Context(), []line{{text: []byte("{}")}}); err == nil || !strings.Contains(err.Error(), "write http://") {
		t.Errorf("error: %v", err)
	}
}

// TestImportStreams reads a large file without holding it, in bodies that the
// endpoint takes, and drops a line that is too long.
func TestImportStreams(t *testing.T) {
	const lines = 3000
	item := `{"a":"` + strings.Repeat("x", 10_000) + `"}`
	r, w := io.Pipe()
	var writer sync.WaitGroup
	defer writer.Wait()
	defer r.Close()
	writer.Go(func() {
		for i := range lines {
			text := item
			if i == 1500 {
				text = `{"a":"` + strings.Repeat("x", conversions.MaxBody) + `"}`
			}
			if _, err := io.WriteString(w, text+"\n"); err != nil {
				return
			}
		}
		_ = w.Close()
	})
	most, total := 0, 0
	im := &importer{Options: Options{From: 1, Batch: conversions.MaxItems}, out: bufio.NewWriter(io.Discard)}
	im.post = func(_ context.Context, batch []line) ([]conversions.Result, error) {
		size := 1
		for _, l := range batch {
			size += len(l.text) + 1
		}
		most, total = max(most, size), total+len(batch)
		results := make([]conversions.Result, len(batch))
		for i := range results {
			results[i].Status = "queued"
		}
		return results, nil
	}
	err := im.run(t.Context(), r)
	if err == nil || total != lines-1 || im.counts["invalid"] != 1 || most > conversions.MaxBody || most < conversions.MaxBody-20_000 {
		t.Errorf("%v: %d lines posted, %v, at most %d bytes", err, total, im.counts, most)
	}
}
