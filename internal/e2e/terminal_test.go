package e2e

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// person is whoever sits at a terminal.
type person struct{ *os.File }

// openTerminal makes a terminal (Linux's pty), and the name of its other end.
func openTerminal(t *testing.T) (p *person, name string) {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	var number, unlocked int32
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	const unlock, getNumber = 0x40045431, 0x80045430 // TIOCSPTLCK, TIOCGPTN
	ioctl := func(request uintptr, value *int32) {
		if err := raw.Control(func(fd uintptr) {
			if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value))); no != 0 {
				t.Fatal(no)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	ioctl(unlock, &unlocked)
	ioctl(getNumber, &number)
	return &person{f}, "/dev/pts/" + strconv.Itoa(int(number))
}

// answer waits for each question and types the answer. It returns all that was seen.
func (p *person) answer(t *testing.T, dialogue [][2]string) string {
	t.Helper()
	var seen strings.Builder
	from := 0
	for _, step := range dialogue {
		for !strings.Contains(seen.String()[from:], step[0]) {
			buf := make([]byte, 4096)
			if err := p.SetReadDeadline(time.Now().Add(edgetest.GiveUp)); err != nil {
				t.Fatal(err)
			}
			n, err := p.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				t.Fatalf("%q is not asked: %v\n%s", step[0], err, seen.String())
			}
		}
		from = seen.Len()
		if _, err := p.WriteString(step[1] + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	return seen.String()
}
