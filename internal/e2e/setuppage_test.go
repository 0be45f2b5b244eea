package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/freeport"
)

// sitting is who follows a page in several terminals.
type sitting struct {
	t    *testing.T
	dir  string
	env  []string
	free *strings.Replacer // the page's ports, as this machine has some free
}

// shell is a line of a terminal, in which this program is caddy.
func (s *sitting) shell(line string) *exec.Cmd {
	cmd := exec.CommandContext(s.t.Context(), "sh", "-c", "exec "+s.free.Replace(strings.TrimSpace(line)))
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// run is a line that ends, with a code.
func (s *sitting) run(line string, code int, says string) {
	s.t.Helper()
	cmd := s.shell(line)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), says) {
		s.t.Errorf("%s\n%v, want %d and %q\n%s", line, err, code, says, out)
	}
}

// leave is a line that goes on in a terminal of its own; said is what it prints.
func (s *sitting) leave(name, line, until string) (said func() string) {
	s.t.Helper()
	file := filepath.Join(s.dir, name+".log")
	f, err := os.Create(file)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := s.shell(line)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = f.Close()
	})
	said = func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		return string(text)
	}
	edgetest.Until(s.t, name+" says "+until, func() bool { return strings.Contains(said(), until) })
	return said
}

// newN8N stands in for n8n, and keeps what comes to the path that leads.json has.
func newN8N(t *testing.T) *n8n {
	n := new(n8n)
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/webhook/leads" || r.Header.Get("Webhook-Signature") == "" {
			t.Errorf("n8n gets %s %v: %v", r.URL, r.Header, err)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		n.got.Store(string(text))
	}))
	t.Cleanup(n.Close)
	return n
}

type n8n struct {
	*httptest.Server

	got atomic.Value // the newest body
}

// TestSetupPage follows the five minutes of docs/setup.md, as it is written, and what follows of n8n
// up to the event that n8n gets; examples/n8n goes on from there.
func TestSetupPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/setup.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sh session\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 8 {
		t.Fatalf("the page has %d blocks", len(blocks))
	}
	binary, err := edgetest.Binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &sitting{t: t, dir: t.TempDir()}
	n8n := newN8N(t)
	edge, sink, meta := freeport.Address(t), freeport.Address(t), freeport.Address(t)
	s.free = strings.NewReplacer("localhost:8080", edge, "127.0.0.1:8082", sink, "127.0.0.1:9099", meta,
		"localhost:5678", strings.TrimPrefix(n8n.URL, "http://"),
		"leadgate fake-meta", "leadgate fake-meta --listen "+meta, "leadgate listen", "leadgate listen --listen "+sink)
	s.env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+s.dir, "XDG_DATA_HOME="+s.dir+"/data",
		"XDG_CONFIG_HOME="+s.dir+"/config", "CADDY_ADMIN="+freeport.Address(t))
	if filepath.Base(binary) != "caddy" {
		t.Fatalf("the program is %s", binary)
	}
	accepted := s.leave("fake-meta", blocks[0], "listens")
	got := s.leave("listen", blocks[1], "listening")
	initial, run, _ := strings.Cut(blocks[2], "caddy run")
	s.run(initial, 0, "Verify token")
	s.leave("edge", "caddy run"+run, "leadgate is running")
	s.run(blocks[3], 0, "200 OK queued\n")
	edgetest.Until(t, "the receiver has the event", func() bool { return strings.Contains(got(), "Maria Garcia") })
	edgetest.Until(t, "the lead is reported", func() bool { return strings.Contains(accepted(), `"LeadSubmitted"`) })
	s.run(blocks[4], 0, `"status":"queued"`)
	edgetest.Until(t, "the sale is reported", func() bool { return strings.Contains(accepted(), `"Purchase"`) })
	s.run(blocks[4], 0, `"status":"duplicate"`)
	show, apply, _ := strings.Cut(strings.TrimSpace(blocks[5]), "\n")
	s.run(show, 2, "2 things missing")
	s.run(apply, 0, "nothing is missing")
	s.run(show, 0, "nothing is missing")
	forward, reload, _ := strings.Cut(blocks[6], "caddy reload")
	s.run(forward, 0, "Secret  ") // which is Hmac Secret where the port is that of n8n
	s.run("caddy reload"+reload, 0, "")
	s.run(blocks[7], 0, "200 OK queued\n")
	edgetest.Until(t, "n8n has the event", func() bool {
		text, _ := n8n.got.Load().(string)
		return strings.Contains(text, `"ctwaClid":"Aff-`)
	})
}
