package caddymodule

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestAnswers goes through the table of answers.
func TestAnswers(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, site("forward "+s.URL))
	good := message("wamid.1", "15551234567", "Hello")
	big := append([]byte(`{"object":"whatsapp_business_account","entry":[],"x":"`), bytes.Repeat([]byte("a"), 3<<20)...)
	sha1Signature := hmac.New(sha1.New, []byte(testSecret))
	sha1Signature.Write(good)

	unsigned := func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }
	header := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", value) }
	}
	method := func(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }

	for _, c := range []struct {
		name   string
		body   []byte
		edit   func(*http.Request)
		status int
		events int
	}{
		{"good", good, nil, 200, 1},
		{"redelivery", good, nil, 200, 0},
		{"no signature", good, unsigned, 401, 0},
		{"wrong secret", good, header(signature("other", good)), 401, 0},
		{"signature of another body", good, header(signature(testSecret, []byte("x"))), 401, 0},
		{"signature with the empty secret", good, header(signature("", good)), 401, 0},
		{"sha1 alone", good, func(r *http.Request) {
			unsigned(r)
			r.Header.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(sha1Signature.Sum(nil)))
		}, 401, 0},
		{"signature without prefix", good, header(strings.TrimPrefix(signature(testSecret, good), "sha256=")), 401, 0},
		{"signature cut short", good, header(signature(testSecret, good)[:40]), 401, 0},
		{"signature of no hex", good, header("sha256=" + strings.Repeat("z", 64)), 401, 0},
		{"empty signature", good, header(""), 401, 0},
		{"too large", big, nil, 413, 0},
		{"too large, of unknown length", big, func(r *http.Request) { r.ContentLength = -1 }, 413, 0},
		{"wrong signature and no JSON", []byte("{"), unsigned, 401, 0},
		{"half a JSON", good[:len(good)/2], nil, 400, 0},
		{"empty body", nil, nil, 400, 0},
		{"trailing data", append(bytes.Clone(good), "{}"...), nil, 400, 0},
		{"invalid UTF-8", bytes.Replace(good, []byte("Hello"), []byte("\xff\xfe"), 1), nil, 400, 0},
		{"nested 10 000 deep", append(bytes.Repeat([]byte("["), 10_000), bytes.Repeat([]byte("]"), 10_000)...), nil, 400, 0},
		{"an array", []byte(`[1,2]`), nil, 200, 0},
		{"another shape", []byte(`{"hello":"world"}`), nil, 200, 0},
		{"no entries", []byte(`{"object":"whatsapp_business_account","entry":[]}`), nil, 200, 0},
		{"unknown field", []byte(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"new_thing","value":{` +
			`"a":1}}]}]}`), nil, 200, 0},
		{"unknown type", bytes.Replace(message("wamid.2", "15551234567", "x"), []byte(`"type":"text"`), []byte(`"type":"hologram"`), 1), nil,
			200, 1},
		{"numbers for strings", []byte(`{"object":"whatsapp_business_account","entry":[{"id":102290129340398,"changes":[{"value":{` +
			`"metadata":{"phone_number_id":106540352242922},"messages":[{"from":15551234567,"id":4711,"timestamp":1736535600,"type":"text",` +
			`"text":{"body":42}}]},"field":"messages"}]}]}`), nil, 200, 1},
		{"lone surrogate", bytes.Replace(message("wamid.3", "15551234567", "cut"), []byte("cut"), []byte(`cut \ud83d`), 1), nil, 200, 1},
		{"1000 entries", envelope1000(), nil, 200, 1000},
		{"PUT", good, method("PUT"), 405, 0},
		{"DELETE", good, method("DELETE"), 405, 0},
		{"HEAD", nil, method("HEAD"), 405, 0},
		{"GET without hub.mode", nil, method("GET"), 405, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.t = t
			edit := c.edit
			if edit == nil {
				edit = func(*http.Request) {}
			}
			resp, answer := e.post("/webhooks/meta", c.body, edit)
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, c.status, answer)
			}
			if answer != "" {
				t.Errorf("the answer has a body: %q", answer)
			}
			want := "refused"
			switch {
			case c.events > 0:
				want = "queued"
			case c.name == "redelivery":
				want = "duplicate"
			case c.status == 200:
				want = "empty"
			}
			if got := resp.Header.Values("Leadgate-Outcome"); len(got) != 1 || got[0] != want {
				t.Errorf("Leadgate-Outcome: %q, want %q", got, want)
			}
			if c.status == 405 && resp.Header.Get("Allow") != "GET, POST" {
				t.Errorf("Allow: %q", resp.Header.Get("Allow"))
			}
			for range c.events {
				d := s.next(t)
				if d.event["kind"] != "message" {
					t.Errorf("unexpected event: %s", d.body)
				}
			}
			s.expectNone(t)
		})
	}
}

func envelope1000() []byte {
	var entries []string
	for i := range 1000 {
		entries = append(entries, entry("106540352242922", fmt.Sprintf(`"messages":[{"from":"1555%07d","id":"wamid.many.%d",`+
			`"timestamp":"1736535600","type":"text","text":{"body":"x"}}]`, i%50, i)))
	}
	return []byte(`{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`)
}

func TestHandshake(t *testing.T) {
	e := startEdge(t, strings.Replace(site("forward http://127.0.0.1:9/"), "admin off", "admin off\nlog {\noutput file %DIR%/log\n}", 1))
	refused := 0
	for _, c := range []struct {
		query, body string
		status      int
	}{
		{"hub.mode=subscribe&hub.verify_token=" + testToken + "&hub.challenge=1158201444", "1158201444", 200},
		{"hub.mode=subscribe&hub.verify_token=" + testToken + "&hub.challenge=%3Cscript%3E", "<script>", 200},
		{"hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1", "", 403},
		{"hub.mode=subscribe&hub.challenge=1", "", 403},
		{"hub.mode=subscribe&hub.verify_token=&hub.challenge=1", "", 403},
		{"hub.mode=unsubscribe&hub.verify_token=" + testToken + "&hub.challenge=1", "", 403},
	} {
		req, err := http.NewRequest(http.MethodGet, e.url("/webhooks/meta?"+c.query), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, answer := e.do(req)
		if resp.StatusCode != c.status || answer != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.query, resp.StatusCode, answer, c.status, c.body)
		}
		if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/plain") {
			t.Errorf("%s: Content-Type %q", c.query, ct)
		}
		if c.status == 403 {
			refused++
		}
		want := map[int]string{200: "handshake", 403: "refused"}[c.status]
		if got := resp.Header.Values("Leadgate-Outcome"); len(got) != 1 || got[0] != want {
			t.Errorf("%s: Leadgate-Outcome: %q, want %q", c.query, got, want)
		}
	}
	log, err := os.ReadFile(e.dir + "/log")
	if n := strings.Count(string(log), "handshake refused: the verify token is none of this block's"); err != nil || n != refused {
		t.Errorf("%d refusals are in the log, want %d: %v\n%s", n, refused, err, log)
	}
}

// TestSeveralSecrets is a rotation: old and new are good at once.
func TestSeveralSecrets(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, strings.Replace(site("forward "+s.URL), "app_secret "+testSecret, "app_secret old_secret\n\t\t\tapp_secret "+
		testSecret+" third_secret", 1))
	for i, secret := range []string{"old_secret", testSecret, "third_secret"} {
		body := message(fmt.Sprintf("wamid.%d", i), "15551234567", "x")
		resp, _ := e.post("/webhooks/meta", body, func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", signature(secret, body)) })
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", secret, resp.StatusCode)
		}
		s.next(t)
	}
}

// TestRefusingQueue shows what a provider gets while the store takes nothing,
// and that handle_errors cannot answer for us.
func TestRefusingQueue(t *testing.T) {
	s := newSink(t)
	config := strings.Replace(siteWith("queue embedded %DIR%/queue {\n\t\t\tmax_size 1KiB\n\t\t}",
		"forward "+s.URL+" {\n\t\t\tname crm\n\t\t}"),
		`respond "next" 418`, "respond \"next\" 418\n\thandle_errors {\n\t\trespond \"all is well\" 200\n\t}", 1)
	s.status = func(delivered) int { return http.StatusServiceUnavailable }
	e := startEdge(t, config)
	refused := 0
	for i := range 20 {
		resp, answer := e.post("/webhooks/meta", message(fmt.Sprintf("wamid.full.%d", i), "15551234567", "x"))
		switch resp.StatusCode {
		case 200:
			if refused > 0 {
				t.Fatalf("webhook %d was taken by a full store", i)
			}
		case 503:
			refused++
			if resp.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
			if answer != "" {
				t.Errorf("handle_errors answered: %q", answer)
			}
		default:
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	if refused == 0 {
		t.Error("the store was never full")
	}
}

// TestTenants is one body with the entries of three tenants, and one of nobody.
func TestTenants(t *testing.T) {
	acme, globex, rest := newSink(t), newSink(t), newSink(t)
	e := startEdge(t, site(`
		tenant acme {
			match phone_number_id 111
			forward `+acme.URL+`
		}
		tenant globex {
			match phone_number_id 222
			match waba_id 102290129340398
			forward `+globex.URL+`
		}
		tenant others
		forward `+rest.URL+`
`))
	msg := func(id string) string {
		return fmt.Sprintf(`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text","text":{"body":"x"}}]`, id)
	}
	other := strings.Replace(entry("999", msg("wamid.o")), "102290129340398", "555", 1)
	body := []byte(`{"object":"whatsapp_business_account","entry":[` + entry("111", msg("wamid.a")) + "," + entry("222",
		msg("wamid.g")) + "," +
		entry("333", msg("wamid.w")) + "," + other + `]}`)
	if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	expect := func(s *sink, tenant string, ids ...string) {
		t.Helper()
		for _, want := range ids {
			d := s.next(t)
			if got := d.event["message"].(map[string]any)["id"]; got != want || d.event["tenantId"] != tenant {
				t.Errorf("%s of %s, want %s of %s", got, d.event["tenantId"], want, tenant)
			}
			if d.header.Get("Leadgate-Tenant") != tenant || d.header.Get("Leadgate-Event-Id") != d.event["id"] ||
				d.header.Get("Leadgate-Kind") != "message" || d.header.Get("Leadgate-Attempt") != "1" {
				t.Errorf("headers: %v", d.header)
			}
		}
		s.expectNone(t)
	}
	expect(acme, "acme", "wamid.a")
	expect(globex, "globex", "wamid.g", "wamid.w") // the number of nobody, the WABA of globex
	expect(rest, "others", "wamid.o")
}

