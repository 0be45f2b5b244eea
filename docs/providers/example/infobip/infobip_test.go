package infobip

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leadgate/leadgate/normalize"
)

// click is a message that an ad brought, written from Infobip's documentation.
const click = `{"results":[{"from":"15551234567","to":"15550783881","integrationType":"WHATSAPP",` +
	`"receivedAt":"2025-01-10T21:40:00.000+0000",` +
	`"messageId":"wamid.1","pairedMessageId":null,"callbackData":null,"contact":{"name":"John Doe"},` +
	`"message":{"type":"TEXT","text":"Hi, I saw your ad","referral":{"sourceType":"AD","sourceId":"120210000000000001",` +
	`"sourceUrl":"https://fb.me/3cr4Wqqkv?utm_source=facebook","headline":"Summer ` +
	`sale","referralMedia":{"type":"IMAGE","url":"https://example.com/ad.jpg"},` +
	`"ctwaClickId":"Aff-n8ZT"}},"price":{"pricePerMessage":0,"currency":"EUR"}}],"messageCount":1,"pendingMessageCount":0}`

const ingested = 1736545200412

// events normalizes a body; each event is held to the unified JSON's schema.
func events(t *testing.T, body string) []map[string]any {
	t.Helper()
	var batch normalize.Batch
	if err := new(Infobip).Normalize(nil, []byte(body), ingested, &batch); err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for i := range batch.Events {
		batch.Events[i].SetTenant("acme")
		text, _ := batch.Events[i].AppendJSON(nil)
		checkSchema(t, text)
		var event map[string]any
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatal(err)
		}
		out = append(out, event)
	}
	return out
}

