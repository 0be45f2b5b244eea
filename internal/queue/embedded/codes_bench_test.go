package embedded

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

func BenchmarkEmbeddedPutCode(b *testing.B) {
	e := openTest(b, b.TempDir())
	b.ReportAllocs()
	for b.Loop() {
		putBenchCode(b, e)
	}
}

func BenchmarkEmbeddedCodes(b *testing.B) {
	e := openTest(b, b.TempDir())
	for range 1000 {
		putBenchCode(b, e)
	}
	b.ReportAllocs()
	for b.Loop() {
		if found, err := e.Codes(b.Context(), testDest.Tenant, []string{"CODE500"}); err != nil || len(found) != 1 {
			b.Fatal(found, err)
		}
	}
}

var benchCodes int

func putBenchCode(b *testing.B, e *Store) {
	benchCodes++
	c := queue.Code{
		Code: fmt.Sprintf("CODE%d", benchCodes), Key: fmt.Sprint(benchCodes), Of: "summer", At: testNow.UnixMilli(),
		Data: make([]byte, 300), Claim: 7 * 24 * time.Hour,
	}
	if _, fresh, err := e.PutCode(b.Context(), testDest.Tenant, c); err != nil || !fresh {
		b.Fatal(fresh, err)
	}
}