// TestRawParts cuts a raw body down to each tenant's entries and signs it anew.
func TestRawParts(t *testing.T) {
	acme, globex := newSink(t), newSink(t)
	e := startEdge(t, site(`
		tenant acme {
			match phone_number_id 111
			forward `+acme.URL+` {
				raw
			}
		}
		tenant globex {
			match phone_number_id 222
			forward `+globex.URL+` {
				raw
			}
		}
`))
	msg := func(id string) string {
		return fmt.Sprintf(`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text","text":{"body":"caf\u00e9 \/ `+
			`x"}}]`, id)
	}
	whole := envelope("111", msg("wamid.whole"))
	e.post("/webhooks/meta", whole)
	d := acme.next(t)
	if !bytes.Equal(d.body, whole) || signatures(d) != signature(testSecret, whole) {
		t.Errorf("a whole body was changed: %s", d.body)
	}
	two := `{"id":"9","changes":[` + strings.TrimSuffix(strings.SplitN(entry("111", msg("wamid.a2")), `"changes":[`, 2)[1], "]}") + "," +
		strings.TrimSuffix(strings.SplitN(entry("222", msg("wamid.g2")), `"changes":[`, 2)[1], "]}") + `]}`
	body := []byte(`{"object":"whatsapp_business_account","entry":[` + entry("111", msg("wamid.a")) + "," + entry("222",
		msg("wamid.g")) + "," + two + `]}`)
	e.post("/webhooks/meta", body)
	for s, want := range map[*sink][]string{acme: {"wamid.a", "wamid.a2"}, globex: {"wamid.g", "wamid.g2"}} {
		d := s.next(t)
		if signatures(d) != signature(testSecret, d.body) {
			t.Error("a part is not signed")
		}
		var got struct {
			Entry []struct {
				Changes []struct {
					Value struct{ Messages []struct{ ID string } }
				}
			}
		}
		if err := json.Unmarshal(d.body, &got); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range got.Entry {
			for _, c := range e.Changes {
				for _, m := range c.Value.Messages {
					ids = append(ids, m.ID)
				}
			}
		}
		if fmt.Sprint(ids) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", ids, want)
		}
		if !bytes.Contains(d.body, []byte(`caf\u00e9 \/ x`)) {
			t.Error("what was kept was written anew")
		}
	}
}

