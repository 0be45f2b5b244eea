package faults

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDiskFull fills the disk of an embedded queue while the sink is down, has
// somebody else take the rest of it, restarts the edge, and lets it drain.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t, "disk full, restart meanwhile", options{padding: 12000})
	e := s.edges[0]
	dir := filepath.Join(e.Dir, "queue")
	prefix, disk := smallDisk(t, dir, "40m")
	e.Prefix = prefix
	s.run()
	s.senders.more(t, 20)
	s.sink.behave(isDown)
	s.senders.moreRefused(t, 2*contacts)
	fillUp(t, filepath.Join(disk, "rest"))
	s.senders.moreRefused(t, 2*contacts)
	e.End()
	e.Start()
	s.senders.moreRefused(t, 2*contacts)
	s.sink.behave(takes)
	// No more disk than before: draining makes the room.
	s.senders.more(t, 100)
	s.finish()
}

// fillUp writes a file until the disk is full.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
}

// smallDisk puts a tmpfs at dir: for everybody where we may mount, else for the
// processes in a user namespace, which prefix leads into. disk is where we find
// it ourselves.
func smallDisk(t *testing.T, dir, size string) (prefix []string, disk string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mountErr := syscall.Mount("leadgate", dir, "tmpfs", 0, "size="+size)
	if mountErr == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmounting: %v", err)
			}
		})
		return nil, dir
	}
	// The namespaces live as long as this shell, which waits for its input to end.
	holder := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o size="$1" leadgate "$0" && echo mounted && read -r _`, dir, size)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	holder.Stderr = &said
	if err := holder.Start(); err != nil {
		skipDisk(t, mountErr, err)
	}
	answer := make([]byte, len("mounted"))
	if _, err := io.ReadFull(out, answer); err != nil {
		_ = holder.Wait()
		skipDisk(t, mountErr, fmt.Errorf("%w: %s", err, &said))
	}
	t.Cleanup(func() {
		in.Close()
		_ = holder.Wait()
	})
	pid := fmt.Sprint(holder.Process.Pid)
	return []string{"nsenter", "--target", pid, "--user", "--mount", "--preserve-credentials"}, "/proc/" + pid + "/root" + dir
}

func skipDisk(t *testing.T, errs ...error) {
	t.Helper()
	fmt.Fprintln(os.Stderr,
		"\n*** NO SMALL DISK CAN BE MOUNTED HERE, neither as this user nor in a user namespace: A FULL DISK IS NOT TESTED ***")
	t.Skip(errors.Join(errs...))
}
