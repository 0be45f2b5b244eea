package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// heapSteps is how often the heap is looked at on the way.
const heapSteps = 4

// heap is the live heap of an edge while webhooks come in.
type heap struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Webhooks int    `json:"webhooks"`
	// MB are after the start and after each quarter of the webhooks, each time
	// after a garbage collection.
	MB []float64 `json:"mb"`
}

// measureHeaps sends n webhooks to an edge of each scenario.
func (b *bench) measureHeaps(ctx context.Context, n, connections int) ([]heap, error) {
	var out []heap
	for _, s := range choose('h', b.only) {
		b.working("heap after %d webhooks: %s", n, s.name)
		h, err := b.measureHeap(ctx, s, n, connections)
		if err != nil {
			return nil, fmt.Errorf("measuring heap of %s: %w", s.name, err)
		}
		out = append(out, h)
	}
	return out, nil
}

func (b *bench) measureHeap(ctx context.Context, s scenario, n, connections int) (h heap, err error) {
	h = heap{Name: s.name, About: s.about, Webhooks: n}
	e, err := startEdge(ctx, &b.builds, s, b.port)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	for step := range heapSteps + 1 {
		if step > 0 {
			from, to := n*(step-1)/heapSteps, n*step/heapSteps
			l, err := dial(address(b.port), e.tls, connections, newCorpus(b.port, from, to-from, time.Now()))
			if err != nil {
				return h, err
			}
			_, err = l.closed(time.Hour) // until they are used up
			l.close()
			if err != nil {
				return h, err
			}
		}
		mb, err := e.heap(ctx)
		if err != nil {
			return h, err
		}
		h.MB = append(h.MB, mb)
	}
	return h, nil
}

// heap is the edge's live heap in MB, by the pprof page of Caddy's admin
// endpoint, after a garbage collection.
func (e *edge) heap(ctx context.Context) (mb float64, err error) {
	err = e.admin(ctx, http.MethodGet, "/debug/pprof/heap?gc=1&debug=1", func(r io.Reader) error {
		mb, err = heapAlloc(r)
		return err
	})
	return mb, err
}

// heapAlloc finds the line "# HeapAlloc = <bytes>".
func heapAlloc(r io.Reader) (mb float64, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "# HeapAlloc = "); ok {
			n, err := strconv.ParseFloat(v, 64)
			return n / 1e6, err
		}
	}
	return 0, errors.Join(errors.New("reading heap profile: it has no HeapAlloc"), lines.Err())
}
