package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// standbyCase is a customer who comes by an ad and writes to whom another app or
// agent answers.
type standbyCase struct {
	name, provider string
	// body is a webhook of a message in a list, with the members of a referral.
	body func(list, id, referral string) []byte
	sale string // who the CRM says has bought
}

const (
	usualList   = "messages"
	standbyList = "standby"
)

func standbyCases() []standbyCase {
	now := time.Now()
	cloud := func(prefix string) func(list, id, referral string) []byte {
		return func(list, id, referral string) []byte {
			value := fmt.Sprintf(`"contacts":[{"profile":{"name":"Ana"},"wa_id":"15551234567","user_id":"US.1349"}],
				"messages":[{"from":"15551234567","from_user_id":"US.1349","id":%q,"timestamp":"%d","type":"text","text":{"body":"Hi"}%s}]`, id,
				now.Unix(), referral)
			if list == standbyList {
				value = `"standby":{` + value + `}`
			}
			body := bytes.Replace(envelope("106540352242922", value), []byte(`"field":"messages"`), []byte(`"field":"`+list+`"`), 1)
			return append([]byte("{"+prefix), body[1:]...)
		}
	}
	page := func(object, own, user string) func(list, id, referral string) []byte {
		return func(list, id, referral string) []byte {
			if list == usualList {
				list = "messaging"
			}
			return fmt.Appendf(nil, `{"object":%q,"entry":[{"id":%q,"time":%d,%q:[{"sender":{"id":%q},"recipient":{"id":%q},"timestamp":%[3]d,
				"message":{"mid":%[7]q,"text":"Hi"%[8]s}}]}]}`,
				object, own, now.UnixMilli(), list, user, own, id, referral)
		}
	}
	const (
		meta   = "meta {\n app_secret " + testSecret + "\n verify_token " + testToken + "\n}"
		bearer = " {\n token header X-Token hidden\n}"
		whats  = `"waPhone":"+15551234567"`
	)
	return []standbyCase{
		{"whatsapp", meta, cloud(""), whats},
		{"gupshup", "gupshup" + bearer, cloud(`"gs_app_id":"0a6f5e4d-3c2b-4a19-8877-665544332211",`), whats},
		{"360dialog", "360dialog" + bearer, cloud(""), whats},
		{"messenger", meta, page("page", "1029384756", "7012345678901234"), `"channel":"messenger","userId":"7012345678901234"`},
		{"instagram", meta, page("instagram", "17841400000000001", "6512345678901234"), `"channel":"instagram","userId":"6512345678901234"`},
	}
}

// TestStandby: a message to which another app or agent answers is kept from all
// destinations but those that ask for it, its click counts as any, and the same
// message beside standby is the same event. On both queues.
func TestStandby(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		for _, c := range standbyCases() {
			t.Run(store+"/"+c.name, func(t *testing.T) {
				q := "queue embedded %DIR%/queue"
				if store == "redis" {
					q = "queue redis " + redistest.Start(t).URL()
				}
				testStandby(t, q, c)
			})
		}
	}
}

func testStandby(t *testing.T, q string, c standbyCase) {
	meta := capitest.New(t)
	usual, standby, echoes, everything, adsOnly := newSink(t), newSink(t), newSink(t), newSink(t), newSink(t)
	raw, rawStandby := newSink(t), newSink(t)
	forward := func(name string, s *sink, options string) string {
		return "forward " + s.URL + " {\n name " + name + "\n " + options + "\n}\n"
	}
	e := startEdge(t, strings.NewReplacer("PROVIDER", c.provider, "DESTINATIONS", forward("usual", usual, "")+
		forward("standby", standby, "only standby")+forward("echoes", echoes, "only echoes")+forward("everything", everything, "only all")+
		forward("ads", adsOnly, "only standby ads")+forward("raw", raw, "raw")+forward("raw-standby", rawStandby, "raw\n only standby")+
		"capi {\n dataset 1234567890\n access_token token\n endpoint "+meta.URL()+"\n linger 0s\n}\n").Replace(`{
	admin off
	leadgate {
		`+q+`
	}
}
http://127.0.0.1:%PORT% {
	leadgate /webhooks/in {
		provider PROVIDER
		tenant acme
		DESTINATIONS
	}
	leadgate_conversions /conversions {
		tenant acme
		token crm_token
	}
}
`))
	post := func(body []byte) {
		t.Helper()
		resp, _ := e.post("/webhooks/in", body, func(r *http.Request) { r.Header.Set("X-Token", "hidden") })
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d for %s", resp.StatusCode, body)
		}
	}
	referral := `,"referral":{"source_type":"ad","source_id":"120210000000000001","ctwa_clid":"Aff-standby"}`
	if c.name == "messenger" || c.name == "instagram" {
		referral = `,"referral":{"source":"ADS","type":"OPEN_THREAD","ad_id":"120210000000000001"}`
	}
	body := c.body(standbyList, "id.1", referral)
	post(body)
	post(c.body(usualList, "id.1", referral)) // the same message, after all
	post(c.body(standbyList, "id.2", ""))
	post(c.body(usualList, "id.3", ""))

	id := func(d delivered) string {
		message, _ := d.event["message"].(map[string]any)
		text, _ := message["id"].(string)
		return text
	}
	for _, want := range []struct {
		sink *sink
		name string
		ids  []string
	}{
		{usual, "usual", []string{"id.3"}}, {standby, "only standby", []string{"id.1", "id.2"}}, {echoes, "only echoes", []string{"id.1",
			"id.2"}},
		{everything, "only all", []string{"id.1", "id.2", "id.3"}}, {adsOnly, "only standby ads", []string{"id.1"}},
	} {
		for _, wanted := range want.ids {
			d := want.sink.next(t)
			if id(d) != wanted {
				t.Errorf("%s got %s, want %s: %s", want.name, id(d), wanted, d.body)
			}
			isStandby := wanted != "id.3"
			if (d.event["rawLastEventType"] == "standby") != isStandby || (d.event["replyUntil"] == nil) != isStandby ||
				d.event["kind"] != "message" {
				t.Errorf("%s: %s", want.name, d.body)
			}
			if attribution, _ := d.event["attribution"].(map[string]any); attribution["firstClick"] == nil {
				t.Errorf("%s: no click in %s", want.name, d.body)
			}
		}
		want.sink.expectNone(t)
	}
	if d := raw.next(t); !bytes.Contains(d.body, []byte("id.3")) {
		t.Errorf("raw got %s", d.body)
	}
	if d := rawStandby.next(t); !bytes.Equal(d.body, body) {
		t.Errorf("raw of standby got %s, want %s", d.body, body)
	}
	if lead := acceptedEvents(t, meta, 1)[0]; lead["event_name"] != "LeadSubmitted" ||
		lead["messaging_channel"] != strings.NewReplacer("gupshup", "whatsapp", "360dialog", "whatsapp").Replace(c.name) {
		t.Errorf("lead %v", lead)
	}
	status, answer := e.convert(`{"eventName":"Purchase","value":7.25,"currency":"EUR",` + c.sale + `}`)
	if status != http.StatusOK || answer.Results[0].Status != "queued" {
		t.Fatalf("sale: %d %+v", status, answer)
	}
	if sale := acceptedEvents(t, meta, 2)[1]; sale["event_name"] != "Purchase" {
		t.Errorf("sale %v", sale)
	}
}
