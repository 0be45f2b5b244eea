package journey

import (
	"encoding/hex"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestStored: what stores have is read, whichever Leadgate wrote it.
func TestStored(t *testing.T) {
	sale := Report{Kind: KindConversion, Name: "Purchase", Value: "149.90", Currency: "BRL"}
	if got := hex.EncodeToString(sale.data("ads")); got != "0204050003616473"+"00063134392e3930"+"16" {
		t.Errorf("a sale is stored as %s", got) // words were moved?
	}
	for _, c := range []struct{ data, outcome, want string }{
		{string(sale.data("ads")), "\x02", "conversion Purchase ads 149.90 BRL delivered "},
		{`{"v":1,"kind":"conversion","name":"Purchase","to":"ads","value":149.90,"cur":"BRL"}`, `{"is":"delivered"}`,
			"conversion Purchase ads 149.90 BRL delivered "},
		{`{"v":1,"kind":"lead"}`, `{"is":"dead","why":"overflow"}`, "lead     dead overflow"},
		{`{"v":1,"kind":"lead"}`, "\x06overflow", "lead     dead overflow"}, // an edge of now wrote what became of it
		{string((&Report{Kind: "other", Name: "Cita reservada"}).data("")), `{"is":"no_click"}`, "other Cita reservada    no_click "},
		{`{"v":2,"kind":"lead"}`, "\x01", "none"},
		{"\x02\xff\x01\x01\x01\x01", "\x01", "none"},
		{"\x02\x02\x01\x01\x02\x01", "\x01", "none"}, // a value that is none
		{"\x02\x02\x01\x01\x01\x01\x01", "\x01", "none"},
		{"", "\x01", "none"},
		{string(sale.data("ads")), "", "none"},
		{string(sale.data("ads")), "\x07", "none"},
	} {
		got := "none"
		n, ok := readNoted([]byte(c.data))
		if e, ended := readEnding([]byte(c.outcome)); ok && ended {
			got = n.Kind + " " + n.Name + " " + n.Destination + " " + string(n.Value) + " " + n.Currency + " " + string(e.Outcome) + " " + e.Reason
		}
		if got != c.want {
			t.Errorf("%q, %q: %s, want %s", c.data, c.outcome, got, c.want)
		}
	}
	seen := map[string]bool{}
	for _, word := range words {
		if seen[word] || len(words) > 255 {
			t.Errorf("%q is no word of its own in a byte", word)
		}
		seen[word] = true
	}
}

// TestMovedBefore: a note that a Leadgate of before wrote goes with its entry.
func TestMovedBefore(t *testing.T) {
	h := &queue.Header{Contact: "whatsapp:1", EventID: queue.ID{1}, QueuedAt: 5}
	known := []queue.Note{{
		ID: idOf("old", h), At: 7, Data: []byte(`{"v":1,"kind":"conversion","name":"Purchase","to":"old","value":5,"cur":"USD"}`),
		Outcome: []byte(`{"is":"sent"}`),
	}}
	notes := Moved(known, "old", "new", []*queue.Header{h})
	if len(notes) != 2 {
		t.Fatalf("%d notes", len(notes))
	}
	ev, ok := event(&notes[0])
	if !ok || *ev.Destination != "new" || *ev.Name != "Purchase" || *ev.Value != "5" || ev.Outcome != Sent || ev.At != 7 {
		t.Errorf("%+v", ev)
	}
}

// FuzzNoted: what a report has is read as it was, and nothing that is stored is a panic.
func FuzzNoted(f *testing.F) {
	f.Add("lead", "Purchase", "ads", "5.50", "BRL", "because")
	f.Add("", "\x00", "{", "-1e9", "xx", "")
	f.Fuzz(func(t *testing.T, kind, name, destination, value, currency, reason string) {
		r := Report{Kind: kind, Name: name, Value: value, Currency: currency}
		n, ok := readNoted(r.data(destination))
		if !ok || n.Kind != kind || n.Name != short(name, maxName) || n.Destination != destination || n.Currency != short(currency, maxName) ||
			n.Value != "" && string(n.Value) != value {
			t.Errorf("%+v is read as %+v", r, n)
		}
		for _, o := range outcomes {
			if e, ok := readEnding(o.because(reason)); !ok || e.Outcome != o {
				t.Errorf("%s is read as %+v", o, e)
			}
		}
		_, _ = readNoted([]byte(name + reason))
		_, _ = readEnding([]byte(reason))
	})
}
