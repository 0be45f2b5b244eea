package intake

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// TestDecoded cuts long texts where an escape ends.
func TestDecoded(t *testing.T) {
	for _, piece := range []string{`\u00e9`, `\n`, `x`, `\\`, `\ud83d\udc4d`} {
		for _, shift := range []string{"", "x", "xx", "xxx", "xxxx", "xxxxx"} {
			text := normalize.Text(`"` + shift + strings.Repeat(piece, 30_000) + `\n` + `"`)
			w := new(Webhook)
			got := string(w.decoded(text))
			if whole := text.String(); len(got) < 4096+10 || !strings.HasPrefix(whole, strings.TrimSuffix(got, "\ufffd")) {
				t.Errorf("%s after %q: %d bytes, which end in %q", piece, shift, len(got), got[len(got)-8:])
			}
		}
	}
}

// BenchmarkStore is what a usual message without a code costs from the parser to the store.
func BenchmarkStore(b *testing.B) {
	block := testBlock("meta")
	tenant := NewTenant("acme", block.Now())
	defer tenant.Forget()
	tenant.Destinations = append(tenant.Destinations, events("crm", normalize.KindMessage))
	block.Router.Direct = tenant
	text := whatsapp(entry("111", `"messages":[{"from":"15551234567","id":"wamid.1","timestamp":"1736535600","type":"text","text":{"body":"`+
		`Ol\u00e1! Gostaria de saber mais informa\u00e7\u00f5es sobre o plano de R$ 99,90. Voc\u00eas atendem em S\u00e3o Paulo?"}}]`))
	r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1/webhooks", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := NewWebhook(newTestBody(text))
		if err := block.Read(w, r, block.Now()); err != nil {
			b.Fatal(err)
		}
		if _, err := block.Store(b.Context(), nowhere{}, w, r); err != nil {
			b.Fatal(err)
		}
		w.Release()
	}
}

// nowhere keeps nothing.
type nowhere struct{ Store }

func (nowhere) Append(_ context.Context, groups []queue.Group) []queue.Result {
	return []queue.Result{{New: []bool{true}, Jobs: []queue.Admission{queue.Queued}}}
}