func checkSchema(t *testing.T, event []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(normalize.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("unified.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		t.Fatalf("%v\n%s", err, event)
	}
	if err := c.MustCompile("unified.schema.json").Validate(value); err != nil {
		t.Fatalf("%v\n%s", err, event)
	}
}

// at is the value at a path such as message.type, as JSON.
func at(event map[string]any, path string) string {
	var value any = event
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestNormalize(t *testing.T) {
	message := func(m string) string {
		return `{"results":[{"from":"15551234567","to":"15550783881","integrationType":"WHATSAPP",` +
			`"receivedAt":"2025-01-10T21:40:00.000+0000","messageId":"wamid.1","message":` + m + `}]}`
	}
	for name, c := range map[string]struct {
		body string
		want map[string]string
	}{
		"click": {click, map[string]string{
			"kind": `"message"`, "provider": `"infobip"`, "channel": `"whatsapp"`, "waPhone": `"+15551234567"`, "profileName": `"John Doe"`,
			"account.displayPhoneNumber": `"15550783881"`, "message.id": `"wamid.1"`, "message.type": `"text"`,
			"message.text": `"Hi, I saw your ad"`,
			"receivedAt":   "1736545200000", "replyUntil": "1736631600000",
			"referral.ctwaClid": `"Aff-n8ZT"`, "referral.adId": `"120210000000000001"`,
			"referral.sourceType": `"ad"`, "referral.imageUrl": `"https://example.com/ad.jpg"`, "utm.source": `"facebook"`,
			"raw.messageId": `"wamid.1"`,
		}},
		"organic": {message(`{"type":"TEXT","text":"Hi"}`), map[string]string{"referral.ctwaClid": "null", "utm.source": "null",
			"message.text": `"Hi"`}},
		"voice": {message(`{"type":"VOICE","url":"https://example.com/1"}`),
			map[string]string{"message.type": `"audio"`, "message.voice": "true", "message.mediaUrl": `"https://example.com/1"`}},
		"location": {message(`{"type":"LOCATION","latitude":45.5,"longitude":"9.25","name":"Office"}`), map[string]string{
			"message.location.lat": "45.5", "message.location.lng": "9.25", "message.location.name": `"Office"`}},
		"button": {message(`{"type":"BUTTON","text":"Yes","payload":"yes-1"}`), map[string]string{
			"message.text": `"Yes"`, "message.interactive.type": `"button"`, "message.interactive.payload": `"yes-1"`}},
		"reply button": {message(`{"type":"INTERACTIVE_BUTTON_REPLY","id":"a","title":"Yes","context":{"id":"wamid.0","from":"15550783881"}}`),
			map[string]string{
				"message.type": `"interactive"`, "message.text": `"Yes"`, "message.interactive.button_reply.id": `"a"`,
				"message.replyToId": `"wamid.0"`}},
		"list": {message(`{"type":"INTERACTIVE_LIST_REPLY","id":"a","title":"Monday","description":"9 to 12"}`), map[string]string{
			"message.interactive.list_reply.description": `"9 to 12"`, "message.interactive.id": `"a"`}},
		"unknown type": {message(`{"type":"INTERACTIVE_PAYMENT_CONFIRMATION","paymentId":"1"}`), map[string]string{
			"message.type": `"unsupported"`, "raw.message.paymentId": `"1"`}},
		"another type of value": {message(`{"type":"TEXT","text":7}`), map[string]string{"kind": `"message"`, "message.text": "null",
			"raw.message.text": "7"}},
		"delivered": {`{"results":[{"messageId":"m1","to":"15551234567","doneAt":"2025-01-10T21:40:00.000+00:00","status":{"groupId":3,` +
			`"groupName":"DELIVERED"},"error":{"id":0,"name":"NO_ERROR"}}]}`, map[string]string{
			"kind": `"status"`, "status.state": `"delivered"`, "status.errors": "null", "waPhone": `"+15551234567"`, "receivedAt": "1736545200000"}},
		"refused": {`{"results":[{"messageId":"m1","to":"15551234567","status":{"groupName":"REJECTED"},"error":{"id":7012,"name":"EC_X",` +
			`"description":"No template"}}]}`, map[string]string{
			"status.state": `"rejected"`, "status.errors": `[{"code":7012,"details":null,"message":"No template","title":"EC_X"}]`,
			"receivedAt": "1736545200412"}},
		"seen": {`{"results":[{"messageId":"m1","from":"15550783881","to":"15551234567","seenAt":"2025-01-10T21:40:00.000Z"}]}`,
			map[string]string{"status.state": `"read"`, "status.messageId": `"m1"`}},
		"Viber": {`{"results":[{"integrationType":"VIBER","message":{"type":"TEXT"}}]}`,
			map[string]string{"kind": `"account"`, "channel": "null"}},
		"no result": {`{"results":[],"x":1}`, map[string]string{"kind": `"account"`, "raw.x": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := events(t, c.body)
			if len(got) != 1 {
				t.Fatalf("%d events", len(got))
			}
			for path, want := range c.want {
				if value := at(got[0], path); value != want {
					t.Errorf("%s is %s, want %s", path, value, want)
				}
			}
		})
	}
}

// TestIDs: a redelivery is known again, and nothing else is taken for one.
func TestIDs(t *testing.T) {
	seen := make(map[any]string)
	for _, body := range []string{
		click,
		strings.Replace(click, "wamid.1", "wamid.2", 1),
		strings.Replace(click, `"messageId":"wamid.1",`, "", 1),
		strings.Replace(strings.Replace(click, `"messageId":"wamid.1",`, "", 1), "15551234567", "15551234568", 1),
		`{"results":[{"messageId":"wamid.1","to":"1","status":{"groupName":"DELIVERED"}},{"messageId":"wamid.1","to":"1",` +
			`"status":{"groupName":"PENDING"}}]}`,
		`{"results":[1,2]}`,
	} {
		first, again := events(t, body), events(t, body)
		for i := range first {
			id := first[i]["id"]
			if id != again[i]["id"] {
				t.Errorf("%s: the id changes", body)
			}
			if other, taken := seen[id]; taken {
				t.Errorf("%s and %s have one id", body, other)
			}
			seen[id] = body
		}
	}
}

func TestSyntaxError(t *testing.T) {
	for _, body := range []string{``, `{"results":[`, "{\"results\":[\"\xff\"]}", strings.Repeat("[", 201) + strings.Repeat("]", 201)} {
		var batch normalize.Batch
		err := new(Infobip).Normalize(nil, []byte(body), ingested, &batch)
		if _, ok := errors.AsType[*normalize.SyntaxError](err); !ok || len(batch.Events) > 0 {
			t.Errorf("%q: %v, %d events", body, err, len(batch.Events))
		}
	}
}

// TestInCaddy runs a real Caddy with the provider in it.
func TestInCaddy(t *testing.T) {
	got := make(chan []byte, 10)
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- body
	}))
	defer crm.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	config := func(token string) error {
		cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil, `{
	admin off
	leadgate {
		queue embedded %s
	}
}
http://%s {
	leadgate /webhooks/infobip {
		provider infobip {
			%s
		}
		forward %s
	}
}
`, t.TempDir(), address, token, crm.URL), map[string]any{"filename": "Caddyfile"})
		if err != nil {
			return err
		}
		return caddy.Load(cfg, true)
	}
	for token, want := range map[string]string{
		``:               "provider infobip needs a token",
		`secret x`:       "provider infobip has no option 'secret'",
		`token header A`: "token needs a place, a name and a value",
		`token header Authorization {env.LEADGATE_TEST_MISSING}`: "LEADGATE_TEST_MISSING",
	} {
		if err := config(token); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", token, err, want)
		}
	}
	// The JSON configuration has no parser that could refuse it.
	if err := caddy.Load([]byte(`{"admin":{"disabled":true},"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"leadgate",`+
		`"provider":{"name":"infobip"}}]}]}}}}}`), true); err == nil || !strings.Contains(err.Error(), "needs a token") {
		t.Errorf("without a token: %v", err)
	}

	if err := config(`token header Authorization "Bearer right"`); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	post := func(token, body string) int {
		req, err := http.NewRequest(http.MethodPost, "http://"+address+"/webhooks/infobip", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		token, body string
		status      int
	}{{"wrong", click, 401}, {"right", `{"results":[`, 400}, {"right", click, 200}, {"right", click, 200}} {
		if status := post(c.token, c.body); status != c.status {
			t.Errorf("%s %.20s: %d, want %d", c.token, c.body, status, c.status)
		}
	}
	select {
	case event := <-got:
		checkSchema(t, event)
		if !bytes.Contains(event, []byte(`"ctwaClid":"Aff-n8ZT"`)) {
			t.Errorf("event: %s", event)
		}
	case <-time.After(20 * time.Second): // only ends a test that has failed
		t.Fatal("nothing was delivered")
	}
}
