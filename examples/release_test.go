package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// workflow is a workflow of GitHub's, as far as ours go.
type workflow struct {
	Name string
	On   struct {
		Push struct{ Tags, Branches []string }
	}
	Permissions map[string]string
	Jobs        map[string]struct {
		RunsOn      string `yaml:"runs-on"`
		Permissions map[string]string
		Steps       []struct {
			Name, Uses, Run string
			With, Env       map[string]string
		}
	}
}

// TestReleaseWorkflow: each job may do what it is for and no more, and a pre-release is the latest
// of nothing: not of releases, and not of the image.
func TestReleaseWorkflow(t *testing.T) {
	var w workflow
	decodeYAML(t, "../.github/workflows/release.yml", &w)
	if len(w.Permissions) > 0 {
		t.Errorf("every job may %v", w.Permissions)
	}
	for name, may := range map[string]string{"archives": "attestations contents id-token", "image": "packages"} {
		var writes []string
		for what, how := range w.Jobs[name].Permissions {
			if how == "write" {
				writes = append(writes, what)
			}
		}
		slices.Sort(writes)
		if strings.Join(writes, " ") != may {
			t.Errorf("%s may write %v, want %s", name, writes, may)
		}
	}
	publish, tags := "", ""
	for _, job := range w.Jobs {
		for _, s := range job.Steps {
			if strings.Contains(s.Run, "gh release") {
				publish = s.Run
			}
			tags += s.With["tags"]
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte("#!/bin/sh\necho \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for tag, kind := range map[string]string{"v1.2.3": "--latest", "v1.2.3-rc.1": "--prerelease", "v1.2.3-beta": "--prerelease"} {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", publish)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GITHUB_REF_NAME="+tag)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "release create "+tag+" "+kind+" --verify-tag ") {
			t.Errorf("%s: %s %v, want %s", tag, out, err, kind)
		}
	}
	for line := range strings.Lines(tags) {
		if strings.Contains(line, ":latest") && !strings.Contains(line, "${{ !contains(github.ref_name, '-') && ") {
			t.Errorf("a pre-release is the latest image: %s", line)
		}
	}
	if !strings.Contains(tags, ":latest") {
		t.Errorf("no image is the latest: %s", tags)
	}
}

// TestPack: the same files make the same archive under any umask and at any time, of which nobody
// but the owner may write what is in it.
func TestPack(t *testing.T) {
	for format, program := range map[string]string{"tar.gz": "tar", "zip": "zip"} {
		t.Run(format, func(t *testing.T) {
			have(t, program)
			var archives [][]byte
			for _, umask := range []string{"022", "077", "002"} {
				dir := t.TempDir()
				script := `set -eu; umask ` + umask + `; mkdir -p release/examples; echo program >release/caddy; chmod u+x release/caddy
					echo text >release/README.md; echo '{}' >release/examples/leads.json; touch -d "@17672256${1#0}" release/README.md
					exec "$2" release "out.$3"`
				cmd := exec.CommandContext(t.Context(), "bash", "-c", script, "bash", umask, absolute(t, "../.ci/pack"), format)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "SOURCE_DATE_EPOCH=1767225600")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				b, err := os.ReadFile(filepath.Join(dir, "out."+format))
				if err != nil {
					t.Fatal(err)
				}
				archives = append(archives, b)
				if format == "tar.gz" {
					list := run(t, dir, "tar", "-tzvf", "out.tar.gz")
					for _, want := range []string{"-rwxr-xr-x 0/0", "release/caddy", "-rw-r--r-- 0/0", "drwxr-xr-x 0/0", "release/examples/leads.json"} {
						if !strings.Contains(list, want) {
							t.Errorf("no %s in\n%s", want, list)
						}
					}
				}
			}
			for _, other := range archives[1:] {
				if !bytes.Equal(other, archives[0]) {
					t.Error("another umask makes other bytes")
				}
			}
		})
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
