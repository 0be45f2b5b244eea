package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

var bothQueues = []string{"embedded", "redis"}

// queueOption is the global option of a queue of its own.
func queueOption(t *testing.T, queue string) string {
	if queue == "redis" {
		return "queue redis " + redistest.Start(t).URL()
	}
	return "queue embedded %DIR%/queue"
}

// list is n elements, made by format with their number.
func list(n int, format string) string {
	var out strings.Builder
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		if strings.Contains(format, "%") {
			fmt.Fprintf(&out, format, i)
		} else {
			out.WriteString(format)
		}
	}
	return out.String()
}

// providerBlocks are the providers that take a body without verifying it.
var providerBlocks = map[string]string{
	"meta": "meta {\n insecure_skip_verify\n}", "gupshup": "gupshup {\n insecure_skip_verify\n}", "whapi": "whapi {\n insecure_skip_verify\n}",
	"360dialog": "360dialog {\n insecure_skip_verify\n}", "twilio": "twilio {\n insecure_skip_verify\n}",
}

// manyEvents are bodies with n events, by provider and shape.
func manyEvents(n int) map[string]map[string]string {
	messages := list(n, `{"from":"1555%07d","type":"text","text":{"body":"x"}}`)
	cloud := `{"object":"whatsapp_business_account","entry":[` + entry("106540352242922", `"messages":[`+messages+`]`) + `]}`
	statuses := `{"object":"whatsapp_business_account","entry":[` + entry("106540352242922", `"statuses":[`+list(n,
		`{"id":"wamid.%d","status":"read"}`)+`]`) + `]}`
	return map[string]map[string]string{
		"meta": {
			"messages": cloud, "statuses": statuses,
			"changes": `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[` + list(n, `{"field":"f%d"}`) + `]}]}`,
			"entries": `{"object":"whatsapp_business_account","entry":[` + list(n, `{"id":"%d"}`) + `]}`,
			"messaging": `{"object":"page","entry":[{"id":"9","messaging":[` + list(n, `{"sender":{"id":"%d"},"message":{"mid":"m%[`+
				`1]d"}}`) + `]}]}`,
			"standby": `{"object":"instagram","entry":[{"id":"9","standby":[` + list(n, `{"sender":{"id":"%d"},"message":{"mid":"m%[`+
				`1]d"}}`) + `]}]}`,
			"mids": `{"object":"page","entry":[{"id":"9","messaging":[{"sender":{"id":"7"},"delivery":{"mids":[` + list(n,
				`"m_%d"`) + `]}}]}]}`,
			"comments":   `{"object":"instagram","entry":[{"id":"9","changes":[` + list(n, `{"field":"comments","value":{"id":"%d"}}`) + `]}]}`,
			"read mids":  `{"object":"page","entry":[{"id":"9","messaging":[{"sender":{"id":"7"},"read":{"mid":[` + list(n, `"m_%d"`) + `]}}]}]}`,
			"page items": `{"object":"page","entry":[` + list(n, `{"id":"9","messaging":[{"sender":{"id":"%d"},"optin":{}}]}`) + `]}`,
		},
		"gupshup":   {"v3": cloud, "bare": `{"messages":[` + messages + `]}`},
		"360dialog": {"cloud": cloud, "bare": `{"statuses":[` + list(n, `{"id":"gBEG%d","status":"read"}`) + `]}`},
		"whapi": {
			"messages": `{"channel_id":"X","messages":[` + list(n, `{"id":"%d","type":"text","text":{"body":"x"},"from":"15551234567",`+
				`"chat_id":"15551234567@s.whatsapp.net"}`) + `]}`,
			"removed": `{"channel_id":"X","chats_removed":[` + list(n, `"%d@s.whatsapp.net"`) + `]}`,
			"arrays":  `{"channel_id":"X",` + list(n, `"a%[1]d":[%[1]d]`) + `}`,
		},
	}
}

