package normalize

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// bsp is a provider that passes WhatsApp on, with its own reading of what a
// body must become.
type bsp struct {
	folder    string
	normalize func(*Batch, []byte, int64) error
	expected  func(root jsondoc.Node) []Kind
}

// events normalizes, encodes for the tenant acme, and checks what holds for
// every event.
func (p bsp) events(t testing.TB, b *Batch, body []byte) [][]byte {
	t.Helper()
	if err := p.normalize(b, body, ingested); err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for i := range b.Events {
		e := &b.Events[i]
		e.SetTenant("acme")
		event, attribution := e.AppendJSON(nil)
		if string(event[attribution:attribution+4]) != "null" {
			t.Fatalf("attribution is at %.20s", event[attribution:])
		}
		validate(t, event)
		if !within(e.Raw, body) || cap(e.Raw) != len(e.Raw) {
			t.Fatalf("raw is no slice of the body of its own: %s", e.Raw)
		}
		out = append(out, event)
	}
	return out
}

// bodies are the payloads of the provider's folder, by name.
func (p bsp) bodies(t testing.TB) map[string][]byte {
	t.Helper()
	return payloads(t, filepath.Join("testdata", p.folder))
}

// golden compares every payload with the events beside it.
func (p bsp) golden(t *testing.T) {
	for name, body := range p.bodies(t) {
		t.Run(name, func(t *testing.T) {
			var b Batch
			compareGolden(t, filepath.Join("testdata", p.folder, name+".golden.json"), p.events(t, &b, body)...)
			p.check(t, body)
		})
	}
}

// check normalizes a body twice and counts: what should be an event is one, in
// order, with the same id both times.
func (p bsp) check(t testing.TB, body []byte) {
	t.Helper()
	var d jsondoc.Doc
	if err := d.Parse(body); err != nil {
		t.Fatal(err)
	}
	var b Batch
	events := p.events(t, &b, body)
	var kinds []Kind
	var ids []ID
	for i := range b.Events {
		kinds = append(kinds, b.Events[i].Kind)
		ids = append(ids, b.Events[i].ID())
	}
	if want := p.expected(d.Root()); !equal(kinds, want) {
		t.Errorf("kinds %v, want %v: %s", kinds, want, body)
	}
	b.Reset()
	if err := p.normalize(&b, bytes.Clone(body), ingested+5000); err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != len(ids) {
		t.Fatalf("%d events, then %d", len(ids), len(b.Events))
	}
	for i := range b.Events {
		b.Events[i].SetTenant("acme")
		if id := b.Events[i].ID(); id != ids[i] {
			t.Errorf("event %d has the id %s, then %s: %s", i, ids[i], id, events[i])
		}
	}
}

// corpus runs every body of LEADGATE_CORPUS: the provider's own, Meta's, which
// it passes on, and other providers', of which nothing may be lost either.
func (p bsp) corpus(t *testing.T) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		t.Skip("LEADGATE_CORPUS IS NOT SET: the bodies found in public repositories were NOT tried")
	}
	files, err := filepath.Glob(filepath.Join(corpus, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", corpus, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p.check(t, body)
		})
	}
}

// fuzz starts from the provider's payloads and Meta's.
func (p bsp) fuzz(f *testing.F) {
	for _, bodies := range []map[string][]byte{p.bodies(f), payloads(f, "testdata/whatsapp")} {
		for _, body := range bodies {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b Batch
		if err := p.normalize(&b, body, ingested); err != nil {
			if len(b.Events) != 0 {
				t.Fatalf("%d events and %v", len(b.Events), err)
			}
			return
		}
		p.check(t, body)
	})
}

// reused sends every payload through one Batch and through a new one: nothing of
// one webhook may show up in another.
func (p bsp) reused(t *testing.T) {
	var reused Batch
	for name, body := range p.bodies(t) {
		var fresh Batch
		want := bytes.Join(p.events(t, &fresh, body), nil)
		reused.Reset()
		if got := bytes.Join(p.events(t, &reused, body), nil); !bytes.Equal(got, want) {
			t.Errorf("%s: a reused batch gives\n%s\na new one\n%s", name, got, want)
		}
	}
}

// compact is a payload without its white space, as it comes over the wire.
func (p bsp) compact(t testing.TB, name string) []byte {
	t.Helper()
	body, ok := p.bodies(t)[name]
	if !ok {
		t.Fatalf("no payload %s", name)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, body); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// run normalizes and encodes into a warm Batch.
func (p bsp) run(t testing.TB, b *Batch, out, body []byte) []byte {
	b.Reset()
	if err := p.normalize(b, body, ingested); err != nil {
		t.Fatal(err)
	}
	out = out[:0]
	for i := range b.Events {
		b.Events[i].SetTenant("acme")
		out, _ = b.Events[i].AppendJSON(out)
	}
	return out
}

// allocations are of one webhook with a warm Batch.
func (p bsp) allocations(t *testing.T, limits map[string]float64) {
	for name, limit := range limits {
		body := p.compact(t, name)
		var b Batch
		out := p.run(t, &b, nil, body)
		if n := testing.AllocsPerRun(100, func() { out = p.run(t, &b, out, body) }); n > limit {
			t.Errorf("%s: %v allocations, want at most %v", name, n, limit)
		}
	}
}

// bench measures normalize and encode of a payload, and beside it the HMAC that
// checking a signature of the same body would cost.
func (p bsp) bench(b *testing.B, name string) {
	body := p.compact(b, name)
	b.Run("normalize", func(b *testing.B) {
		var batch Batch
		var out []byte
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			out = p.run(b, &batch, out, body)
		}
	})
	b.Run("hmac", func(b *testing.B) {
		mac := hmac.New(sha256.New, []byte("test_app_secret"))
		var sum [sha256.Size]byte
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			mac.Reset()
			mac.Write(body)
			mac.Sum(sum[:0])
		}
	})
}
