package conversions

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// click is a WhatsApp webhook with a message that an ad brought.
const click = `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{
	"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},
	"contacts":[{"profile":{"name":"Maria"},"wa_id":"15551234567"}],
	"messages":[{"from":"15551234567","id":"wamid.1","timestamp":"1736535590","type":"text","text":{"body":"Hi"},"referral":{
		"source_url":"https:\/\/fb.me\/x","source_id":"120210000000000001","source_type":"ad","headline":"Sale","ctwa_clid":"Aff-1"}}]}}]}]}`

// clickStore is a queue whose every contact has clicked the same ad.
type clickStore struct {
	click []byte
}

func (clickStore) Append(context.Context, []queue.Group) []queue.Result { return nil }

func (s clickStore) Clicks(_ context.Context, _ string, keys []string) ([]queue.Clicks, error) {
	found := make([]queue.Clicks, len(keys))
	for i := range found {
		if i == 0 {
			found[i] = queue.Touches{{Kind: queue.ClickClid, Data: s.click}}.Clicks()
		}
	}
	return found, nil
}

func (clickStore) Remembers(_ context.Context, _ string, once []string) ([]bool, error) {
	return make([]bool, len(once)), nil
}

// FuzzConversions plans whatever is posted: each item has one result, what is
// invalid says why, and what is queued is a valid event that Meta's rules let
// through.
func FuzzConversions(f *testing.F) {
	for _, item := range []string{
		`{"eventName":"Purchase","waPhone":"+15551234567","value":12.5,"currency":"USD","orderId":"A-1"}`,
		`{"eventName":"Marketing Qualified Lead","leadId":"l:987654321012345","email":"a@b.c"}`,
		`[{"eventName":"won","waId":"15551234567","value":"1e3","currency":"usd"},{"eventName":"Lead","userId":"US.1"},{}]`,
		`{"eventName":"QualifiedLead","messageId":"wamid.1","touch":"first","eventTime":"2025-01-10T19:00:00Z",` +
			`"email":"a@b.c","customData":{"x":[1,null]}}`,
		`{"eventName":"Purchase","ctwaClid":"Aff-1","value":-0,"currency":"JPY",` +
			`"contents":[{"id":"1","quantity":2,"itemPrice":"9.90"}],"channel":"whatsapp"}`,
		`{"eventName":"OrderShipped","waPhone":"5531987654321","eventTime":1736535000000,"email":"\ud800@x.y"}`,
	} {
		f.Add([]byte(item))
	}
	now := time.UnixMilli(1736535600000)
	var touched queue.Event
	var batch normalize.Batch
	if err := normalize.Meta(&batch, []byte(click), now.UnixMilli()); err != nil {
		f.Fatal(err)
	}
	clicks.Touch(&batch.Events[0], &touched)
	store := clickStore{click: touched.Clicks[0].Data}
	all, err := destination.ParseWants("all")
	if err != nil {
		f.Fatal(err)
	}
	e := &Endpoint{Tenant: "acme", Map: map[string]string{"won": "Purchase"}, Destinations: []*destination.Destination{
		{Planner: &dataset.Planner{Settings: capi.Settings{Dataset: "1", AccessToken: "x"}}},
		{Planner: &dataset.Stages{Settings: capi.Settings{Dataset: "2", AccessToken: "x"}}},
		{Planner: &forward.Planner{Wants: all}},
	}}

	e.Now = func() time.Time { return now }
	f.Fuzz(func(t *testing.T, body []byte) {
		var doc jsondoc.Doc
		if doc.Parse(body) != nil {
			return
		}
		items := []jsondoc.Node{doc.Root()}
		if doc.Root().Kind() == '[' {
			items = items[:0]
			for n := doc.Root().First(); n.Exists(); n = n.Next() {
				items = append(items, n)
			}
		}
		p := e.newPost(items)
		if err := p.lookUp(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		p.plan()
		outcomes := make([]queue.Admission, len(p.group.Jobs))
		for i := range outcomes {
			outcomes[i] = queue.Queued
		}
		p.settle(&queue.Result{Jobs: outcomes})
		for i, r := range p.results() {
			switch r.Status {
			case "queued":
				if r.EventID == nil || r.Error != nil || r.Click == nil && p.lines[i].item.chat == len(p.lines[i].item.keys) {
					t.Errorf("item %d: %+v", i, r)
				}
			case "invalid", "no_click":
				if r.EventID != nil || r.Error == nil || *r.Error == "" {
					t.Errorf("item %d: %+v", i, r)
				}
			default:
				t.Errorf("item %d: status %q", i, r.Status)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Errorf("item %d: %v", i, err)
			}
		}
		for _, payload := range p.group.Payloads {
			if !json.Valid(payload) {
				t.Errorf("no JSON: %s", payload)
			}
		}
	})
}
