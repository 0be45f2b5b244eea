package edgetest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/freeport"
)

// Edge is a Leadgate process that can be killed and started again.
type Edge struct {
	Site   string   // http://127.0.0.1:port
	Admin  string   // http://127.0.0.1:port
	Dir    string   // of its own, for its queue
	Prefix []string // words before the command, as nsenter's
	Flags  []string // words behind it
	Env    []string // of the process, beside the test's own
	// KeepLog has Said tell all that the process wrote, and not the end alone.
	KeepLog bool

	t      testing.TB
	config string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	log    *output
}

// New makes an edge with ports and a folder of its own, without starting it. It is
// killed when the test ends, and what it said is shown if that has failed.
func New(t testing.TB) *Edge {
	t.Helper()
	if _, err := Binary(); err != nil {
		t.Fatal(err)
	}
	e := &Edge{t: t, Dir: t.TempDir(), Site: "http://" + freeport.Address(t), Admin: "http://" + freeport.Address(t), log: new(output)}
	e.config = filepath.Join(e.Dir, "Caddyfile")
	t.Cleanup(func() {
		e.Kill()
		if t.Failed() {
			said := e.Said()
			t.Logf("the edge said:\n%s", said[max(0, len(said)-keptOutput):])
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
	words = append(words, e.Flags...)
	e.cmd = exec.Command(words[0], words[1:]...)
	e.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+e.Dir+"/data", "XDG_CONFIG_HOME="+e.Dir+"/config", "HOME="+e.Dir)
	e.cmd.Env = append(e.cmd.Env, e.Env...)
	e.log.all = e.KeepLog
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
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
		e.Alive()
		resp, err := quick.Get(e.Site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound && e.knows()
	})
}

// knows reports whether the admin endpoint, if there is one, knows of the configuration: a site
// serves a moment before. What is asked for is nothing, so that no store is.
func (e *Edge) knows() bool {
	resp, err := quick.Get(e.Admin + "/leadgate/ads?group=nothing")
	if err != nil {
		return true
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	return err != nil || !strings.Contains(string(said), "no configuration is running")
}

// Said is what the process wrote.
func (e *Edge) Said() string { return e.log.String() }

// PID is the process's number.
func (e *Edge) PID() int { return e.cmd.Process.Pid }

// Alive fails the test where the process has ended.
func (e *Edge) Alive() {
	e.t.Helper()
	select {
	case <-e.ended:
		e.t.Fatal("the edge ended")
	default:
	}
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
