package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/queue/redistest"
	"github.com/leadgate/leadgate/normalize"
)

func init() { caddy.RegisterModule(restless{}) }

// restless is a provider whose events' raw is not as it stands in the body.
type restless struct{ Tokens }

// CaddyModule returns the Caddy module information.
func (restless) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.test_restless", New: func() caddy.Module { return new(restless) }}
}

// Normalize reads {"results":[{"to":"111","text":"…"}]}.
func (*restless) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	if err := into.CheckJSON(body); err != nil {
		return err
	}
	var hook struct{ Results []map[string]string }
	if err := json.Unmarshal(body, &hook); err != nil {
		return err
	}
	for _, one := range hook.Results {
		e := into.Add()
		e.Kind, e.Channel, e.Provider = normalize.KindAccount, normalize.ChannelWhatsApp, "test_restless"
		e.ReceivedAt, e.IngestedAt = now, now
		e.Account.PhoneNumberID = normalize.NewText(one["to"])
		e.Raw = normalize.Value(fmt.Sprintf(`{"anew":%q}`, one["text"]))
		e.SetKey(one["text"])
	}
	return nil
}

// onStores runs a test with each queue.
func onStores(t *testing.T, test func(t *testing.T, queue string)) {
	t.Run("embedded", func(t *testing.T) { test(t, "embedded %DIR%/queue") })
	t.Run("redis", func(t *testing.T) { test(t, "redis "+redistest.Start(t).URL()) })
}

// wallSite has a block of two tenants, each with a destination for raw bytes and
// one for events.
func wallSite(queue, provider string, tenants ...string) string {
	return strings.Replace(otherSite(provider, strings.Join(tenants, "\n")), "queue embedded %DIR%/queue", "queue "+queue, 1)
}

func wallTenant(name, match string, raw, events *sink) string {
	return "tenant " + name + " {\n" + match + "\nforward " + raw.URL + " {\nname " + name + "-raw\nraw\nonly all\n}\nforward " +
		events.URL + " {\nname " + name + "-events\nonly all\n}\n}"
}

// gathered is what came to a sink until the edge has nothing left to deliver.
func (e *edge) gathered(base string, s *sink) (out []delivered) {
	e.t.Helper()
	waitFor(e.t, "everything is delivered", func() bool {
		var list []struct{ Backlog, InFlight int }
		e.admin(base, "GET", "/leadgate/destinations", nil, &list)
		for _, d := range list {
			if d.Backlog+d.InFlight > 0 {
				return false
			}
		}
		return true
	})
	for {
		select {
		case d := <-s.got:
			out = append(out, d)
		default:
			return out
		}
	}
}

const (
	wallMeta    = "meta {\n app_secret other " + testSecret + "\n verify_token x\n}"
	wallGupshup = "gupshup {\n token query token x\n}"
	wallDialog  = "360dialog {\n token query token x\n}"
)

