package normalize

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"os"
	"testing"
)

// benchBody is a golden payload without its white space, as Meta sends it.
func benchBody(b *testing.B, name string) []byte {
	b.Helper()
	pretty, err := os.ReadFile("testdata/whatsapp/" + name + ".json")
	if err != nil {
		b.Fatal(err)
	}
	var body bytes.Buffer
	if err := json.Compact(&body, pretty); err != nil {
		b.Fatal(err)
	}
	return body.Bytes()
}

func benchmarkNormalize(b *testing.B, name string) {
	body := benchBody(b, name)
	var batch Batch
	var out []byte
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if err := Meta(&batch, body, ingested); err != nil {
			b.Fatal(err)
		}
		out = out[:0]
		for i := range batch.Events {
			batch.Events[i].SetTenant("acme")
			out, _ = batch.Events[i].AppendJSON(out)
		}
	}
	if len(out) == 0 {
		b.Fatal("no event")
	}
}

// BenchmarkNormalizeClick and BenchmarkNormalizeStatus are normalize and encode
// of one webhook; BenchmarkHMAC is what checking the click's signature costs.
func BenchmarkNormalizeClick(b *testing.B)  { benchmarkNormalize(b, "click") }
func BenchmarkNormalizeStatus(b *testing.B) { benchmarkNormalize(b, "status-sent") }

func BenchmarkHMAC(b *testing.B) {
	body := benchBody(b, "click")
	mac := hmac.New(sha256.New, []byte("test_app_secret"))
	var sum [sha256.Size]byte
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(body)
		mac.Sum(sum[:0])
	}
}

// TestAllocations: a warm Batch normalizes and encodes a click without any.
func TestAllocations(t *testing.T) {
	body, err := os.ReadFile("testdata/whatsapp/click.json")
	if err != nil {
		t.Fatal(err)
	}
	var batch Batch
	var out []byte
	allocs := testing.AllocsPerRun(100, func() {
		batch.Reset()
		if err := Meta(&batch, body, ingested); err != nil {
			t.Fatal(err)
		}
		batch.Events[0].SetTenant("acme")
		out, _ = batch.Events[0].AppendJSON(out[:0])
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
