package body

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// TestRead reads bodies of all sizes in pieces of all sizes.
func TestRead(t *testing.T) {
	const limit = 300 << 10
	random := rand.New(rand.NewPCG(1, 2))
	before := InFlight()
	for _, n := range []int{0, 1, 4095, 4096, 4097, 16 << 10, 100_000, limit - 1, limit, limit + 1, 2 * limit} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(random.Uint32())
		}
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodPost, "/", iotest.HalfReader(bytes.NewReader(want)))
			r.ContentLength = int64(n)
			if chunked {
				r.ContentLength = -1
			}
			b, err := Read(r, limit, 1<<40)
			if n > limit {
				if !errors.Is(err, ErrTooLarge) || b != nil {
					t.Errorf("%d bytes: %v", n, err)
				}
				continue
			}
			if err != nil || !bytes.Equal(b.Data, want) {
				t.Fatalf("%d bytes: %d came, %v", n, len(b.Data), err)
			}
			if held := InFlight() - before; held != int64(n) {
				t.Errorf("%d bytes are counted as %d", n, held)
			}
			Landed(len(b.Data))
			b.Release()
		}
	}
	if r := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(io.ErrUnexpectedEOF)); true {
		if _, err := Read(r, limit, 1<<40); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a broken body: %v", err)
		}
	}
	if left := InFlight() - before; left != 0 {
		t.Errorf("%d bytes stay in flight", left)
	}
}

// TestAnnouncedLength: a length alone takes no memory.
func TestAnnouncedLength(t *testing.T) {
	b, err := Read(announcing(3<<20, "{}"), 3<<20, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	defer Landed(len(b.Data))
	if cap(b.Data) > 16<<10 {
		t.Errorf("%d bytes for two", cap(b.Data))
	}
}

func announcing(length int64, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.ContentLength = length
	return r
}