// TestWalls: of a webhook that carries elements of several tenants, and of
// nobody's, each tenant's raw destination gets its own, byte for byte, and so do
// those for events. A part is signed again where there is a key, else not at all.
func TestWalls(t *testing.T) {
	change := func(number, text string) string {
		return fmt.Sprintf(`{"value" : {"metadata":{"phone_number_id":%q},"contacts":[{"wa_id":"7","profile":{"name":"of %[2]s"}}],`+
			`"messages":[{"from":"7","id":"wamid.%[2]s","type":"text","text":{"body":"caf\u00e9 \/ %[2]s"}}]},"field":"messages"}`, number, text)
	}
	one := func(number, text string) string { return `{"id":"9","changes":[` + change(number, text) + `]}` }
	item := func(to, text string) string {
		return fmt.Sprintf(`{"sender":{"id":"7"},"recipient":{"id":%q},"timestamp":1736535600412,"message":{"mid":"m_%[2]s",`+
			`"text":"caf\u00e9 \/ %[2]s"}}`, to, text)
	}
	cloud := func(entries ...string) string {
		return `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, " , ") + `],"note":"kept","others":["222"]}`
	}
	part := func(entries ...string) string {
		return `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `],"note":"kept"}`
	}
	page := func(object, entry string) string { return `{"object":"` + object + `","entry":[{` + entry + `}]}` }
	numbers := []string{"match phone_number_id 111", "match phone_number_id 222"}
	pages := []string{"match page_id 111", "match page_id 222"}
	accounts := []string{"match instagram_id 111", "match instagram_id 222"}
	entries := cloud(one("111", "A1"), one("222", "B1"), one("333", "N1"), one("111", "A2"))
	partA, partB := part(one("111", "A1"), one("111", "A2")), part(one("222", "B1"))
	for _, c := range []struct {
		name, provider string
		match          []string
		body, a, b     string
	}{
		{"meta, entries", wallMeta, numbers, entries, partA, partB},
		{"gupshup V3, entries", wallGupshup, numbers, entries, partA, partB},
		{"360dialog, entries", wallDialog, numbers, entries, partA, partB},
		{"meta, changes", wallMeta, numbers, cloud(`{"id":"9","changes":[` + change("222", "B1") + `,` + change("111",
			"A1") + `,` + change("333", "N1") + `]}`),
			part(one("111", "A1")), part(one("222", "B1"))},
		{"gupshup V3, by its app's id", wallGupshup, []string{"match phone_number_id 111", "match app g-222"},
			`{"gs_app_id":"g-222","object":"whatsapp_business_account","entry":[` + one("111", "A1") + `,` + one("222", "B1") + `]}`,
			`{"gs_app_id":"g-222","object":"whatsapp_business_account","entry":[` + one("111", "A1") + `]}`,
			`{"gs_app_id":"g-222","object":"whatsapp_business_account","entry":[` + one("222", "B1") + `]}`},
		{"instagram, items", wallMeta, accounts, page("instagram", `"time":5,"messaging":[`+item("111", "A1")+`,`+item("222",
			"B1")+`,`+item("333", "N1")+`]`),
			page("instagram", `"time":5,"messaging":[`+item("111", "A1")+`]`), page("instagram", `"time":5,"messaging":[`+item("222", "B1")+`]`)},
		{"instagram, an entry of acme's", wallMeta, accounts, page("instagram", `"id":"111","time":5,"messaging":[`+item("111",
			"A1")+`,`+item("222", "B1")+`]`),
			page("instagram", `"id":"111","time":5,"messaging":[`+item("111", "A1")+`]`), page("instagram", `"time":5,"messaging":[`+item("222",
				"B1")+`]`)},
		{"instagram, an entry of globex's", wallMeta, accounts, page("instagram", `"id":"222","messaging":[`+item("111", "A1")+`,`+item("222",
			"B1")+`]`),
			page("instagram", `"messaging":[`+item("111", "A1")+`]`), page("instagram", `"id":"222","messaging":[`+item("222", "B1")+`]`)},
		{"messenger, an entry of acme's", wallMeta, pages, page("page", `"id":"111","messaging":[`+item("111",
			"A1")+`],"standby":[`+item("222", "B1")+`]`),
			page("page", `"id":"111","messaging":[`+item("111", "A1")+`]`), page("page", `"standby":[`+item("222", "B1")+`]`)},
		{"messenger, an entry of nobody's", wallMeta, pages, page("page", `"id":"999","standby":[`+item("222", "B1")+`,`+item("111", "A1")+`]`),
			page("page", `"id":"999","standby":[`+item("111", "A1")+`]`), page("page", `"id":"999","standby":[`+item("222", "B1")+`]`)},
		{"instagram, changes beside messaging", wallMeta, accounts,
			page("instagram", `"messaging":[`+item("111", "A1")+`],"changes":[{"field":"messages","value":`+item("222",
				"B1")+`},{"field":"messages","value":`+item("111", "A2")+`}]`),
			page("instagram", `"messaging":[`+item("111", "A1")+`],"changes":[{"field":"messages","value":`+item("111", "A2")+`}]`),
			page("instagram", `"changes":[{"field":"messages","value":`+item("222", "B1")+`}]`)},
		{"messenger, lists that are none", wallMeta, pages, page("page", `"id":"111","messaging":`+item("111", "A1")+`,"standby":`+item("222",
			"B1")),
			page("page", `"id":"111","messaging":`+item("111", "A1")), page("page", `"standby":`+item("222", "B1"))},
		{"360dialog, bare", wallDialog, numbers, `{"metadata":{"phone_number_id":"222"},"messages":[{"from":"7","id":"wamid.B1",` +
			`"type":"text","text":{"body":"B1"}}]}`, "",
			`{"metadata":{"phone_number_id":"222"},"messages":[{"from":"7","id":"wamid.B1","type":"text","text":{"body":"B1"}}]}`},
		{"gupshup V2", wallGupshup, []string{"match app one", "match app two"}, `{"app":"one","timestamp":1736535600123,"version":2,` +
			`"type":"message","payload":{"id":"A1","source":"7","type":"text","payload":{"text":"A1"}}}`,
			`{"app":"one","timestamp":1736535600123,"version":2,"type":"message","payload":{"id":"A1","source":"7","type":"text","payload":{` +
				`"text":"A1"}}}`, ""},
		{"whapi", "whapi {\n token query token x\n}", []string{"match channel_id C-1", "match channel_id C-2"},
			`{"messages":[{"id":"A1","from":"7","chat_id":"7@s.whatsapp.net","type":"text","text":{"body":"A1"},"timestamp":1736535600}],` +
				`"statuses":[{"id":"A2","status":"read"}],"channel_id":"C-1"}`,
			`{"messages":[{"id":"A1","from":"7","chat_id":"7@s.whatsapp.net","type":"text","text":{"body":"A1"},"timestamp":1736535600}],` +
				`"statuses":[{"id":"A2","status":"read"}],"channel_id":"C-1"}`, ""},
		{"twilio", "twilio {\n token query token x\n}", []string{"match account_sid AC1", "match account_sid AC2"},
			"MessageSid=SMB1&AccountSid=AC2&From=%2B15551234567&To=%2B15550783881&Body=B1", "",
			"MessageSid=SMB1&AccountSid=AC2&From=%2B15551234567&To=%2B15550783881&Body=B1"},
		{"an unknown object of two tenants", wallMeta, pages, `{"object":"new","entry":[{"id":"111","x":"A1"},{"id":"222","x":"B1"}]}`, "", ""},
		{"an unknown object of one", wallMeta, pages, `{"object":"new","entry":[{"id":"222","x":"B1"}]}`, "",
			`{"object":"new","entry":[{"id":"222","x":"B1"}]}`},
		{"an entry without anything known, of two", wallMeta, pages, page("page", `"id":"111","new":[{"recipient":{"id":"222"},"x":"B1"}]`),
			"", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStores(t, func(t *testing.T, queue string) {
				rawA, rawB, eventsA, eventsB := newSink(t), newSink(t), newSink(t), newSink(t)
				config, base := withAdmin(t, wallSite(queue, c.provider, wallTenant("acme", c.match[0], rawA, eventsA), wallTenant("globex",
					c.match[1], rawB, eventsB)))
				e := startEdge(t, config)
				if resp, _ := e.post("/webhooks?token=x", []byte(c.body)); resp.StatusCode != 200 {
					t.Fatalf("status %d", resp.StatusCode)
				}
				for _, one := range []struct {
					who         string
					raw, events *sink
					want        string
					not         []string
				}{{"acme", rawA, eventsA, c.a, []string{"B1"}}, {"globex", rawB, eventsB, c.b, []string{"A1", "A2"}}} {
					raws := e.gathered(base, one.raw)
					if (one.want == "") != (len(raws) == 0) || len(raws) > 1 {
						t.Fatalf("%s got %d raw bodies: %v", one.who, len(raws), raws)
					}
					for _, d := range raws {
						if string(d.body) != one.want {
							t.Errorf("%s got\n%s\nwant\n%s", one.who, d.body, one.want)
						}
						if id := d.header.Get("Leadgate-Event-Id"); id != normalize.RawID(d.body).String() {
							t.Errorf("%s: event id %s", one.who, id)
						}
						want := ""
						if c.provider == wallMeta || one.want == c.body { // else there is no key
							want = signature(testSecret, d.body)
						}
						if got := signatures(d); got != want {
							t.Errorf("%s: signature %q, want %q", one.who, got, want)
						}
					}
					events := e.gathered(base, one.events)
					if (one.want == "") != (len(events) == 0) {
						t.Errorf("%s got %d events", one.who, len(events))
					}
					for _, d := range append(raws, events...) {
						for _, other := range append(one.not, "N1") {
							if strings.Contains(string(d.body), other) {
								t.Errorf("%s sees %s: %s", one.who, other, d.body)
							}
						}
					}
				}
			})
		})
	}
}

