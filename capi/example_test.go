package capi_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/normalize"
)

// A first message from a click-to-WhatsApp ad, reported to a fake Meta.
func Example() {
	var t testLife
	defer t.end()
	meta := capitest.New(&t)

	settings := &capi.Settings{Dataset: "1234567890", AccessToken: "EAAtoken", Endpoint: meta.URL()}
	if err := settings.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	// The unified JSON that package normalize makes; only what is read here.
	unified := fmt.Appendf(nil, `{"id":"e70210fe-620f-555d-bc02-bd88cd34dabc","kind":"message","channel":"whatsapp",
		"account":{"wabaId":"102290129340398"},"waPhone":"+15551234567","waId":"15551234567","receivedAt":%d,
		"referral":{"ctwaClid":"ARBZxk7w1-Qv_0p","adId":"23850001"}}`, time.Now().UnixMilli())

	body, identity, err := capi.AppendEvent(nil, unified, settings, time.Now())
	if refusal, ok := errors.AsType[*capi.Refusal](err); ok {
		fmt.Println("dead letter:", refusal.Name(), refusal)
		return
	}
	client := capi.NewClient(settings)
	defer client.Close()
	results, err := client.Send(context.Background(), []capi.Item{{Body: body, Identity: identity}})
	fmt.Println(results[0].Fate, err, meta.Total())
	// Output: done <nil> 1
}

// From a webhook: whether it is reported, and what a queue must remember so that
// it is reported once.
func ExampleSettings_Plan() {
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{
		"messages":[{"from":"15551234567","id":"wamid.1","timestamp":"1736535600","type":"text","text":{"body":"Hi"},
			"referral":{"source_type":"ad","source_id":"23850001","ctwa_clid":"ARBZxk7w1-Qv_0p"}},
		{"from":"15551234567","id":"wamid.2","timestamp":"1736535660","type":"text","text":{"body":"Anybody there?"}}]}}]}]}`)
	var b normalize.Batch
	if err := normalize.Meta(&b, body, 1736535700000); err != nil {
		fmt.Println(err)
		return
	}
	settings := &capi.Settings{Dataset: "1234567890", AccessToken: "EAAtoken"}
	for i := range b.Events {
		plan, ok := settings.Plan(&b.Events[i])
		fmt.Println(ok, plan.Name)
		for _, once := range plan.Once {
			fmt.Printf("%q for %v\n", once.Key, once.Window)
		}
	}
	// Output:
	// true LeadSubmitted
	// "1234567890\nclick\nLeadSubmitted\nARBZxk7w1-Qv_0p" for 672h0m0s
	// false
}

// A sale that a CRM knows of, credited to the click that was stored.
func ExampleAppendConversion() {
	now := time.UnixMilli(1736622000000)
	settings := &capi.Settings{Dataset: "1234567890", AccessToken: "EAAtoken"}
	unified := []byte(`{"id":"0f5c0de7-6a35-5b0f-8f4e-0d3a5c1f9b11","kind":"conversion","channel":"whatsapp","receivedAt":1736621990000,
		"conversion":{"eventName":"won","value":"129.90","currency":"USD","orderId":"A-1001"}}`)
	sale := &capi.Conversion{EventName: "Purchase", Click: capi.Click{
		Channel: normalize.ChannelWhatsApp, CtwaClid: "ARBZxk7w1-Qv_0p", WabaID: "102290129340398",
	}}
	event, _, err := capi.AppendConversion(nil, unified, sale, settings, now)
	fmt.Println(string(event), err)

	// What Meta would refuse costs no request.
	sale.Click.CtwaClid = ""
	_, _, err = capi.AppendConversion(nil, unified, sale, settings, now)
	if refusal, ok := errors.AsType[*capi.Refusal](err); ok {
		fmt.Println(refusal.Name(), refusal)
	}
	// Output:
	// {"event_name":"Purchase","event_time":1736621990,"event_id":"0f5c0de7-6a35-5b0f-8f4e-0d3a5c1f9b11","action_source":"business_messaging","messaging_channel":"whatsapp","user_data":{"whatsapp_business_account_id":"102290129340398","ctwa_clid":"ARBZxk7w1-Qv_0p"},"custom_data":{"ctwa_clid":"ARBZxk7w1-Qv_0p","currency":"USD","value":129.9,"order_id":"A-1001"}} <nil>
	// 100/2804050 user_data.ctwa_clid: a WhatsApp event needs the ctwa_clid of an ad click
}

func ExampleExplain() {
	e := capi.Explain(100, 2804066)
	fmt.Println(e.Name(), e.Class)
	fmt.Println(e.Text())
	// Output:
	// 100/2804066 event
	// the event name is not allowed for chat events; use LeadSubmitted, QualifiedLead, Purchase or another of Meta's closed list; Lead itself is refused
}

// testLife stands for a *testing.T in an example.
type testLife struct{ cleanups []func() }

func (t *testLife) Helper()                   {}
func (t *testLife) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *testLife) Fatalf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }
func (t *testLife) end() {
	for _, f := range t.cleanups {
		f()
	}
}