// TestInline hands the events to the next handler.
func TestInline(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, strings.Replace(site("tenant bot"), `respond "next" 418`, "reverse_proxy "+s.URL, 1))
	resp, _ := e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	if resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	d := s.next(t)
	var events []map[string]any
	if err := json.Unmarshal(d.body, &events); err != nil || len(events) != 1 || events[0]["tenantId"] != "bot" {
		t.Fatalf("body: %s", d.body)
	}
	if d.header.Get("Leadgate-Events") != "1" || signatures(d) != "" ||
		d.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", d.header)
	}
	s.status = func(delivered) int { return http.StatusTeapot }
	if resp, _ := e.post("/webhooks/meta", message("wamid.2", "15551234567", "x")); resp.StatusCode != http.StatusTeapot {
		t.Errorf("the next handler's answer was replaced: %d", resp.StatusCode)
	}
	s.next(t)
	for _, path := range []string{e.dir + "/queue"} {
		if _, err := os.Stat(path); err == nil {
			t.Error("inline opened a queue")
		}
	}
	if resp, _ := e.post("/webhooks/meta", []byte(`{"object":"whatsapp_business_account","entry":[]}`)); resp.StatusCode != 200 {
		t.Errorf("a webhook without events: %d", resp.StatusCode)
	}
	s.expectNone(t)
	if resp, _ := e.post("/webhooks/meta", nil, func(r *http.Request) { r.Method = "PUT" }); resp.StatusCode != 405 {
		t.Errorf("PUT: %d", resp.StatusCode)
	}
}

