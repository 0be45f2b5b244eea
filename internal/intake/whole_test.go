package intake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/body"
)

// TestEncodedBound feeds every provider the bodies that it multiplies most: what
// comes of them stays within max_events and 16 times max_body.
func TestEncodedBound(t *testing.T) {
	const maxBody = 256 << 10
	long := strings.Repeat("9", maxBody/2)
	fill := func(format string) string { return list((maxBody-2000)/(len(format)+4), format) }
	contacts := `[` + fill(`{"phones":[{},{}]}`) + `]`
	cut := `"\ud83d` + long + `"` // half a character, which is mended in a copy
	worst := map[string][]string{
		"meta": {
			whatsapp(entry(long, `"messages":[`+list(900, `{"id":"%d"}`)+`]`)),
			strings.Replace(whatsapp(entry("1", `"messages":[`+list(900, `{"id":"%d"}`)+`]`)),
				`"phone_number_id":"1"`, `"phone_number_id":`+long, 1),
			whatsapp(entry("1", `"contacts":[{"profile":{"name":"`+long+`"}}],"messages":[`+list(900, `{"id":"%d"}`)+`]`)),
			whatsapp(entry("1", `"messages":[{"type":"contacts","contacts":`+contacts+`}]`)),
			whatsapp(entry("1", `"messages":[{"type":"order","order":{"product_items":[`+fill("{}")+`]}}]`)),
			whatsapp(entry("1", `"statuses":[{"errors":[`+fill("{}")+`]}]`)),
			whatsapp(entry("1", `"messages":[`+fill(`{"a":%d}`)+`]`)),
			`{"object":"page","entry":[{"id":"9","messaging":[{"x":"` + long + `","delivery":{"mids":[` + list(900, `"m_%d"`) + `]}}]}]}`,
			`{"object":"page","entry":[{"id":"9","messaging":[{"message":{"attachments":[` + fill("{}") + `]}}]}]}`,
			`{"object":"page","entry":[{"id":` + long + `,"messaging":[` + list(900, `{"sender":{"id":"%d"}}`) + `]}]}`,
			`{"object":"page","entry":[{"id":` + cut + `,"messaging":[` + list(4000, `{"sender":{"id":"%d"}}`) + `]}]}`,
			`{"object":"instagram","entry":[{"id":` + cut + `,"changes":[` + list(4000, `{"field":"%d"}`) + `]}]}`,
			whatsapp(`{"id":` + cut + `,"changes":[` + list(2000, `{"field":"messages","value":{"messages":[{"id":"%d"}]}}`) + `]}`),
			whatsapp(entry("1", `"conversation_context":{"summary":"`+long+`"},"messages":[`+list(900, `{"id":"%d"}`)+`]`)),
			whatsapp(entry("1", `"standby":{"conversation_context":{"summary":`+cut+`},`+
				`"message_echoes":[`+list(4000, `{"id":"%d"}`)+`]}`)),
			`{"object":"permissions","entry":[{"id":` + long + `,"changes":[` + list(900, `{"field":"%d"}`) + `]}]}`,
			`{"object":"permissions","entry":[{"id":` + cut + `,"changes":[` + list(4000, `{"field":"%d"}`) + `]}]}`,
			`{"object":"page","entry":[{"id":"9","messaging":[{"message":{"attachments":[{"type":"share","payload":{"url":"` + long + `"}},` +
				list(28, `{"type":"ig_post","payload":{"id":"%d"}}`) + `]}}]}]}`,
			`{"object":"instagram","entry":[{"id":"` + long + `","changes":[` + list(900, `{"field":"%d"}`) + `]}]}`,
		},
		"gupshup": {
			`{"contacts":[{"wa_id":` + long + `}],"messages":[` + list(900, `{"id":"%d"}`) + `]}`,
			`{"app":"a","type":"message","payload":{"type":"contact","payload":{"contacts":` + contacts + `}}}`,
		},
		"360dialog": {`{"metadata":{"display_phone_number":"` + long + `"},"messages":[` + list(900, `{"id":"%d"}`) + `]}`},
		"whapi": {
			`{"` + long + `":[` + list(900, `%d`) + `]}`,
			`{"channel_id":` + long + `,"chats_removed":[` + list(900, `%d`) + `]}`,
			`{"messages":[{"type":"contact_list","contact_list":{"list":[` + fill("{}") + `]}}]}`,
			`{"messages":[{"type":"contact","contact":{"vcard":"BEGIN:VCARD` + strings.Repeat(`\nTEL:1`, maxBody/8) + `"}}]}`,
		},
		"twilio": {
			strings.Repeat("a=&", maxBody/3),
			list(maxBody/16, "a%d=")[1:],
			"From=1&MessageSid=1&ButtonText=" + strings.Repeat("\x01", maxBody-100),
			"From=1&MessageSid=1&ListTitle=" + strings.Repeat("\x01", maxBody-100),
		},
	}
	worst["twilio"][1] = strings.ReplaceAll(worst["twilio"][1], ",", "&")
	for provider, bodies := range worst {
		for i, text := range bodies {
			t.Run(fmt.Sprintf("%s/%d", provider, i), func(t *testing.T) {
				if len(text) > maxBody {
					t.Fatalf("%d bytes are more than max_body", len(text))
				}
				b := testBlock(provider)
				b.MaxBody, b.Limit = maxBody, 1000
				b.Router.Direct = NewTenant("acme", b.Now())
				defer b.Router.Direct.Forget()
				r := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(text))
				read, err := body.Read(r, maxBody, 1<<40)
				if err != nil {
					t.Fatal(err)
				}
				w := &Webhook{body: read}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				if err := b.Read(w, r, b.Now()); err != nil {
					t.Fatal(err)
				}
				total := 0
				for i := range w.batch.Events {
					ev := &w.batch.Events[i]
					ev.SetTenant("acme")
					out, _ := ev.AppendJSON(nil)
					total += len(out)
					if !json.Valid(out) {
						t.Fatalf("no JSON: %.200s", out)
					}
				}
				runtime.ReadMemStats(&after)
				if len(w.batch.Events) > b.Limit || total > maxMultiple*maxBody+eventOverhead {
					t.Errorf("%d events of %d bytes, %.1f times max_body", len(w.batch.Events), total, float64(total)/maxBody)
				}
				// What was allocated, and mostly freed: growing lists twice over.
				if taken := after.TotalAlloc - before.TotalAlloc; taken > 16*maxMultiple*maxBody {
					t.Errorf("%.0f times max_body was allocated", float64(taken)/maxBody)
				}
			})
		}
	}
}
