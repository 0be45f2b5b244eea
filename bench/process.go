package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// host is how the edges are addressed; they listen on the loopback alone.
const (
	host     = "localhost"
	loopback = "127.0.0.1"
)

// startTimeout is how long a process may take to be ready, stopTimeout to end.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
)

// process is a server that the benchmark started.
type process struct {
	cmd  *exec.Cmd
	log  string
	gone chan struct{} // closed when it has ended
}

// start runs a program in a folder, with its output in a file there, and waits
// until ready says nil.
func start(ctx context.Context, dir string, ready func() error, name string, args ...string) (*process, error) {
	p := &process{log: filepath.Join(dir, filepath.Base(name)+".log"), gone: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer out.Close()
	p.cmd = exec.Command(name, args...) //nolint:noctx // ended by stop, gently first
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+filepath.Join(dir, "data"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() { // ends with the process, for which stop waits
		_ = p.cmd.Wait()
		close(p.gone)
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for {
		if err = ready(); err == nil {
			return p, nil
		}
		select {
		case <-tick.C:
			continue
		case <-p.gone:
			err = errors.New("it ended")
		case <-late.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
		return nil, errors.Join(fmt.Errorf("starting %s: %w\n%s", name, err, p.tail()), p.stop())
	}
}

// stop ends the process and waits for it.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.gone:
		return nil
	case <-late.C:
		_ = p.cmd.Process.Kill()
		<-p.gone
		return fmt.Errorf("stopping %s: still there after %s\n%s", p.cmd.Path, stopTimeout, p.tail())
	}
}

// tail is the end of what the process wrote.
func (p *process) tail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// cpu is the CPU time that the process has used, user and system.
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading CPU time, which needs Linux: %w", err)
	}
	return parseStat(b)
}

// tick is the unit of /proc/<pid>/stat, USER_HZ: 1/100 s on every architecture
// that Go runs on.
const tick = 10 * time.Millisecond

// parseStat reads utime and stime, fields 14 and 15, of a /proc/<pid>/stat. The
// second field, the name, may have spaces and brackets in it.
func parseStat(stat []byte) (time.Duration, error) {
	i := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[i+1:]))
	if i < 0 || len(fields) < 13 {
		return 0, errors.New("reading CPU time: /proc/<pid>/stat is too short")
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading CPU time: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// listening says nil when somebody accepts connections there.
func listening(port int) func() error {
	return func() error {
		c, err := net.DialTimeout("tcp", address(port), time.Second) //nolint:noctx // has a timeout
		if err != nil {
			return err
		}
		return c.Close()
	}
}
