// Package edgetest runs the Caddy of this repository as a process of its own, for
// tests that kill it.
package edgetest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/built"
	"github.com/leadgate/leadgate/internal/freeport"
)

// GiveUp ends a test that has failed; nothing is measured by it.
const GiveUp = 2 * time.Minute

// Main is for TestMain: it runs the tests and removes what Binary built.
func Main(m *testing.M) (code int) {
	code = m.Run()
	if binaryDir != "" {
		if err := os.RemoveAll(binaryDir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return code
}

var binaryDir string

// Binary builds the Caddy of this repository, once in a run, or is the one that
// LEADGATE_FAULTS_EDGE names: a release, say.
var Binary = sync.OnceValues(func() (path string, err error) {
	if path := os.Getenv("LEADGATE_FAULTS_EDGE"); path != "" {
		return filepath.Abs(path)
	}
	if binaryDir, err = os.MkdirTemp("", "leadgate-test-"); err != nil {
		return "", fmt.Errorf("making folder: %w", err)
	}
	return built.Caddy(binaryDir)
})

// Edge is a Leadgate process that can be killed and started again.
type Edge struct {
	Site   string   // http://127.0.0.1:port
	Admin  string   // http://127.0.0.1:port
	Dir    string   // of its own, for its queue
	Prefix []string // words before the command, as nsenter's

	t      testing.TB
	config string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	log    output
}

// output keeps the end of what a process wrote.
type output struct {
	mu  sync.Mutex
	buf []byte
}

const keptOutput = 16 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, p...)
	if len(o.buf) > 2*keptOutput {
		o.buf = append(o.buf[:0], o.buf[len(o.buf)-keptOutput:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.buf)
}

// New makes an edge with ports and a folder of its own, without starting it. It is
// killed when the test ends, and what it said is shown if that has failed.
func New(t testing.TB) *Edge {
	t.Helper()
	if _, err := Binary(); err != nil {
		t.Fatal(err)
	}
	e := &Edge{t: t, Dir: t.TempDir(), Site: "http://127.0.0.1:" + FreePort(t), Admin: "http://127.0.0.1:" + FreePort(t)}
	e.config = filepath.Join(e.Dir, "Caddyfile")
	t.Cleanup(func() {
		e.Kill()
		if t.Failed() {
			t.Logf("the edge said:\n%s", &e.log)
		}
	})
	return e
}

// Caddyfile is a configuration of one site that answers 404 to what its directives
// don't. global is Leadgate's own; %DIR% in it is the edge's folder. more is of
// Caddy's global options.
func (e *Edge) Caddyfile(global, more, site string) string {
	return `{
	admin ` + strings.TrimPrefix(e.Admin, "http://") + `
	persist_config off
	` + more + `
	leadgate {
		` + strings.ReplaceAll(global, "%DIR%", e.Dir) + `
	}
}
` + e.Site + ` {
` + site + `
	respond "not here" 404
}
`
}

// Configure writes the Caddyfile that the next start reads.
func (e *Edge) Configure(caddyfile string) {
	e.t.Helper()
	if err := os.WriteFile(e.config, []byte(caddyfile), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// quick is for questions that a living edge answers at once.
var quick = &http.Client{Timeout: 5 * time.Second}

// Start starts the process and waits until it serves.
func (e *Edge) Start() {
	e.t.Helper()
	path, _ := Binary()
	words := append(append([]string{}, e.Prefix...), path, "run", "--config", e.config)
	e.cmd = exec.Command(words[0], words[1:]...)
	e.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+e.Dir+"/data", "XDG_CONFIG_HOME="+e.Dir+"/config", "HOME="+e.Dir)
	e.cmd.Stdout, e.cmd.Stderr = &e.log, &e.log
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	cmd, ended := e.cmd, make(chan struct{})
	e.ended = ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	Until(e.t, "the edge serves", func() bool {
		select {
		case <-ended:
			e.t.Fatal("the edge ended at its start")
		default:
		}
		resp, err := quick.Get(e.Site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound
	})
}

// Kill is kill -9. It may be called again.
func (e *Edge) Kill() {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Kill()
	<-e.ended
	e.cmd = nil
}

// End asks the edge to end (SIGTERM) and waits until it has.
func (e *Edge) End() {
	e.t.Helper()
	e.Signal(syscall.SIGTERM)
	late := time.NewTimer(GiveUp)
	defer late.Stop()
	select {
	case <-e.ended:
	case <-late.C:
		e.t.Fatal("the edge doesn't end")
	}
	if code := e.cmd.ProcessState.ExitCode(); code != 0 {
		e.t.Errorf("the edge ended with %d", code)
	}
	e.cmd = nil
}

// Signal sends the process a signal.
func (e *Edge) Signal(s syscall.Signal) {
	e.t.Helper()
	if e.cmd == nil {
		e.t.Fatal(errors.New("the edge doesn't run"))
	}
	if err := e.cmd.Process.Signal(s); err != nil {
		e.t.Fatal(err)
	}
}

// Until waits for something to become true.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(GiveUp)
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

// FreePort is a port of 127.0.0.1 that nobody listens at.
func FreePort(t testing.TB) string {
	t.Helper()
	return fmt.Sprint(freeport.New(t))
}