// keptWhole is what the metric counts of a provider.
func keptWhole(t *testing.T, provider string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics.Register(registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "leadgate_webhooks_whole_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == "events" && m.GetLabel()[1].GetValue() == provider {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// TestMaxEvents: one event more than max_events, and the webhook is one, whole.
func TestMaxEvents(t *testing.T) {
	const most = 5
	for _, queue := range bothQueues {
		option := queueOption(t, queue)
		for provider, block := range providerBlocks {
			for shape := range manyEvents(1)[provider] {
				t.Run(queue+"/"+provider+"/"+shape, func(t *testing.T) {
					s := newSink(t)
					tenant := strings.ReplaceAll(provider+"-"+shape, " ", "-") // whose ids are its own
					config := strings.Replace(otherSite(block, "max_events 5\n tenant "+tenant+"\n forward "+s.URL+" {\n only all\n}"),
						"queue embedded %DIR%/queue", option, 1)
					e := startEdge(t, config)
					before := keptWhole(t, provider)
					fits := manyEvents(most)[provider][shape]
					if resp, answer := e.post("/webhooks", []byte(fits)); resp.StatusCode != http.StatusOK {
						t.Fatalf("%d %s", resp.StatusCode, answer)
					}
					for range most {
						s.next(t)
					}
					over := manyEvents(most + 1)[provider][shape]
					for range 2 { // the second is a redelivery
						if resp, answer := e.post("/webhooks", []byte(" "+over)); resp.StatusCode != http.StatusOK {
							t.Fatalf("%d %s", resp.StatusCode, answer)
						}
					}
					d := s.next(t)
					if d.event["kind"] != "account" || d.event["provider"] != provider || !bytes.Contains(d.body, []byte(`"raw":`+over+`}`)) {
						t.Errorf("the event is not the whole webhook: %s", d.body)
					}
					s.expectNone(t)
					if n := keptWhole(t, provider) - before; n != 2 {
						t.Errorf("%v webhooks were counted", n)
					}
				})
			}
		}
	}
}

// TestEmptyElements: however many empty elements an array has, they are one event
// at most, and an empty array is none.
func TestEmptyElements(t *testing.T) {
	s := newSink(t)
	for provider, block := range providerBlocks {
		if provider == "twilio" {
			continue // a form has no arrays
		}
		t.Run(provider, func(t *testing.T) {
			e := startEdge(t, otherSite(block, "max_events 3\n forward "+s.URL+" {\n name "+provider+"\n only all\n concurrency 1\n}"))
			for n, want := range map[int]int{0: 0, 1: 1, 2000: 1} {
				for _, element := range []string{"{}", "null", `""`, "[]"} {
					if n == 0 {
						element = ""
					}
					elements := strings.TrimSuffix(strings.Repeat(element+",", n), ",")
					bodies := []string{`{"messages":[` + elements + `],"n":null}`, `{"statuses":[` + elements + `],"n":null}`}
					if provider != "whapi" {
						value := `"messages":[` + elements + `]`
						bodies = append(bodies,
							`{"object":"whatsapp_business_account","entry":[`+elements+`]}`,
							`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[`+elements+`]}]}`,
							`{"object":"whatsapp_business_account","entry":[`+entry("106540352242922", value)+`]}`)
					}
					if provider == "meta" {
						bodies = bodies[2:]
						for _, object := range []string{"page", "instagram"} {
							for _, list := range []string{"messaging", "standby", "changes"} {
								bodies = append(bodies, `{"object":"`+object+`","entry":[{"id":"9","`+list+`":[`+elements+`]}]}`)
							}
						}
					}
					for _, body := range bodies {
						body = strings.Replace(body, "{", fmt.Sprintf(`{"test%d%d":null,`, n, len(element)), 1)
						if provider == "whapi" {
							body = strings.Replace(body, `"n":null`, `"event":{"type":"x"}`, 1)
						}
						if resp, _ := e.post("/webhooks", []byte(body)); resp.StatusCode != http.StatusOK {
							t.Fatalf("%d", resp.StatusCode)
						}
						// Another event's arrival says that these have come.
						if got := s.count(t, e); got > want {
							t.Errorf("%d elements %s: %d events: %.200s", n, element, got, body)
						}
					}
				}
			}
		})
	}
}

var markers int

// count says how many events came before one that is posted now.
func (s *sink) count(t *testing.T, e *edge) int {
	t.Helper()
	markers++
	marker := fmt.Sprintf("marker-%d", markers)
	e.post("/webhooks", fmt.Appendf(nil, `{%q:1}`, marker))
	n := 0
	for {
		d := s.next(t)
		if bytes.Contains(d.body, []byte(`"`+marker+`"`)) {
			return n
		}
		n++
	}
}

// TestWholeOfSeveralTenants: none of them gets it, not even by replay.
func TestWholeOfSeveralTenants(t *testing.T) {
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) {
			acme, globex, rest := newSink(t), newSink(t), newSink(t)
			config, base := withAdmin(t, siteWith(queueOption(t, queue), `max_events 3
		tenant acme {
			match phone_number_id 111
			match phone_number_id 112
			forward `+acme.URL+` {
				only all
			}
		}
		tenant globex {
			match phone_number_id 222
			forward `+globex.URL+` {
				only all
			}
		}
		tenant rest
		forward `+rest.URL+` {
			only all
		}`))
			e := startEdge(t, config)
			part := func(number string, n int) string {
				return entry(number, `"messages":[`+list(n, `{"from":"15551234567","id":"wamid.`+number+`.%d","type":"text","text":{"body":"secret `+
					`of `+number+`"}}`)+`]`)
			}
			post := func(entries ...string) []byte {
				body := []byte(`{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`)
				if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != http.StatusOK {
					t.Fatalf("%d", resp.StatusCode)
				}
				return body
			}
			// Several numbers of one tenant.
			whole := post(part("111", 2), part("112", 2))
			d := acme.next(t)
			if !bytes.Contains(d.body, whole) {
				t.Errorf("acme got %s", d.body)
			}
			account := d.event["account"].(map[string]any)
			if account["wabaId"] != "102290129340398" || account["phoneNumberId"] != nil {
				t.Errorf("the account has ids that not all events have: %v", account)
			}
			for _, mixed := range [][]string{{part("111", 4), part("222", 1)}, {part("111", 1), part("999", 4)}, {part("222", 2), part("111", 9)}} {
				post(mixed...)
			}
			var dead struct {
				Dead []struct{ ID, Explanation string }
			}
			waitFor(t, "three dead letters", func() bool {
				e.admin(base, http.MethodGet, "/leadgate/dead?destination=unmatched", nil, &dead)
				return len(dead.Dead) == 3
			})
			if !strings.Contains(dead.Dead[0].Explanation, "max_events") {
				t.Errorf("the letter says %q", dead.Dead[0].Explanation)
			}
			var answer map[string]any
			e.admin(base, http.MethodPost, "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &answer)
			if fmt.Sprint(answer["count"]) != "0" {
				t.Errorf("replay: %v", answer)
			}
			for _, s := range []*sink{acme, globex, rest} {
				s.expectNone(t)
			}
		})
	}
}

