package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// machine is what the figures were taken on.
type machine struct {
	Time      time.Time `json:"time"`
	CPU       string    `json:"cpu"`
	Cores     int       `json:"cores"`
	Memory    string    `json:"memory"`
	Kernel    string    `json:"kernel"`
	Go        string    `json:"go"`
	Caddy     string    `json:"caddy"`
	Redis     string    `json:"redis"`
	Commit    string    `json:"commit"`
	Load      string    `json:"load"`      // averages over 1, 5 and 15 minutes at the start
	Fdatasync float64   `json:"fdatasync"` // p50, ms
}

func (m *machine) String() string {
	return fmt.Sprintf("%s: %d cores of %s, %s, %s, %s, Caddy %s, %s, Leadgate %s; load average at start %s; fdatasync p50 %.2f ms.",
		m.Time.UTC().Format("2006-01-02 15:04 UTC"), m.Cores, m.CPU, m.Memory, m.Kernel, m.Go, m.Caddy, m.Redis, m.Commit, m.Load, m.Fdatasync)
}

// describe looks at the machine and the Caddy that was built, and measures
// fdatasync in the folder where the stores will be.
func describe(ctx context.Context, caddy, dir, root string) (machine, error) {
	m := machine{Time: time.Now(), Cores: runtime.NumCPU(), Go: runtime.Version(), CPU: runtime.GOARCH, Caddy: "unknown",
		Redis: "without Redis", Commit: "unknown", Kernel: runtime.GOOS, Load: "unknown", Memory: "unknown memory"}
	if v := field("/proc/cpuinfo", "model name"); v != "" {
		m.CPU = v
	}
	if kb, err := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.Memory = fmt.Sprintf("%.0f GiB", kb/(1<<20))
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(b))[:3], " ")
	}
	if info, err := buildinfo.ReadFile(caddy); err == nil {
		for _, d := range info.Deps {
			if d.Path == "github.com/caddyserver/caddy/v2" {
				m.Caddy = d.Version
			}
		}
	}
	if out, err := exec.CommandContext(ctx, "redis-server", "--version").Output(); err == nil {
		for word := range strings.FieldsSeq(string(out)) {
			if v, ok := strings.CutPrefix(word, "v="); ok {
				m.Redis = "Redis " + v
			}
		}
	}
	git := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty")
	git.Dir = root
	if out, err := git.Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	p50, err := measureSync(dir)
	m.Fdatasync = milliseconds(p50)
	return m, err
}

// field returns the value of the first line "name : value" of a file.
func field(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// measureSync returns the median time to write 16 KiB, a page of the embedded
// queue, into a file that has its size already, and to make it durable.
func measureSync(dir string) (p50 time.Duration, err error) {
	f, err := os.Create(filepath.Join(dir, "fdatasync"))
	if err != nil {
		return 0, fmt.Errorf("measuring fdatasync: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	const page, n = 16 << 10, 400
	buf := make([]byte, page)
	for range n {
		if _, err := f.Write(buf); err != nil {
			return 0, fmt.Errorf("measuring fdatasync: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return 0, fmt.Errorf("measuring fdatasync: %w", err)
	}
	took := make([]time.Duration, n)
	for i := range took {
		buf[0]++
		began := time.Now()
		_, err := f.WriteAt(buf, int64(i)*page)
		if err = errors.Join(err, datasync(f)); err != nil {
			return 0, fmt.Errorf("measuring fdatasync: %w", err)
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return percentile(took, 50), nil
}
