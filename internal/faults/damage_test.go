package faults

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// TestDamage kills the edge with a backlog and damages its files. It does not start, and
// names the file; caddy leadgate repair saves what can be read; and what is not delivered
// afterwards, of all that was acknowledged, is no more than what it says is lost.
func TestDamage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file      string // that is named
		damage    func(db, journal string) error
		uncounted bool // more may be lost than can be counted, and it says so
	}{
		"a byte of the journal": {"leadgate.journal", func(_, journal string) error {
			return inFile(journal, func(b []byte) []byte { b[20_000] ^= 1; return b })
		}, false},
		"the file is missing": {"leadgate.db", func(db, _ string) error { return os.Remove(db) }, false},
		"a page of the file": {"leadgate.db", func(db, _ string) error {
			return inFile(db, func(b []byte) []byte { clear(b[:16<<10]); return b })
		}, false},
		"the journal is cut": {"leadgate.journal", func(_, journal string) error { return os.Truncate(journal, 100_000) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := onEmbedded(t, "damaged: "+name, options{mayLose: true})
			s.run()
			s.senders.more(t, 100)
			s.sink.behave(isDown)
			s.senders.more(t, form(300, 600))
			e := s.edges[0]
			e.Kill()
			dir := filepath.Join(e.Dir, "queue")
			if err := c.damage(filepath.Join(dir, "leadgate.db"), filepath.Join(dir, "leadgate.journal")); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				said, err := runEdge(t, e, "run", "--config", filepath.Join(e.Dir, "Caddyfile"))
				for _, want := range []string{filepath.Join(dir, c.file) + " is damaged", "caddy leadgate repair --dir " + dir} {
					if err == nil || !strings.Contains(said, want) {
						t.Fatalf("the edge ended with %v and does not say %q: %s", err, want, said)
					}
				}
			}
			said, err := runEdge(t, e, "leadgate", "repair", "--dir", dir, "--json")
			var report struct {
				Saved, Lost int
				Kept        []string
				Uncounted   []string
			}
			if err := errors.Join(err, json.Unmarshal([]byte(said), &report)); err != nil || len(report.Kept) == 0 {
				t.Fatalf("repairing: %v: %s", err, said)
			}
			e.Start()
			s.sink.behave(takes)
			s.finish()
			t.Logf("%d saved, %d lost, uncounted %q", report.Saved, report.Lost, report.Uncounted)
			if c.uncounted != (len(report.Uncounted) > 0) {
				t.Errorf("uncounted: %q", report.Uncounted)
			}
			if s.row.lost > report.Lost && !c.uncounted {
				t.Errorf("%d events are lost, and the repair said %d", s.row.lost, report.Lost)
			}
			if s.row.disordered > 0 {
				t.Errorf("%d events came out of order: %q", s.row.disordered, few(s.sink.late))
			}
		})
	}
}

// inFile changes a file's bytes.
func inFile(path string, change func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(b), 0o600)
}

// runEdge runs the edge's program until it ends.
func runEdge(t *testing.T, e *edge, args ...string) (said string, err error) {
	t.Helper()
	path, err := edgetest.Binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), edgetest.GiveUp)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+e.Dir+"/data", "XDG_CONFIG_HOME="+e.Dir+"/config", "HOME="+e.Dir)
	out, err := cmd.CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}
