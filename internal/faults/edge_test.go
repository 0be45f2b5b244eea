package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const secret = "test_app_secret"

// edge is a Leadgate process.
type edge struct {
	t      *testing.T
	config string
	site   string // http://127.0.0.1:port
	admin  string // http://127.0.0.1:port
	dir    string
	prefix []string // words before the command, as nsenter's

	global string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	log    *lastOutput
}

// lastOutput keeps the end of a process's output.
type lastOutput struct {
	mu  sync.Mutex
	buf []byte
}

const keptOutput = 16 << 10

func (l *lastOutput) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2*keptOutput {
		l.buf = append(l.buf[:0], l.buf[len(l.buf)-keptOutput:]...)
	}
	return len(p), nil
}

func (l *lastOutput) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}

// newEdge makes an edge with these global options and this leadgate block,
// without starting it. %DIR% in the options is the edge's folder.
func newEdge(t *testing.T, global, block string) *edge {
	t.Helper()
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e := &edge{t: t, dir: dir, log: new(lastOutput), global: strings.ReplaceAll(global, "%DIR%", dir),
		site: "http://127.0.0.1:" + freePort(t), admin: "http://127.0.0.1:" + freePort(t)}
	e.config = filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(e.config, []byte(e.caddyfile(block)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.kill()
		if t.Failed() {
			t.Logf("the edge said:\n%s", e.log)
		}
	})
	return e
}

func (e *edge) caddyfile(block string) string {
	return `{
	admin ` + strings.TrimPrefix(e.admin, "http://") + `
	persist_config off
	log {
		exclude admin.api
	}
	leadgate {
		` + e.global + `
	}
}
` + e.site + ` {
	leadgate /webhooks/meta {
		provider meta {
			app_secret ` + secret + `
			verify_token word
		}
` + block + `
	}
	respond "not here" 404
}
`
}

// start starts the process and waits until it serves.
func (e *edge) start() {
	e.t.Helper()
	path, _ := binary()
	words := append(append([]string{}, e.prefix...), path, "run", "--config", e.config)
	e.cmd = exec.Command(words[0], words[1:]...)
	e.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+e.dir+"/data", "XDG_CONFIG_HOME="+e.dir+"/config", "HOME="+e.dir)
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
	until(e.t, "the edge serves", func() bool {
		select {
		case <-ended:
			e.t.Fatal("the edge ended at its start")
		default:
		}
		resp, err := quick.Get(e.site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound
	})
}

// quick is for questions that a living edge answers at once.
var quick = &http.Client{Timeout: 5 * time.Second}

// kill is kill -9.
func (e *edge) kill() {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Kill()
	<-e.ended
	e.cmd = nil
}

// end asks the edge to end (SIGTERM) and waits until it has.
func (e *edge) end() {
	e.t.Helper()
	e.signal(syscall.SIGTERM)
	late := time.NewTimer(giveUp)
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

func (e *edge) signal(s syscall.Signal) {
	e.t.Helper()
	if err := e.cmd.Process.Signal(s); err != nil {
		e.t.Fatal(err)
	}
}

// load gives the running edge another block.
func (e *edge) load(block string) {
	e.t.Helper()
	req, err := http.NewRequest(http.MethodPost, e.admin+"/load", strings.NewReader(e.caddyfile(block)))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		e.t.Fatalf("loading config: %d %s", resp.StatusCode, body)
	}
}

type destination struct {
	Name, State, Reason     string
	Backlog, InFlight, Dead int
	Delivered               int64
}

// destinations asks the admin API; nil if it doesn't answer.
func (e *edge) destinations() map[string]destination {
	resp, err := quick.Get(e.admin + "/leadgate/destinations")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var list []destination
	if json.NewDecoder(resp.Body).Decode(&list) != nil {
		return nil
	}
	all := make(map[string]destination, len(list))
	for _, d := range list {
		all[d.Name] = d
	}
	return all
}

// idle says that nothing waits for the scenarios' destinations.
func (e *edge) idle() bool {
	all := e.destinations()
	for _, name := range []string{crm, meta} {
		if d, known := all[name]; !known || d.Backlog > 0 || d.InFlight > 0 {
			return false
		}
	}
	return true
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// post posts a signed webhook.
func (e *edge) post(client *http.Client, body []byte, signature string) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, e.site+"/webhooks/meta", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", signature)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
