package identity

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain is this test, or with LEADGATE_CLAIM another process that claims a folder,
// says what it got, and lives until its input ends.
func TestMain(m *testing.M) {
	if folder := os.Getenv("LEADGATE_CLAIM"); folder != "" {
		id, err := Claim(folder)
		fmt.Println(id.Edge, id.Process, errors.Is(err, ErrTaken))
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// other is another process that has claimed a folder.
type other struct {
	cmd           *exec.Cmd
	edge, process string
	taken         bool
}

func start(t *testing.T, folder string) *other {
	t.Helper()
	o := &other{cmd: exec.Command(os.Args[0])}
	o.cmd.Env = append(os.Environ(), "LEADGATE_CLAIM="+folder)
	in, err := o.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		o.kill()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	o.edge, o.process, o.taken = words[0], words[1], words[2] == "true"
	return o
}

func (o *other) kill() {
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

// TestIdentityOutlivesAProcess: the next process of a folder has the identity of the one
// that was killed, and none while that lives, though it be stopped.
func TestIdentityOutlivesAProcess(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	first := start(t, folder)
	if len(first.edge) != 16 || len(first.process) != 16 || first.taken {
		t.Fatalf("%+v", first)
	}
	if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if beside := start(t, folder); beside.edge != "" || !beside.taken {
		t.Fatalf("beside one that is stopped: %+v", beside)
	}
	first.kill()
	second := start(t, folder)
	if second.edge != first.edge || second.process == first.process || second.process == "" {
		t.Fatalf("%+v after %+v", second, first)
	}
	if elsewhere := start(t, t.TempDir()); elsewhere.edge == first.edge {
		t.Fatal("two folders have one identity")
	}
}

// TestCopyIsAnotherIdentity: a copy of the folder, as an image of a machine or a restored
// backup is, is not who the first one is.
func TestCopyIsAnotherIdentity(t *testing.T) {
	folder, clone := t.TempDir(), t.TempDir()
	first := start(t, folder)
	if err := os.CopyFS(clone, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if copied := start(t, clone); copied.edge == first.edge || copied.edge == "" {
		t.Fatalf("%+v of a copy of %+v", copied, first)
	}
}

// TestSpoiltFile: a file that was not written to its end is written anew.
func TestSpoiltFile(t *testing.T) {
	folder := t.TempDir()
	for _, text := range []string{"", "0011", strings.Repeat("x", 5000)} {
		if err := os.WriteFile(filepath.Join(folder, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		first := start(t, folder)
		first.kill()
		if second := start(t, folder); second.edge != first.edge || second.edge == "" {
			t.Errorf("%+v after %+v", second, first)
		} else {
			second.kill()
		}
	}
}

// TestClaimAgain: one process has one identity, however often it asks.
func TestClaimAgain(t *testing.T) {
	folder := t.TempDir()
	first, err := Claim(folder)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Claim(filepath.Join(folder, "..", filepath.Base(folder))); err != nil || second != first {
		t.Fatalf("%+v after %+v: %v", second, first, err)
	}
}

// TestNoFolder: where there can be no file, there is no identity.
func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := Claim(filepath.Join(file, "data")); err == nil || id != (Identity{}) {
		t.Fatalf("%+v, %v", id, err)
	}
}

// TestPlace: seen from another running system, the same file is another place.
func TestPlace(t *testing.T) {
	const inode, device = 7, 8
	a, b := place("boot one", device, inode), place("boot two", device, inode)
	if a == b || a == place("boot one", device, inode+1) || a == place("boot one", device+1, inode) {
		t.Fatalf("%q and %q", a, b)
	}
}

// TestRemote: a file system that several hosts may have gives no identity.
func TestRemote(t *testing.T) {
	for number, name := range map[uint32]string{0x6969: "NFS", 0xff534d42: "SMB", 0x01021997: "9p", 0x65735546: "FUSE"} {
		if err := proves(number); !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), name) {
			t.Errorf("%#x: %v", number, err)
		}
	}
	const ext4 = 0xef53
	if err := proves(ext4); err != nil {
		t.Error(err)
	}
}
