package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestEachActionOnce: what shares an earlier message's id is delivered for itself,
// and a redelivery of it is not, with both stores.
func TestEachActionOnce(t *testing.T) {
	now := time.Now().Unix()
	vote := func(voter string) string {
		return fmt.Sprintf(`{"messages":[{"id":"poll","type":"action","from":%q,"from_me":true,"chat_id":"1203@g.us","timestamp":%d,`+
			`"action":{"type":"vote","target":"poll","votes":["a"]}}],"event":{"type":"messages","event":"post"}}`, voter, now)
	}
	text := func(verb, body string, at int64) string {
		return fmt.Sprintf(`{"messages":[{"id":"m1","type":"text","from":"15551234567","chat_id":"15551234567@s.whatsapp.net","timestamp":%d,`+
			`"text":{"body":%q}}],"event":{"type":"messages","event":%q}}`, at, body, verb)
	}
	story := fmt.Sprintf(`{"messages":[{"id":"s1","type":"text","from":"15551234567","chat_id":"status@broadcast","timestamp":%d,`+
		`"text":{"body":"story"}}],"event":{"type":"messages","event":"post"}}`, now)
	gupshup := func(message string) string {
		return fmt.Sprintf(`{"app":"DemoApp","timestamp":%d,"version":2,"type":"message","payload":{"id":"wamid.%d","source":"15551234567",%s}}`,
			now*1000, len(message), message)
	}
	for _, c := range []struct {
		provider string
		end      string
		bodies   []string
		want     []string // type, customer and text of what is delivered
	}{
		{"whapi", strings.Replace(text("post", "the end", now), `"m1"`, `"end"`, 1), []string{
			text("post", "Helo", now), text("put", "Hello", now), text("patch", "Hello!", now+1),
			vote("15551234567"), vote("15557654321"), story,
		}, []string{
			"message text 15551234567 Helo", "message edit 15551234567 Hello", "message edit 15551234567 Hello!",
			"message unsupported 15551234567 <nil>", "message unsupported 15557654321 <nil>",
		}},
		{"gupshup", gupshup(`"payload":{"text":"the end"}`), []string{
			gupshup(`"type":"request_welcome"`), gupshup(`"payload":{"text":"Hi"}`),
		}, []string{"message request_welcome 15551234567 <nil>", "message text 15551234567 Hi"}},
	} {
		for _, store := range []string{"embedded", "redis"} {
			t.Run(c.provider+" "+store, func(t *testing.T) {
				s := newSink(t)
				config := otherSite(c.provider+" {\n insecure_skip_verify\n}", "forward "+s.URL+" {\n name crm\n concurrency 1\n}")
				if store == "redis" {
					config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
				}
				e := startEdge(t, config)
				for _, bodies := range [][]string{c.bodies, c.bodies, {c.end}} { // the second time is a redelivery
					for _, body := range bodies {
						if resp, _ := e.post("/webhooks", []byte(body)); resp.StatusCode != http.StatusOK {
							t.Fatalf("status %d", resp.StatusCode)
						}
					}
				}
				got := map[string]int{}
				for range c.want {
					d := s.next(t)
					m, _ := d.event["message"].(map[string]any)
					got[fmt.Sprintf("%s %s %s %v", d.event["kind"], m["type"], d.event["waId"], m["text"])]++
				}
				for _, want := range c.want {
					if got[want] != 1 {
						t.Errorf("delivered %v, want %s", got, want)
					}
				}
				if m := s.next(t).event["message"].(map[string]any); m["text"] != "the end" {
					t.Errorf("a redelivery was delivered: %v", m)
				}
			})
		}
	}
}
