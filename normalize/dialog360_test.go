package normalize

import (
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

var dialog360 = bsp{"360dialog", Dialog360, func(root jsondoc.Node) []Kind {
	object := root.Get("object")
	if object.String() == "whatsapp_business_account" || !object.Exists() && root.Get("entry").Kind() == '[' {
		return expectedOfEntries(root.Get("entry"), func(jsondoc.Node) bool { return false })
	}
	if kinds, ok := expectedOfBare(root); ok {
		return kinds
	}
	return expectedOfUnknown(root.Get("entry"))
}}

func TestGoldenDialog360(t *testing.T)      { dialog360.golden(t) }
func TestCorpusDialog360(t *testing.T)      { dialog360.corpus(t) }
func TestReusedBatchDialog360(t *testing.T) { dialog360.reused(t) }
func FuzzDialog360(f *testing.F)            { dialog360.fuzz(f) }
func BenchmarkDialog360(b *testing.B)       { dialog360.bench(b, "cloud-click") }

func TestAllocationsDialog360(t *testing.T) {
	dialog360.allocations(t, map[string]float64{"cloud-click": 0, "cloud-status": 0, "bare-click": 0, "bare-sent": 0})
}

// TestDialog360IsMeta: the Cloud API product passes Meta's body on, so every
// event is Meta's but for the provider's name, and has the same id.
func TestDialog360IsMeta(t *testing.T) {
	for name, body := range payloads(t, "testdata/whatsapp") {
		var own, meta Batch
		if err := Dialog360(&own, body, ingested); err != nil {
			t.Fatal(err)
		}
		if err := Meta(&meta, body, ingested); err != nil {
			t.Fatal(err)
		}
		if len(own.Events) != len(meta.Events) {
			t.Errorf("%s: %d events, by Meta %d", name, len(own.Events), len(meta.Events))
			continue
		}
		for i := range own.Events {
			e, m := &own.Events[i], &meta.Events[i]
			if e.Provider != Provider360dialog {
				t.Errorf("%s: provider %s", name, e.Provider)
			}
			e.Provider = m.Provider
			e.SetTenant("acme")
			m.SetTenant("acme")
			got, _ := e.AppendJSON(nil)
			want, _ := m.AppendJSON(nil)
			if string(got) != string(want) {
				t.Errorf("%s: %s, by Meta %s", name, got, want)
			}
		}
	}
}
