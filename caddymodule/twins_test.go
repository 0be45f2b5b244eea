package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue/redistest"
)

const gupshupV3Text = `{"object":"whatsapp_business_account","gs_app_id":"a1b2","entry":[{"id":"102290129340398","changes":[{` +
	`"field":"messages","value":{
	"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},
	"contacts":[{"profile":{"name":"Maria"},"wa_id":"15551234567"}],
	"messages":[{"from":"15551234567","id":"wamid.%s","timestamp":"%d","type":"text","text":{"body":"Hi"}}]}}]}]}`

// A message that Gupshup sends in both its formats, with times that differ, is
// delivered once, whichever comes first, with both stores.
func TestTwinsOfGupshup(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			s := newSink(t)
			config := otherSite("gupshup {\n token header Authorization \"Bearer x\"\n}", "forward "+s.URL+" {\n only all\n}")
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			post := func(body string) {
				t.Helper()
				resp, _ := e.post("/webhooks", []byte(body), func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") })
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("%d: %s", resp.StatusCode, body)
				}
			}
			n := 0
			for _, apart := range []time.Duration{0, 123 * time.Millisecond, 5 * time.Second, 11 * time.Minute, 26 * time.Hour, 165 * time.Hour} {
				for _, v2First := range []bool{true, false} {
					n++
					id := fmt.Sprint("twin", n)
					at := time.Now().Add(-apart)
					v2 := fmt.Sprintf(gupshupText, at.UnixMilli(), id)
					v3 := fmt.Sprintf(gupshupV3Text, id, time.Now().Unix())
					if !v2First {
						v2, v3 = v3, v2
					}
					post(v2)
					post(v3)
					post(v2)
					// Events of one contact come in order: a copy would be next.
					if d := s.next(t); d.event["message"].(map[string]any)["id"] != "wamid."+id {
						t.Fatalf("%s apart: %s", apart, d.body)
					}
				}
			}
			post(fmt.Sprintf(gupshupText, time.Now().UnixMilli(), "last"))
			if d := s.next(t); d.event["message"].(map[string]any)["id"] != "wamid.last" {
				t.Fatalf("delivered beside the twins: %s", d.body)
			}
		})
	}
}
