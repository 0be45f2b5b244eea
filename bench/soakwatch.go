package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// observed is what was seen of an edge, once or as medians of a slice.
type observed struct {
	Resident    float64 `json:"residentMB"`
	Anonymous   float64 `json:"anonymousMB"` // without mapped files
	Goroutines  float64 `json:"goroutines"`
	Descriptors float64 `json:"descriptors"`
	Backlog     float64 `json:"backlog"`
	Disk        float64 `json:"diskMB"`            // the store's files
	Redis       float64 `json:"redisMB,omitempty"` // used_memory
}

// columns are the fields, for medians.
func (o *observed) columns() []*float64 {
	return []*float64{&o.Resident, &o.Anonymous, &o.Goroutines, &o.Descriptors, &o.Backlog, &o.Disk, &o.Redis}
}

// watcher looks at an edge once a second, and reloads it now and then. It does both,
// since a reload closes the connections of the admin endpoint.
type watcher struct {
	e       *edge
	asked   chan chan answerOfWatcher
	quit    chan struct{}
	gone    chan struct{}
	err     error // of the goroutine, until it is gone
	reloads int
}

type answerOfWatcher struct {
	seen observed
	live float64
	err  error
}

func watch(ctx context.Context, e *edge, every time.Duration) *watcher {
	w := &watcher{e: e, asked: make(chan chan answerOfWatcher), quit: make(chan struct{}), gone: make(chan struct{})}
	go w.run(ctx, every) // end waits for it
	return w
}

// run looks until it is told to end.
func (w *watcher) run(ctx context.Context, every time.Duration) {
	defer close(w.gone)
	look, reload := time.NewTicker(min(time.Second, every)), time.NewTicker(every)
	defer look.Stop()
	defer reload.Stop()
	var seen []observed
	for w.err == nil {
		select {
		case <-w.quit:
			return
		case <-ctx.Done():
			w.err = ctx.Err()
		case <-reload.C:
			w.reloads++
			w.err = w.e.reload(ctx, w.reloads)
		case <-look.C:
			var o observed
			if o, w.err = w.e.observe(ctx); w.err == nil {
				seen = append(seen, o)
			}
		case to := <-w.asked:
			o, err := w.e.observe(ctx) // so that there is one
			live, heapErr := w.e.heap(ctx)
			to <- answerOfWatcher{middle(append(seen, o)), live, errors.Join(err, heapErr)}
			seen = seen[:0]
		}
	}
}

// slice is what was seen since the last slice, and the live heap at its end.
func (w *watcher) slice(ctx context.Context) (seen observed, live float64, err error) {
	to := make(chan answerOfWatcher, 1)
	select {
	case w.asked <- to:
		a := <-to
		return a.seen, a.live, a.err
	case <-w.gone:
		return seen, 0, errors.Join(w.err, ctx.Err())
	}
}

// end ends the watcher, once.
func (w *watcher) end() error {
	close(w.quit)
	<-w.gone
	return w.err
}

// middle is the median of each column.
func middle(seen []observed) (m observed) {
	for i, to := range m.columns() {
		values := make([]float64, len(seen))
		for j := range seen {
			values[j] = *seen[j].columns()[i]
		}
		*to = median(values)
	}
	return m
}

// observe looks at an edge once.
func (e *edge) observe(ctx context.Context) (o observed, err error) {
	proc := fmt.Sprintf("/proc/%d/", e.caddy.cmd.Process.Pid)
	o.Resident, o.Anonymous = kilobytes(field(proc+"status", "VmRSS")), kilobytes(field(proc+"status", "RssAnon"))
	open, err := os.ReadDir(proc + "fd")
	if err != nil {
		return o, fmt.Errorf("counting descriptors, which needs Linux: %w", err)
	}
	o.Descriptors = float64(len(open))
	b, err := e.backlog(ctx)
	if err != nil {
		return o, err
	}
	o.Backlog = float64(b.well + b.flaky)
	if o.Goroutines, err = e.goroutines(ctx); err != nil {
		return o, err
	}
	stored := "queue"
	if e.redis != nil {
		stored = "appendonlydir"
		if o.Redis, err = redisMemory(ctx, e.ports.redis); err != nil {
			return o, err
		}
	}
	o.Disk, err = folderSize(filepath.Join(e.dir, stored))
	return o, err
}

// kilobytes reads "123 kB", in MB.
func kilobytes(text string) float64 {
	kb, _ := strconv.ParseFloat(strings.TrimSuffix(text, " kB"), 64) // 0 where there is none
	return kb / 1000
}

// goroutines is how many the edge has.
func (e *edge) goroutines(ctx context.Context) (n float64, err error) {
	err = e.call(ctx, http.MethodGet, "/debug/pprof/goroutine?debug=1", nil, func(r io.Reader) error {
		line, err := bufio.NewReader(r).ReadString('\n')
		if err != nil {
			return err
		}
		n, err = strconv.ParseFloat(strings.TrimSpace(strings.TrimPrefix(line, "goroutine profile: total ")), 64)
		return err
	})
	return n, err
}

// redisMemory is Redis's used_memory, in MB.
func redisMemory(ctx context.Context, port int) (mb float64, err error) {
	c := redis.NewClient(&redis.Options{Addr: address(port)})
	defer func() { err = errors.Join(err, c.Close()) }()
	info, err := c.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("asking redis: %w", err)
	}
	bytes, err := strconv.ParseFloat(info["Memory"]["used_memory"], 64)
	return bytes / 1e6, err
}

// folderSize is what a folder's files take up on disk, in MB. One that goes while
// it is looked at, as Redis's do, is passed over.
func folderSize(dir string) (mb float64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var n int64
			n, err = onDisk(path)
			mb += float64(n) / 1e6
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return mb, err
}