// TestOutcomeHeader says what became of webhooks that no destination gets.
func TestOutcomeHeader(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, strings.Replace(site("tenant acme {\n\t\t\tmatch phone_number_id 106540352242922\n\t\t\tforward "+s.URL+" {"+
		"\n\t\t\t\tonly statuses\n\t\t\t}\n\t\t}"),
		"\tleadgate /webhooks/meta", "\tleadgate /inline {\n\t\tprovider meta {\n\t\t\tapp_secret "+testSecret+"\n\t\t\tverify_token "+
			testToken+"\n\t\t}\n\t}\n\tleadgate /webhooks/meta", 1))
	for _, c := range []struct{ name, path, outcome string }{
		{"wanted by nobody", "/webhooks/meta", "empty"},
		{"matched by nobody", "/webhooks/meta", "unmatched"},
		{"inline", "/inline", "inline"},
		{"not Leadgate's", "/elsewhere", ""},
	} {
		body := message("wamid."+c.name, "15551234567", "Hello")
		if c.outcome == "unmatched" {
			body = bytes.ReplaceAll(body, []byte("106540352242922"), []byte("99"))
		}
		resp, _ := e.post(c.path, body, func(*http.Request) {})
		if got := resp.Header.Get("Leadgate-Outcome"); got != c.outcome {
			t.Errorf("%s: %d %q, want %q", c.name, resp.StatusCode, got, c.outcome)
		}
	}
	s.expectNone(t)
}
