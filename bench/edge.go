package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/leadgate/leadgate/internal/freeport"
)

// builds are the programs that are run.
type builds struct {
	caddy string
	self  string // this one, as a sink
	dir   string // where the stores and logs go, on the disk that is measured
}

// edge is a running scenario: the Caddy, with its Redis and sink if it has any.
type edge struct {
	scenario scenario
	ports    ports
	dir      string
	caddy    *process
	redis    *process
	sink     *process
	tls      *tls.Config
}

// startEdge starts a scenario on an empty store.
func startEdge(ctx context.Context, b *builds, s scenario, sitePort int) (e *edge, err error) {
	e = &edge{scenario: s, ports: ports{site: sitePort}}
	if e.dir, err = os.MkdirTemp(b.dir, s.name+"-"); err != nil {
		return nil, fmt.Errorf("making folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.stop())
		}
	}()
	for _, port := range []*int{&e.ports.admin, &e.ports.redis, &e.ports.sink} {
		if *port, err = freeport.Find(); err != nil {
			return e, err
		}
	}
	if s.queue == "redis" {
		if e.redis, err = startRedis(ctx, e.dir, e.ports.redis, s.fsync); err != nil {
			return e, err
		}
	}
	if s.deliver {
		if e.sink, err = startSink(ctx, b, e.dir, e.ports.sink); err != nil {
			return e, err
		}
	}
	file := filepath.Join(e.dir, "Caddyfile")
	if err = os.WriteFile(file, []byte(s.caddyfile(e.ports, e.dir)), 0o600); err != nil {
		return e, fmt.Errorf("writing Caddyfile: %w", err)
	}
	if e.caddy, err = start(ctx, e.dir, e.ready, b.caddy, "run", "--config", file, "--adapter", "caddyfile"); err != nil {
		return e, err
	}
	if !s.deliver {
		for i := range s.destinations {
			if err = e.admin(ctx, http.MethodPost, "/leadgate/destinations/"+destinationName(i)+"/pause", nil); err != nil {
				return e, err
			}
		}
	}
	return e, nil
}

// startRedis starts a Redis that writes an append-only file, which it does not
// rewrite while we measure.
func startRedis(ctx context.Context, dir string, port int, fsync string) (*process, error) {
	return start(ctx, dir, listening(port), "redis-server", "--bind", loopback, "--port", strconv.Itoa(port),
		"--save", "", "--appendonly", "yes", "--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0")
}

// ready says nil when the edge serves.
func (e *edge) ready() error {
	if !e.scenario.tls {
		return listening(e.ports.site)()
	}
	pem, err := os.ReadFile(filepath.Join(e.dir, "data/caddy/pki/authorities/local/root.crt"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return errors.New("the internal CA's certificate is not there yet")
	}
	cfg := &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS13}
	c, err := tls.Dial("tcp", address(e.ports.site), cfg) //nolint:noctx // to this machine
	if err != nil {
		return err
	}
	e.tls = cfg
	return c.Close()
}

// admin calls the edge's admin endpoint and gives the answer to read.
func (e *edge) admin(ctx context.Context, method, path string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, method, "http://"+address(e.ports.admin)+path, http.NoBody)
		if err != nil {
			return fmt.Errorf("calling admin endpoint: %w", err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("calling admin endpoint: %w", err)
		}
		if resp.StatusCode == http.StatusOK {
			defer resp.Body.Close()
			if read == nil {
				return nil
			}
			return read(resp.Body)
		}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // for the message
		_ = resp.Body.Close()
		// The store of a Redis edge connects while the site serves already.
		select {
		case <-ctx.Done():
			return fmt.Errorf("calling admin endpoint: %s %s: %s: %s", method, path, resp.Status, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// cpu is the CPU time of the Caddy, and of its Redis.
func (e *edge) cpu() (caddy, redis time.Duration, err error) {
	if caddy, err = e.caddy.cpu(); err == nil && e.redis != nil {
		redis, err = e.redis.cpu()
	}
	return caddy, redis, err
}

// stop ends the processes and removes what they wrote. What is still in the
// queue need not be delivered, so Caddy is not waited for longer than needed.
func (e *edge) stop() error {
	var errs []error
	for _, p := range []*process{e.caddy, e.redis, e.sink} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(e.dir))...)
}