// TestWholeHidesNobody puts what is another tenant's where a webhook that is kept
// whole is not read to its end, or holds no event of its own: nobody gets it.
func TestWholeHidesNobody(t *testing.T) {
	messages := entry("111", `"messages":[`+list(4, `{"from":"15551234567","id":"wamid.%d","type":"text"}`)+`]`)
	cloud := func(more string) string {
		return `{"object":"whatsapp_business_account","entry":[` + messages + `,` + more + `]}`
	}
	page := func(more string) string {
		return `{"object":"page","entry":[{"id":"111","messaging":[` + list(4, `{"sender":{"id":"7%d"},"recipient":{"id":"111"},"message":{`+
			`"mid":"m%[1]d"}}`) + `]},` + more + `]}`
	}
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) {
			acme, rest := newSink(t), newSink(t)
			site := func(provider, path string) string {
				return `leadgate /` + path + ` {
		max_events 3
		provider ` + providerBlocks[provider] + `
		tenant acme {
			match phone_number_id 111
			match page_id 111
			match account_sid AC11111111111111111111111111111111
			forward ` + acme.URL + "/" + path + ` {
				only all
			}
		}
		tenant globex-` + path + ` {
			match phone_number_id 222
			match page_id 222
			match account_sid AC22222222222222222222222222222222
		}
		tenant rest-` + path + `
		forward ` + rest.URL + "/" + path + ` {
			only all
		}
	}
	`
			}
			config, base := withAdmin(t, siteWith(queueOption(t, queue), ""))
			config = strings.Replace(config, "\tleadgate /webhooks/meta {", "\t"+site("meta", "m")+strings.ReplaceAll(site("twilio", "t"),
				"tenant acme {", "tenant acme-t {")+"leadgate /webhooks/meta {", 1)
			e := startEdge(t, config)
			form := func(fields int, sid string) string {
				return strings.ReplaceAll(list(fields, "F%d=x"), ",", "&") + "&AccountSid=" + sid +
					"&MessageSid=SM11111111111111111111111111111111&From=%2B15551234567&Body=secret"
			}
			bodies := []struct{ path, body string }{
				{"/m", page(`{"id":"222","time":1736535600,"novelty":{"text":"secret"}}`)},
				{"/m", page(`{"id":"222","time":1736535600,"field":"comments","value":{"text":"secret"}}`)},
				{"/m", page(`{"id":"111","time":1736535600,"novelty":{"page":"222"}}`)},
				{"/m", `{"object":"page","entry":[{"id":"111","novelty":{"page":"222"}},` + strings.TrimPrefix(page(`{}`),
					`{"object":"page","entry":[`)},
				{"/m", cloud(`{"id":"111","novelty":{"phone_number_id":"222"}}`)},
				{"/t", form(5000, "AC11111111111111111111111111111111")},
				{"/t", form(5000, "AC22222222222222222222222222222222")},
			}
			for _, b := range bodies {
				if resp, _ := e.post(b.path, []byte(b.body)); resp.StatusCode != http.StatusOK {
					t.Fatalf("%d to %.200s", resp.StatusCode, b.body)
				}
			}
			var dead struct {
				Dead []struct{ Explanation string }
			}
			waitFor(t, "dead letters", func() bool {
				e.admin(base, http.MethodGet, "/leadgate/dead?destination=unmatched", nil, &dead)
				if len(dead.Dead) < len(bodies) && len(acme.got)+len(rest.got) > 0 {
					t.Fatalf("delivered to acme: %d, to the rest: %d", len(acme.got), len(rest.got))
				}
				return len(dead.Dead) == len(bodies)
			})
			for i, letter := range dead.Dead {
				if letter.Explanation != intake.MixedReason {
					t.Errorf("letter %d says %q", i, letter.Explanation)
				}
			}
			acme.expectNone(t)
			rest.expectNone(t)
			// What is acme's alone is still acme's.
			e.post("/m", []byte(page(`{"id":"111","time":1736535600,"field":"comments","value":{"text":"own"}}`)))
			if d := acme.next(t); !bytes.Contains(d.body, []byte(`"own"`)) {
				t.Errorf("acme got %s", d.body)
			}
		})
	}
}
