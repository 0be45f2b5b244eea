package intake

import (
	"io"
	"testing"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// TestReplayUnmatched routes again what nobody matched, by the block that it came
// by alone.
func TestReplayUnmatched(t *testing.T) {
	before := testBlock("meta")
	before.addTenant(t, "acme", "phone_number_id 999", events("crm", normalize.KindMessage))
	q := testStore(before)
	for _, id := range []string{"wamid.1", "wamid.2"} {
		w, r := before.read(t, whatsapp(message("111", id)))
		if o, err := before.Store(t.Context(), q, w, r); o != Unmatched || err != nil {
			t.Fatalf("%s, %v", o, err)
		}
		w.Release()
	}
	elsewhere, twin, after := testBlock("meta"), testBlock("meta"), testBlock("meta")
	elsewhere.Place = func() Place { return NewPlace("meta", ":8443", nil) }
	for _, b := range []*Block{elsewhere, twin, after} {
		b.addTenant(t, "acme", "phone_number_id 111", events("crm", normalize.KindMessage))
	}
	for _, c := range []struct {
		name   string
		blocks []*Block
		want   Replayed
	}{
		{"without blocks", nil, Replayed{NoBlock: 2}},
		{"by another block", []*Block{elsewhere}, Replayed{NoBlock: 2}},
		{"by two that cannot be told apart", []*Block{after, twin}, Replayed{NoBlock: 2}},
		{"where nothing matches still", []*Block{before, elsewhere}, Replayed{Unmatched: 2}},
		{"where it matches", []*Block{elsewhere, after}, Replayed{Count: 2}},
		{"once more", []*Block{elsewhere, after}, Replayed{}},
	} {
		got, err := ReplayUnmatched(t.Context(), q, c.blocks, queue.DeadFilter{Destination: queue.Unmatched.Name}, zap.NewNop())
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

// TestHand gives the next handler the events of a webhook, until it returns.
func TestHand(t *testing.T) {
	b := testBlock("meta")
	b.Inline = true
	b.addTenant(t, "bot", "")
	w, _ := b.read(t, whatsapp(message("111", "wamid.1"), status("111", "wamid.2")))
	h, n := b.Hand(w)
	size := h.Len()
	text, err := io.ReadAll(h)
	var batch normalize.Batch
	if err != nil || len(text) != size || n != 2 || batch.CheckJSON(text) != nil || text[0] != '[' {
		t.Errorf("%d events of %d bytes, %v: %s", n, size, err, text)
	}
	h.End()
	if n, err := h.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the body can be read after its end")
	}
}
