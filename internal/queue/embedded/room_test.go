package embedded

import (
	"fmt"
	"os"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestKnownTakesNoRoom: what is stored already has the disk give nothing, however often it
// comes: visits of a link, which nobody counts, and webhooks that are delivered again.
func TestKnownTakesNoRoom(t *testing.T) {
	e := openTest(t, t.TempDir())
	visit := func(n int) {
		c := queue.Code{Code: fmt.Sprint("CODE", n), Key: "the link's own", Data: []byte(`{}`), At: testNow.UnixMilli()}
		if _, fresh, err := e.PutCode(t.Context(), testDest.Tenant, c); err != nil || fresh != (n == 0) {
			t.Fatalf("visit %d: new %t, %v", n, fresh, err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(e.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	visit(0)
	mustAppend(t, e, testGroup(1, 100_000))
	before := size()
	for n := range 20_000 {
		visit(1 + n)
	}
	if after := size(); after != before {
		t.Errorf("20_000 visits take %d bytes", after-before)
	}
	before = size()
	for range 200 {
		if r := mustAppend(t, e, testGroup(1, 100_000))[0]; r.New[0] {
			t.Fatal("it is new again")
		}
	}
	if after := size(); after != before {
		t.Errorf("200 redeliveries take %d bytes", after-before)
	}
}
