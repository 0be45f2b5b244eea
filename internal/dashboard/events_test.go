package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/normalize"
)

// TestKeptEvents bounds the memory of the last events.
func TestKeptEvents(t *testing.T) {
	var ring eventRing
	ev := normalize.Event{
		TenantID: "acme", Kind: normalize.KindAccount, Provider: "meta",
		Raw: normalize.Value(`{"a":"` + strings.Repeat("x", maxKeptEvent) + `"}`),
	}
	ev.SetKey("key")
	ring.add(&ev)
	got := ring.after(0)
	if len(got) != 1 || !bytes.Contains(got[0].Event, []byte(`"raw":null`)) || !json.Valid(got[0].Event) {
		t.Fatalf("a large event is kept as %d, %.200s", len(got), got[0].Event)
	}
	ev.Raw = normalize.Value(`{}`)
	ev.Conversion = normalize.Value(`"` + strings.Repeat("x", 2*maxKeptEvent) + `"`)
	ring.add(&ev)
	if got := ring.after(0); len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("an event that is larger still is kept: %d", len(got))
	}
	ev.Conversion = nil
	for range 2 * KeptEvents {
		ring.add(&ev)
	}
	got = ring.after(0)
	if len(got) != KeptEvents || got[0].Seq != 2*KeptEvents+1 || got[KeptEvents-1].Seq != KeptEvents+2 {
		t.Errorf("%d are kept, the newest %d", len(got), got[0].Seq)
	}
}

func BenchmarkRecordEvent(b *testing.B) {
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{` +
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},` +
		`"contacts":[{"profile":{"name":"Maria"},"wa_id":"15551234567"}],"messages":[{"from":"15551234567","id":"wamid.1",` +
		`"timestamp":"1736535590","type":"text","text":{"body":"Hi"},"referral":{"source_url":"https:\/\/fb.me\/x?utm_source=facebook",` +
		`"source_id":"120210000000000001","source_type":"ad","headline":"Sale","ctwa_clid":"Aff-1"}}]}}]}]}`)
	var batch normalize.Batch
	if err := normalize.Meta(&batch, body, 1736535600000); err != nil {
		b.Fatal(err)
	}
	recorder := NewRecorder(time.Now, func() metrics.Traffic { return metrics.Traffic{} })
	b.Run("dashboard", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recorder.events.add(&batch.Events[0])
		}
	})
	b.Run("none", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			RecordEvent(&batch.Events[0])
		}
	})
}
