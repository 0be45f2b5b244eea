// Package redistest starts real Redis servers for tests: on free loopback ports,
// in folders of their own, gone when the test ends. Without redis-server on the
// PATH the tests that ask for one are skipped.
package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/freeport"
)

// patience is how long anything here may take.
const patience = 2 * time.Minute

var missing = sync.OnceValue(func() error {
	_, err := exec.LookPath("redis-server")
	if err != nil {
		fmt.Fprintln(os.Stderr, "\n*** redis-server is not on the PATH: THE REDIS QUEUE IS NOT TESTED ***")
	}
	return err
})

// Server is a running redis-server.
type Server struct {
	Addr string // 127.0.0.1:port
	Dir  string

	tb       testing.TB
	args     []string
	password string
	ready    string // what it writes when it is ready

	cmd  *exec.Cmd
	done chan struct{} // closed when the process is gone and its output read
	out  *output
}

// Start starts a server with these options, as on redis-server's command line
// ("--maxmemory", "10mb"), without persistence unless they ask for it.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	return start(tb, "Ready to accept connections", "", args)
}

// StartTLS is Start for a server that speaks only TLS, with this certificate and
// key (PEM files).
func StartTLS(tb testing.TB, cert, key string, args ...string) *Server {
	tb.Helper()
	port := strconv.Itoa(freeport.New(tb))
	s := Start(tb, append([]string{
		"--port", "0", "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert,
	}, args...)...)
	s.Addr = net.JoinHostPort("127.0.0.1", port)
	return s
}

func start(tb testing.TB, ready, config string, args []string) *Server {
	tb.Helper()
	if missing() != nil {
		tb.Skip("redis-server is not on the PATH")
	}
	s := &Server{tb: tb, Dir: tb.TempDir(), ready: ready}
	for i := 0; i+1 < len(args); i++ {
		if args[i] == "--requirepass" {
			s.password = args[i+1]
		}
	}
	tb.Cleanup(s.Kill)
	// The port may be taken between choosing and using it.
	var err error
	for range 5 {
		port := freeport.New(tb)
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		s.args = append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", s.Dir}, args...)
		if config == "" {
			s.args = append([]string{"--save", ""}, s.args...)
		} else {
			file := filepath.Join(s.Dir, "redis.conf")
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				tb.Fatal(err)
			}
			s.args = append([]string{file}, s.args...)
		}
		if err = s.run(); err == nil {
			return s
		}
	}
	tb.Fatal(err)
	return nil
}

// run starts the process and waits until it is ready.
func (s *Server) run() error {
	s.cmd = exec.Command("redis-server", s.args...)
	s.cmd.Dir = s.Dir
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan struct{})
	s.out = newOutput(s.ready)
	go func() {
		defer close(s.done)
		s.out.read(stdout)
		_ = s.cmd.Wait()
	}()
	select {
	case <-s.out.seen:
		return nil
	case <-s.done:
		return fmt.Errorf("redis-server ended: %s", s.out)
	case <-time.After(patience):
		s.Kill()
		return fmt.Errorf("redis-server did not become ready: %s", s.out)
	}
}

// output keeps what a server wrote and watches for a line.
type output struct {
	wanted string
	seen   chan struct{}
	mu     sync.Mutex
	text   strings.Builder
}

func newOutput(wanted string) *output { return &output{wanted: wanted, seen: make(chan struct{})} }

func (o *output) read(r io.Reader) {
	found := false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		o.mu.Lock()
		o.text.WriteString(lines.Text() + "\n")
		o.mu.Unlock()
		if !found && strings.Contains(lines.Text(), o.wanted) {
			found = true
			close(o.seen)
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// URL is the server's redis:// URL, with its password if it has one.
func (s *Server) URL() string {
	if s.password != "" {
		return "redis://:" + s.password + "@" + s.Addr
	}
	return "redis://" + s.Addr
}

// Client returns a client, closed when the test ends.
func (s *Server) Client() *redis.Client {
	s.tb.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Password: s.password, MaxRetries: -1})
	s.tb.Cleanup(func() { c.Close() })
	return c
}

// Do runs a command that must not fail.
func (s *Server) Do(args ...any) any {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Password: s.password, MaxRetries: -1})
	defer c.Close()
	v, err := c.Do(ctx, args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.tb.Fatalf("%v: %v", args, err)
	}
	return v
}

// Kill ends the server as kill -9 does, and waits. It may be called again.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Restart starts a killed server again, on the same port and folder.
func (s *Server) Restart() {
	s.tb.Helper()
	if err := s.run(); err != nil {
		s.tb.Fatal(err)
	}
}

// Output is what the server has written so far.
func (s *Server) Output() string { return s.out.String() }
