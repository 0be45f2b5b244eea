package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// profileEdge starts to take a CPU profile of an edge that is being measured,
// into the file <scenario>-<connections>.cpu of the profile folder; what it
// returns waits for it, and takes a heap profile. The newest round's is kept.
func (b *bench) profileEdge(ctx context.Context, e *edge, s section) (wait func() error) {
	if b.profile == "" {
		return func() error { return nil }
	}
	base := filepath.Join(b.profile, fmt.Sprintf("%s-%c%d", e.scenario.name, s.key, s.connections))
	cpu := make(chan error, 1)
	go func() { // wait waits for it
		cpu <- e.download(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", max(1, int(b.length.Seconds()))), base+".cpu")
	}()
	return func() error {
		return errors.Join(<-cpu, e.download(ctx, "/debug/pprof/heap?gc=1", base+".heap"))
	}
}

// download stores an answer of the admin endpoint.
func (e *edge) download(ctx context.Context, from, file string) error {
	return e.admin(ctx, http.MethodGet, from, func(r io.Reader) error {
		f, err := os.Create(file)
		if err != nil {
			return fmt.Errorf("storing profile: %w", err)
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	})
}
