package main

import (
	"bytes"
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
		// The site's port is every scenario's, free between them, and comes up again when all others were given out.
		for *port == 0 || *port == sitePort {
			if *port, err = freeport.Find(); err != nil {
				return e, err
			}
		}
	}
	if s.queue == "redis" {
		if e.redis, err = startRedis(ctx, e.dir, e.ports.redis, s.fsync, s.soak); err != nil {
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
// rewrite while we measure, unless that is to be measured, too.
func startRedis(ctx context.Context, dir string, port int, fsync string, rewrite bool) (*process, error) {
	percentage := "0"
	if rewrite {
		percentage = "100"
	}
	return start(ctx, dir, listening(port), "redis-server", "--bind", loopback, "--port", strconv.Itoa(port),
		"--save", "", "--appendonly", "yes", "--appendfsync", fsync, "--auto-aof-rewrite-percentage", percentage)
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
	return e.call(ctx, method, path, nil, read)
}

// call is admin with a Caddyfile to post. It tries again for a while: a reload closes
// the endpoint's connections, and the store of a Redis edge connects while the site
// serves already.
func (e *edge) call(ctx context.Context, method, path string, body []byte, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for {
		err := e.callOnce(ctx, method, path, body, read)
		if err == nil {
			return nil
		}
		select {
		case <-e.caddy.gone:
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		return fmt.Errorf("calling admin endpoint: %s %s: %w", method, path, err)
	}
}

func (e *edge) callOnce(ctx context.Context, method, path string, body []byte, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address(e.ports.admin)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // for the message
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	if read == nil {
		return nil
	}
	return read(resp.Body)
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
