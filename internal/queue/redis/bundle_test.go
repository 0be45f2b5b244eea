package redis

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// bundleOf writes entries as one bundle.
func bundleOf(payloads ...[]byte) bundle {
	var w bundleWriter
	w.begin([]int{len(payloads)}, false)
	for i, p := range payloads {
		w.add(1, &queue.Header{EventID: queue.ID{byte(i)}, Contact: "whatsapp:1555", Time: int64(i)}, p)
	}
	bundles, _ := w.end()
	return bundles[0]
}

func TestBundleRoundTrip(t *testing.T) {
	payloads := [][]byte{[]byte(`{"a":1}`), nil, bytes.Repeat([]byte("x"), bundledPayload)}
	p := bundleOf(payloads...)
	if h, rest, err := codec.DecodeHeader(p.header); err != nil || len(rest) > 0 || h.EventID != (queue.ID{0}) {
		t.Fatalf("the bundle's header: %+v, %d more bytes, %v", h, len(rest), err)
	}
	id := queue.Pos{Ms: 1736535600000, Seq: 7}
	for _, pending := range []string{"111", "101", "010", "000"} {
		entries, _, err := decodeBundle(id, p.bytes, pending, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range payloads {
			if pending[i] == '0' {
				continue
			}
			e := entries[n]
			n++
			gotID, part := entryOf(e.Pos)
			if gotID != id || part != i+1 || e.Header.EventID != (queue.ID{byte(i)}) || !bytes.Equal(e.Payload, payloads[i]) {
				t.Fatalf("pending %s, entry %d: %+v", pending, i, e)
			}
		}
		if n != len(entries) {
			t.Fatalf("pending %s: %d entries", pending, len(entries))
		}
	}
}

// TestBundleBounds: a bundle is closed when it is full, and what two destinations get
// alike is one block.
func TestBundleBounds(t *testing.T) {
	var w bundleWriter
	w.begin([]int{200, 200, 1}, false)
	payload := bytes.Repeat([]byte("0123456789abcdef"), bundledPayload/16)
	for i := range 200 {
		w.add(1, &queue.Header{Time: int64(i)}, payload)
		w.add(2, &queue.Header{Time: int64(i)}, payload)
	}
	if w.takes(3, &queue.Job{}) || !w.takes(1, &queue.Job{}) || w.takes(1, &queue.Job{Dead: &queue.Reason{}}) {
		t.Error("a bundle for one entry, or for a dead letter, or none for many")
	}
	bundles, blocks := w.end()
	entries := 0
	for i, p := range bundles {
		n := int(p.bytes[1])
		entries += n
		if p.block == 0 || p.bytes[0] != blockVersion || !bytes.Equal(p.bytes[2:], blocks[p.block-1].id) {
			t.Fatalf("bundle %d refers to no block, though two destinations get it", i)
		}
		block := blocks[p.block-1].bytes
		if size, err := s2.DecodedLen(block); err != nil || size > bundleLimit || n > bundleEntries {
			t.Errorf("bundle %d: %d entries of %d bytes, %v", i, n, size, err)
		}
	}
	if len(bundles) != 2*len(blocks) {
		t.Errorf("%d bundles of %d blocks", len(bundles), len(blocks))
	}
	if entries != 400 || bundles[0].dest != 1 || bundles[1].dest != 2 {
		t.Errorf("%d entries in %d bundles", entries, len(bundles))
	}
}

func TestDamagedBundle(t *testing.T) {
	good := bundleOf([]byte("one"), []byte("two")).bytes
	huge := append([]byte{bundleVersion, 1}, s2.Encode(nil, make([]byte, bundleLimit+1))...)
	for want, record := range map[string][]byte{
		"cut short":      good[:1],
		"version 9":      append([]byte{9}, good[1:]...),
		"version 2":      append([]byte{blockVersion, 2}, make([]byte, blockID)...), // as an edge of before reads it
		"3 entries":      append([]byte{bundleVersion, 3}, good[2:]...),
		"too large":      huge,
		"reading page 1": good[:len(good)-3],
	} {
		pending := strings.Repeat("1", min(2, len(record)))
		if bytes.Equal(record, huge) {
			pending = "1"
		}
		if _, _, err := decodeBundle(queue.Pos{Ms: 1}, record, pending, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// FuzzBundle: a damaged bundle is an error and never more.
func FuzzBundle(f *testing.F) {
	f.Add([]byte(bundleOf([]byte(`{"n":1}`), []byte(`{"n":2}`)).bytes), "10")
	f.Add([]byte{bundleVersion, 1}, "1")
	f.Add(append([]byte{bundleVersion, 1}, s2.Encode(nil, []byte{0, 0, 0, 9, 1})...), "1")
	f.Fuzz(func(t *testing.T, record []byte, pending string) {
		entries, _, err := decodeBundle(queue.Pos{Ms: 1}, record, pending, nil)
		if err != nil {
			return
		}
		if want := strings.Count(pending, "1"); len(entries) != want {
			t.Fatalf("%d entries, %d pending", len(entries), want)
		}
	})
}

func TestRetryField(t *testing.T) {
	for text, want := range map[string]queue.Pos{
		"1736535600000-0":    entryPos(queue.Pos{Ms: 1736535600000}, 0),
		"1736535600000-5-64": entryPos(queue.Pos{Ms: 1736535600000, Seq: 5}, 64),
	} {
		got, err := parseRetryField(text)
		if err != nil || got != want || retryField(got) != text {
			t.Errorf("%s: %+v, %v; written %s", text, got, err, retryField(got))
		}
	}
	for _, text := range []string{"", "1", "1-x", "1-2-x", "1-2-300", "x-1-2", "1-2-3-4"} {
		if p, err := parseRetryField(text); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

// TestRememberedID: ids that differ in few bits are spread, since they are kept
// by their last digits.
func TestRememberedID(t *testing.T) {
	last := map[int64]int{}
	seen := map[int64]bool{}
	for i := range 10_000 {
		n := rememberedID(queue.ID{byte(i >> 8), byte(i)})
		if seen[n] {
			t.Fatalf("%d is remembered as another", i)
		}
		seen[n] = true
		last[n%10]++
	}
	for digit, n := range last {
		if n < 300 {
			t.Errorf("%d ids end in %d", n, digit)
		}
	}
	if rememberedID(queue.ID{}) == 0 {
		t.Error("0 is what every set has")
	}
}
