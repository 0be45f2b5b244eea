package redis

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// pageOf writes entries as one page.
func pageOf(payloads ...[]byte) page {
	var w pageWriter
	w.begin([]int{len(payloads)}, false)
	for i, p := range payloads {
		w.add(1, &queue.Header{EventID: queue.ID{byte(i)}, Contact: "whatsapp:1555", Time: int64(i)}, p)
	}
	return w.end()[0]
}

func TestPageRoundTrip(t *testing.T) {
	payloads := [][]byte{[]byte(`{"a":1}`), nil, bytes.Repeat([]byte("x"), pagedPayload)}
	p := pageOf(payloads...)
	if h, rest, err := codec.DecodeHeader(p.header); err != nil || len(rest) > 0 || h.EventID != (queue.ID{0}) {
		t.Fatalf("the page's header: %+v, %d more bytes, %v", h, len(rest), err)
	}
	id := queue.Pos{Ms: 1736535600000, Seq: 7}
	for _, marks := range []string{"111", "101", "010", "000"} {
		entries, _, err := decodePage(id, p.bytes, marks, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range payloads {
			if marks[i] == '0' {
				continue
			}
			e := entries[n]
			n++
			if gotID, part := entryOf(e.Pos); gotID != id || part != i+1 || e.Header.EventID != (queue.ID{byte(i)}) || !bytes.Equal(e.Payload, payloads[i]) {
				t.Fatalf("marks %s, entry %d: %+v", marks, i, e)
			}
		}
		if n != len(entries) {
			t.Fatalf("marks %s: %d entries", marks, len(entries))
		}
	}
}

// TestPageBounds: a page is closed when it is full, and what two destinations get
// alike is compressed once.
func TestPageBounds(t *testing.T) {
	var w pageWriter
	w.begin([]int{200, 200, 1}, false)
	payload := bytes.Repeat([]byte("0123456789abcdef"), pagedPayload/16)
	for i := range 200 {
		w.add(1, &queue.Header{Time: int64(i)}, payload)
		w.add(2, &queue.Header{Time: int64(i)}, payload)
	}
	if w.takes(3, &queue.Job{}) || !w.takes(1, &queue.Job{}) || w.takes(1, &queue.Job{Dead: &queue.Reason{}}) {
		t.Error("a page for one entry, or for a dead letter, or none for many")
	}
	pages := w.end()
	entries := 0
	for i, p := range pages {
		n := int(p.bytes[1])
		entries += n
		if size, err := s2.DecodedLen(p.bytes[2:]); err != nil || size > pageLimit || n > pageEntries {
			t.Errorf("page %d: %d entries of %d bytes, %v", i, n, size, err)
		}
		if i%2 == 1 && &p.bytes[0] != &pages[i-1].bytes[0] {
			t.Errorf("page %d was compressed again", i)
		}
	}
	if entries != 400 || pages[0].dest != 1 || pages[1].dest != 2 {
		t.Errorf("%d entries in %d pages", entries, len(pages))
	}
}

func TestDamagedPage(t *testing.T) {
	good := pageOf([]byte("one"), []byte("two")).bytes
	huge := append([]byte{pageVersion, 1}, s2.Encode(nil, make([]byte, pageLimit+1))...)
	for want, record := range map[string][]byte{
		"cut short":      good[:1],
		"version 9":      append([]byte{9}, good[1:]...),
		"3 entries":      append([]byte{pageVersion, 3}, good[2:]...),
		"too large":      huge,
		"reading page 1": good[:len(good)-3],
	} {
		marks := strings.Repeat("1", min(2, len(record)))
		if bytes.Equal(record, huge) {
			marks = "1"
		}
		if _, _, err := decodePage(queue.Pos{Ms: 1}, record, marks, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// FuzzPage: a damaged page is an error and never more.
func FuzzPage(f *testing.F) {
	f.Add([]byte(pageOf([]byte(`{"n":1}`), []byte(`{"n":2}`)).bytes), "10")
	f.Add([]byte{pageVersion, 1}, "1")
	f.Add(append([]byte{pageVersion, 1}, s2.Encode(nil, []byte{0, 0, 0, 9, 1})...), "1")
	f.Fuzz(func(t *testing.T, record []byte, marks string) {
		entries, _, err := decodePage(queue.Pos{Ms: 1}, record, marks, nil)
		if err != nil {
			return
		}
		if want := strings.Count(marks, "1"); len(entries) != want {
			t.Fatalf("%d entries, %d marks", len(entries), want)
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

func TestAliasesTold(t *testing.T) {
	var told aliasesTold
	status := &queue.Event{Contact: "whatsapp:US.1", Aliases: []string{"whatsapp:1555"}}
	expect := func(what string, ev *queue.Event, now int64, want bool) {
		t.Helper()
		if got := told.before("acme", ev, now); got != want {
			t.Fatalf("%s: told before: %v", what, got)
		}
	}
	expect("the first", status, 1000, false)
	expect("the second", status, 2000, true)
	expect("nothing to tell", &queue.Event{Contact: "whatsapp:US.2"}, 2000, true)
	expect("another number", &queue.Event{Contact: "whatsapp:US.1", Aliases: []string{"whatsapp:1666"}}, 2000, false)
	expect("the first again", status, 2000, false)
	expect("after a while", status, 2000+toldMS, false)
	expect("a clock that went back", status, 1000, false)
	expect("known again", status, 1000, true)
	told.news("acme", &queue.Event{Contact: "clid:x", Aliases: []string{"whatsapp:US.1"}})
	expect("once the person has clicked", status, 1001, false)
	told.forget()
	expect("after a call that failed", status, 1002, false)
	if told.before("globex", status, 1002) {
		t.Fatal("told for another tenant")
	}
}
