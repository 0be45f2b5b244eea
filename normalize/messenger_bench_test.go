package normalize

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"testing"
)

// Each of these benchmarks is two: what checking the signature costs, and that
// with all that follows.
func BenchmarkMessengerAd(b *testing.B)       { benchmarkPage(b, "../messenger/click-message") }
func BenchmarkMessengerPostback(b *testing.B) { benchmarkPage(b, "../messenger/click-postback") }
func BenchmarkMessengerDelivery(b *testing.B) { benchmarkPage(b, "../messenger/delivery") }
func BenchmarkInstagramAd(b *testing.B)       { benchmarkPage(b, "../instagram/click-message") }
func BenchmarkInstagramChange(b *testing.B)   { benchmarkPage(b, "../instagram/change-messages") }

func benchmarkPage(b *testing.B, name string) {
	body := benchBody(b, name)
	mac := hmac.New(sha256.New, []byte("test_app_secret"))
	var sum [sha256.Size]byte
	b.Run("HMAC", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sign(mac, body, sum[:0])
		}
	})
	b.Run("HMAC+Normalize+Encode", func(b *testing.B) {
		var batch Batch
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			sign(mac, body, sum[:0])
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
	})
}

func sign(mac hash.Hash, body, sum []byte) {
	mac.Reset()
	mac.Write(body)
	mac.Sum(sum)
}

// TestPageAllocations: a warm Batch needs at most 4 allocations for an event,
// and none for a click's or a status.
func TestPageAllocations(t *testing.T) {
	none := map[string]bool{"click-message": true, "click-postback": true, "click-referral": true, "delivery": true, "read": true,
		"seen": true, "text": true}
	for _, folder := range []string{"testdata/messenger", "testdata/instagram"} {
		for name, body := range payloads(t, folder) {
			var batch Batch
			var out []byte
			allocs := testing.AllocsPerRun(20, func() {
				batch.Reset()
				if err := Meta(&batch, body, ingested); err != nil {
					t.Fatal(err)
				}
				out = out[:0]
				for i := range batch.Events {
					batch.Events[i].SetTenant("acme")
					out, _ = batch.Events[i].AppendJSON(out)
				}
			})
			limit := 4 * float64(len(batch.Events))
			if none[name] {
				limit = 0
			}
			if allocs > limit {
				t.Errorf("%s/%s: %v allocations for %d events", folder, name, allocs, len(batch.Events))
			}
		}
	}
}
