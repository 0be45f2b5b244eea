package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestChangedIdentity: the click of a customer who gets another BSUID or number
// is found by the old names and by the new ones, on both queues, and also where
// nobody wants the event that tells of it.
func TestChangedIdentity(t *testing.T) {
	now := time.Now().Unix()
	system := func(from, body string) []byte {
		return envelope("106540352242922", fmt.Sprintf(`"messages":[{%s"id":"wamid.system","timestamp":"%d","type":"system","system":%s}]`,
			from, now, body))
	}
	for name, c := range map[string]struct {
		ids, contacts string // of the message with the click
		change        []byte
		names         []string // that must find the click
	}{
		"BSUID": {
			`"from":"15551234567","from_user_id":"US.1",`, `{"wa_id":"15551234567","user_id":"US.1","parent_user_id":"US.ENT.1"}`,
			system(`"from_user_id":"US.2",`, `{"type":"user_changed_user_id","user_id":"US.2","previous_user_id":"US.1"}`),
			[]string{`"userId":"US.2"`, `"userId":"US.1"`, `"userId":"US.ENT.1"`, `"waPhone":"+15551234567"`},
		},
		"number and BSUID": {
			`"from":"15551234567","from_user_id":"US.1",`, `{"wa_id":"15551234567","user_id":"US.1"}`,
			system(`"from":"15551234567",`, `{"type":"user_changed_number","wa_id":"15557654321","user_id":"US.2","previous_user_id":"US.1",`+
				`"parent_user_id":"US.ENT.2"}`),
			[]string{`"userId":"US.2"`, `"userId":"US.1"`, `"userId":"US.ENT.2"`, `"waPhone":"+15557654321"`, `"waId":"15551234567"`},
		},
		"number": {
			`"from":"15551234567",`, `{"wa_id":"15551234567"}`,
			system(`"from":"15551234567",`, `{"type":"user_changed_number","wa_id":"15557654321"}`),
			[]string{`"waPhone":"+15557654321"`, `"waPhone":"+15551234567"`},
		},
		"number of a contact with a BSUID": {
			`"from":"15551234567","from_user_id":"US.1",`, `{"wa_id":"15551234567","user_id":"US.1"}`,
			system(`"from":"15551234567",`, `{"type":"user_changed_number","wa_id":"15557654321"}`),
			[]string{`"waPhone":"+15557654321"`, `"waPhone":"+15551234567"`, `"userId":"US.1"`},
		},
	} {
		for _, store := range []string{"embedded", "redis"} {
			t.Run(store+"/"+name, func(t *testing.T) {
				meta, s := capitest.New(t), newSink(t)
				config := strings.Replace(conversionsSite(meta, s), "only messages conversions", "only conversions", 1)
				if store == "redis" {
					config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
				}
				e := startEdge(t, config)
				click := envelope("106540352242922", fmt.Sprintf(`"contacts":[%s],"messages":[{%s"id":"wamid.click","timestamp":"%d","type":"text",`+
					`"text":{"body":"Hi"},
					"referral":{"source_type":"ad","source_id":"120210000000000001","ctwa_clid":"Aff-1"}}]`, c.contacts, c.ids, now-60))
				for _, body := range [][]byte{click, c.change} {
					if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != http.StatusOK {
						t.Fatalf("status %d", resp.StatusCode)
					}
				}
				for i, id := range c.names {
					status, answer := e.convert(fmt.Sprintf(`{"eventName":"QualifiedLead","orderId":"A-%d",%s}`, i, id))
					if status != http.StatusOK || answer.Results[0].Status != "queued" || answer.Results[0].Click["ctwaClid"] != "Aff-1" {
						t.Errorf("%s: %d %+v", id, status, answer)
					}
				}
			})
		}
	}
}

// TestGroupReceipts: the receipts of a group's members are as many events,
// however the member is named, on both queues; a redelivery is none.
func TestGroupReceipts(t *testing.T) {
	members := []string{
		`"recipient_participant_id":"15551234567"`, `"participant_recipient_id":"15557654321"`,
		`"recipient_participant_user_id":"US.1"`, `"recipient_participant_user_id":"US.2"`,
		`"recipient_participant_parent_user_id":"US.ENT.1"`, `"recipient_participant_parent_user_id":"US.ENT.2"`,
	}
	var list []string
	for _, m := range members {
		list = append(list, fmt.Sprintf(`{"id":"wamid.group","status":"read","timestamp":"%d","recipient_type":"group",`+
			`"recipient_id":"Y2FwaV9ncm91cDox",%s}`, time.Now().Unix(), m))
	}
	body := envelope("106540352242922", `"statuses":[`+strings.Join(list, ",")+`]`)
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			s := newSink(t)
			config := site("tenant acme\n forward " + s.URL)
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			for range 2 {
				if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != http.StatusOK {
					t.Fatalf("status %d", resp.StatusCode)
				}
			}
			e.post("/webhooks/meta", message("wamid.last", "15550000001", "the end"))
			seen := make(map[string]bool)
			for len(seen) < len(members)+1 {
				d := s.next(t)
				id, _ := d.event["id"].(string)
				if seen[id] {
					t.Fatalf("twice: %s", d.body)
				}
				seen[id] = true
			}
			s.expectNone(t)
		})
	}
}

// TestHandoverIsRouted: whose number a handover is about stands in recipient, and
// whose chat in sender.
func TestHandoverIsRouted(t *testing.T) {
	first, second := newSink(t), newSink(t)
	e := startEdge(t, site(`
		tenant acme {
			match phone_number_id 111
			forward `+first.URL+` {
				only account
			}
		}
		tenant globex {
			match phone 15550783881
			forward `+second.URL+` {
				only account
			}
		}
`))
	for number, s := range map[string]*sink{`"phone_number_id":"111"`: first, `"display_phone_number":"+1 555-078-3881"`: second} {
		body := `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messaging_handovers","value":{
			"sender":{"phone_number":"15551234567"},"recipient":{` + number + `},"timestamp":"1736535600","type":"control_passed",` +
			`"control_passed":{}}}]}]}`
		if resp, _ := e.post("/webhooks/meta", []byte(body)); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
		if d := s.next(t); d.event["waId"] != "15551234567" || d.event["waPhone"] != "+15551234567" ||
			d.event["rawLastEventType"] != "messaging_handovers" {
			t.Errorf("%s", d.body)
		}
	}
}