// TestWallsDirect: what nobody matches goes to the settings directly in the block,
// as their own part.
func TestWallsDirect(t *testing.T) {
	onStores(t, func(t *testing.T, queue string) {
		acme, rest := newSink(t), newSink(t)
		config, base := withAdmin(t, wallSite(queue, wallMeta, "tenant acme {\nmatch phone_number_id 111\nforward "+acme.URL+
			" {\nraw\n}\n}\nforward "+rest.URL+" {\nraw\n}"))
		e := startEdge(t, config)
		msg := `"messages":[{"from":"15551234567","id":"wamid.1","type":"text","text":{"body":"x"}}]`
		e.post("/webhooks", []byte(`{"object":"whatsapp_business_account","entry":[`+entry("111", msg)+`,`+entry("222", msg)+`]}`))
		for s, number := range map[*sink]string{acme: "111", rest: "222"} {
			got := e.gathered(base, s)
			if len(got) != 1 || string(got[0].body) != string(envelope(number, msg)) ||
				signatures(got[0]) != signature(testSecret, got[0].body) {
				t.Errorf("%s: %v", number, got)
			}
		}
	})
}

// TestIndivisible: what cannot be cut is not sent, to nobody, and is a dead letter
// of each tenant's own elements.
func TestIndivisible(t *testing.T) {
	onStores(t, func(t *testing.T, queue string) {
		raw, events, other := newSink(t), newSink(t), newSink(t)
		config, base := withAdmin(t, wallSite(queue, "test_restless {\n token query token x\n}",
			wallTenant("acme", "match phone_number_id 111", raw, events), wallTenant("globex", "match phone_number_id 222", other, other)))
		e := startEdge(t, config)
		whole := `{"results":[{"to":"111","text":"A1"},{"to":"111","text":"A2"}]}`
		for _, body := range []string{whole, `{"results":[{"to":"111","text":"A3"},{"to":"222","text":"B1"},{"to":"111","text":"A4"}]}`} {
			if resp, _ := e.post("/webhooks?token=x", []byte(body)); resp.StatusCode != 200 {
				t.Fatalf("status %d", resp.StatusCode)
			}
		}
		if got := e.gathered(base, raw); len(got) != 1 || string(got[0].body) != whole {
			t.Fatalf("raw bodies: %v", got)
		}
		if got := e.gathered(base, events); len(got) != 4 {
			t.Errorf("%d events", len(got))
		}
		var page deadPage
		e.admin(base, "GET", "/leadgate/dead?destination=acme-raw", nil, &page)
		if len(page.Dead) != 1 || page.Dead[0].Reason != "indivisible" || !strings.Contains(page.Dead[0].Explanation, "other tenants") ||
			string(page.Dead[0].Event) != `[{"anew":"A3"},{"anew":"A4"}]` {
			t.Fatalf("dead letters: %+v", page.Dead)
		}
		var count struct{ Count int }
		e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "acme-raw", "all": true}, &count)
		if got := e.gathered(base, raw); count.Count != 1 || len(got) != 1 || string(got[0].body) != `[{"anew":"A3"},{"anew":"A4"}]` ||
			signatures(got[0]) != "" {
			t.Errorf("replayed %d: %v", count.Count, got)
		}
		e.admin(base, "GET", "/leadgate/dead?destination=unmatched", nil, &page)
		if len(page.Dead) != 0 {
			t.Errorf("unmatched: %+v", page.Dead)
		}
	})
}

// TestUnsignedParts says at load, once a block, that parts cannot be signed.
func TestUnsignedParts(t *testing.T) {
	const said = "there is no key to sign the parts with"
	two := "tenant acme {\nmatch phone_number_id 111\nforward http://127.0.0.1:9/a {\nraw\n}\n}\ntenant globex {\nmatch phone_number_id " +
		"222\nforward http://127.0.0.1:9/b {\nname b\nraw\n}\n}"
	for _, c := range []struct {
		provider, tenants string
		want              int
	}{
		{wallGupshup, two, 1},
		{wallDialog, two, 1},
		{"meta {\n insecure_skip_verify\n}", two, 1},
		{wallMeta, two, 0},
		{"twilio {\n token query token x\n}", two, 0},
		{wallGupshup, strings.ReplaceAll(two, "raw\n", ""), 0},
		{wallGupshup, "forward http://127.0.0.1:9/ {\nraw\n}", 0},
	} {
		e := startEdge(t, strings.Replace(otherSite(c.provider, c.tenants), "admin off", "admin off\nlog {\noutput file %DIR%/log\n}", 1))
		log, err := os.ReadFile(e.dir + "/log")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(log), said); got != c.want {
			t.Errorf("%s: said %d times", c.provider, got)
		}
	}
}
